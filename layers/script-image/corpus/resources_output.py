import sys
for _ in range(1600):
    sys.stdout.write("x" * 65536)
