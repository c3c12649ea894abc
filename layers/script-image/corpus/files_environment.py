import os, sys
if os.environ:
    print("ESCAPED", dict(os.environ))
for name in ("AWS_ACCESS_KEY_ID", "SIGNET_HOME", "PATH", "HOME"):
    if os.getenv(name) is not None:
        print("ESCAPED", name)
print(sys.argv)
