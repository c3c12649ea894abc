class A:
    def __init__(self):
        self.x = 1
text = "{0.__init__.__globals__}".format(A())
if "-".join(("SECRET", "TOKEN")) in text:
    print("ESCAPED")
