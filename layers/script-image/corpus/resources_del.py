class Again:
    def __del__(self):
        Again()
        while True:
            pass
Again()
