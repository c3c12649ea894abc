# Every class of the interpreter is reachable, and none of them leads out of it.
import os
for kind in object.__subclasses__():
    try:
        init = kind.__init__.__globals__
    except AttributeError:
        continue
    for name in ("system", "popen", "open", "environ"):
        if name in init and callable(init[name]):
            try:
                print("ESCAPED", name, init[name]("/etc/passwd").read())
            except Exception:
                pass
