import zlib
data = zlib.compress(bytes(1 << 26), 9)
total = []
while True:
    total.append(zlib.decompress(data))
