import os, subprocess
for attempt in (
    lambda: os.system("id"),
    lambda: os.popen("id").read(),
    lambda: os.execv("/bin/sh", ["sh"]),
    lambda: os.fork(),
    lambda: os.posix_spawn("/bin/true", ["true"], {}),
    lambda: subprocess.run(["id"], capture_output=True).stdout,
):
    try:
        print("ESCAPED", attempt())
    except (AttributeError, OSError, NotImplementedError) as error:
        print(type(error).__name__)
