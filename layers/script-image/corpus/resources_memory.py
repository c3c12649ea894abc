kept = []
while True:
    try:
        kept.append(bytearray(1 << 22))
    except MemoryError:
        pass
