# Runs after leftovers_patch.py.
import builtins, json, hyper_core
if len([]) != 0 or hasattr(builtins, "ESCAPED") or json.dumps(1) != "1" or "patched" in repr(hyper_core.llm.chat):
    print("ESCAPED")
