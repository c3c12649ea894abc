import os
while True:
    os.urandom(1 << 20)
