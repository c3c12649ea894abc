try:
    import ctypes
    ctypes.CDLL(None)
    print("ESCAPED")
except ImportError:
    pass
try:
    import _ctypes
    print("ESCAPED")
except ImportError:
    pass
