# Descriptors 0 to 2 are the run's own streams. None leads anywhere else.
import os
for number in range(3, 64):
    for attempt in (lambda: os.read(number, 1), lambda: os.write(number, b"x"), lambda: os.fstat(number), lambda: os.listdir(number)):
        try:
            print("ESCAPED", number, attempt())
        except OSError:
            pass
print(os.read(0, 10))
