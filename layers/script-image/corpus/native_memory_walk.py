# Objects made from integers: reading guest memory by forged constants stays in guest memory.
def f():
    pass

import opcode
code = bytes([opcode.opmap["EXTENDED_ARG"], 255, opcode.opmap["EXTENDED_ARG"], 255, opcode.opmap["LOAD_CONST"], 255, opcode.opmap["RETURN_VALUE"], 0])
f.__code__ = f.__code__.replace(co_code=code, co_consts=())
print(f())
