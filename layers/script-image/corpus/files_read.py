import os
for path in ("/proc/self/environ", "/proc/self/mem", "/proc/1/environ", "/etc/passwd", "/etc/hostname", "/dev/urandom", "/dev/mem",
             "/var/task", "/python/os.py", "/0/app.py", "..", "../../etc/passwd", "/", ".", "\x2fetc/passwd"):
    for attempt in (lambda: open(path, "rb").read(), lambda: os.listdir(path), lambda: os.stat(path), lambda: os.readlink(path)):
        try:
            print("ESCAPED", path, attempt())
        except OSError:
            pass
