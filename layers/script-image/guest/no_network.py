"""What a script hears that reaches for the network: a sentence instead of the number of an error."""

import errno
import socket
import urllib.error
import urllib.request

TEXT = "a script has no network; its ways out are `web` and `llm` of hyper_core"


def install() -> None:
    socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = _refuse
    socket.gethostbyname = socket.gethostbyname_ex = _refuse
    urllib.request.UnknownHandler.unknown_open = _refuse_scheme


def _refuse(*_, **__):
    raise PermissionError(errno.EACCES, TEXT)


def _refuse_scheme(_, request):
    # Without `ssl` there is no handler for https, and urllib would call it an unknown type.
    known = request.type in ("https", "ftp")
    raise urllib.error.URLError(TEXT if known else f"unknown url type: {request.type}")
