for name in ("js", "pyodide_js", "pyodide", "_pyodide", "pyodide_js._api", "micropip"):
    try:
        __import__(name)
        print("ESCAPED", name)
    except ImportError:
        pass
