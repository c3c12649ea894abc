import urllib.request
for url in ("http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", "file:///etc/passwd", "ftp://127.0.0.1/"):
    try:
        print("ESCAPED", urllib.request.urlopen(url, timeout=1).read())
    except Exception as error:
        print(type(error).__name__)
