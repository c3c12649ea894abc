"""The standard library without a file system.

Common modules are imported while the image is built and so are part of its memory. The others travel as marshalled
code behind a finder: `import` of one costs its execution, not a look at a disk that does not exist. Left out is what
cannot work here (threads need no list: `threading` imports and refuses to start) or only serves people at a terminal.
"""

import gc
import importlib
import importlib.abc
import importlib.machinery
import linecache
import marshal
import os
import sys

BUILD_FOLDER = "/python"  # exists only while componentize-py builds

PRELOADED = """
    abc argparse array ast asyncio base64 binascii bisect calendar cmath collections collections.abc colorsys
    concurrent.futures contextlib contextvars copy csv dataclasses datetime decimal difflib email.utils enum
    fnmatch fractions functools graphlib hashlib heapq hmac html html.parser inspect io ipaddress itertools json keyword
    linecache locale logging math numbers operator pathlib pickle pprint queue random re reprlib sched secrets
    selectors shlex statistics string struct tempfile textwrap threading time token tokenize tomllib traceback
    types typing unicodedata urllib.parse uuid warnings weakref xml.etree.ElementTree zlib zoneinfo
    encodings.ascii encodings.cp437 encodings.idna encodings.latin_1 encodings.utf_16
""".split()

EXCLUDED = (
    "_aix_support", "_android_support", "_apple_support", "_ios_support", "_osx_support", "antigravity", "config-",
    "ctypes", "curses", "ensurepip", "idlelib", "lib2to3", "msilib", "__phello__", "pydoc_data", "site-packages",
    "test", "this", "tkinter", "turtle", "turtledemo", "venv",
)

_bundled: dict[str, tuple[bytes, bool]] = {}


def preload() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    _bundle(BUILD_FOLDER, "")
    sys.meta_path.append(_BundledModules())


def freeze() -> None:
    """Last step of the build: drop caches that hold build paths, and keep the collector off the snapshot's objects."""
    linecache.clearcache()
    sys.modules["re"].purge()
    sys.path[:] = []
    sys.path_importer_cache.clear()
    gc.collect()
    gc.freeze()


class _BundledModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        entry = _bundled.get(name)
        if entry is None:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin="bundled", is_package=entry[1])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(marshal.loads(_bundled[module.__spec__.name][0]), module.__dict__)


def _bundle(folder: str, package: str) -> None:
    for entry in sorted(os.listdir(folder)):
        if entry.startswith(EXCLUDED) or entry == "__pycache__":
            continue
        path = f"{folder}/{entry}"
        if os.path.exists(f"{path}/__init__.py"):
            _bundle_file(f"{path}/__init__.py", package + entry, is_package=True)
            _bundle(path, f"{package}{entry}.")
        elif entry.endswith(".py") and entry != "__init__.py":
            _bundle_file(path, package + entry[:-3], is_package=False)


def _bundle_file(path: str, name: str, is_package: bool) -> None:
    if name in sys.modules:
        return
    with open(path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, f"<stdlib>/{name}", "exec", optimize=2)
    except (SyntaxError, ValueError):
        return  # templates and the like, which are no modules
    _bundled[name] = (marshal.dumps(code), is_package)
