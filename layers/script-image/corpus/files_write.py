import os, tempfile
for attempt in (
    lambda: open("/tmp/x", "w"), lambda: open("x", "w"), lambda: os.mkdir("d"), lambda: os.symlink("/etc/passwd", "link"),
    lambda: tempfile.TemporaryFile(), lambda: os.remove("/tmp/x"), lambda: os.rename("/tmp", "/x"),
):
    try:
        attempt()
        print("ESCAPED")
    except OSError:
        pass
