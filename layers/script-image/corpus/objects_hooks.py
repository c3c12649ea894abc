import sys
sys.addaudithook(lambda name, args: None)
class Finder:
    def find_spec(self, name, path=None, target=None):
        print("asked for", name)
sys.meta_path.insert(0, Finder())
sys.modules.clear()
sys.setrecursionlimit(10**6)
def deep(n):
    return deep(n + 1)
deep(0)
