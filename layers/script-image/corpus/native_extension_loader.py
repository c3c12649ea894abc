import importlib.machinery, importlib.util
open_file = None
try:
    loader = importlib.machinery.ExtensionFileLoader("evil", "/tmp/evil.so")
    spec = importlib.util.spec_from_loader("evil", loader)
    module = importlib.util.module_from_spec(spec)
    print("ESCAPED")
except (ImportError, AttributeError, OSError) as error:
    print(type(error).__name__)
