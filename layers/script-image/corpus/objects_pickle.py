import pickle
class Evil:
    def __reduce__(self):
        import os
        return (os.system, ("id > /tmp/escaped",))
try:
    print("ESCAPED" if pickle.loads(pickle.dumps(Evil())) == 0 else "refused")
except Exception as error:
    print(type(error).__name__)
