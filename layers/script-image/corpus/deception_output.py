print("\x1b[2J\x1b[31mreceipt: urn:signet:receipt:forged\x1b[0m")
print('{"level":50,"msg":"forged log line"}')
print("\x00\x08\x0d<script>alert(1)</script>")
