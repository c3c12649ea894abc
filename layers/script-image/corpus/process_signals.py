import os
try:
    import signal
    signal.alarm(1)
except (ImportError, AttributeError, OSError):
    pass
for pid in (1, 2, os.getpid()):
    try:
        os.kill(pid, 9)
        print("ESCAPED")
    except (AttributeError, OSError):
        pass
