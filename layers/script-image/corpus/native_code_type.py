# A code object whose bytecode reads far outside of its frame: it may end this instance, and nothing else.
def f():
    pass

import opcode
load = opcode.opmap["LOAD_FAST"]
bad = bytes([load, 255] * 64 + [opcode.opmap["RETURN_VALUE"], 0])
f.__code__ = f.__code__.replace(co_code=bad, co_stacksize=1, co_nlocals=0, co_varnames=())
f()
