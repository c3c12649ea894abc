try:
    import socket
except ImportError:
    raise SystemExit
for attempt in (
    lambda: socket.create_connection(("127.0.0.1", 80), timeout=1),
    lambda: socket.create_connection(("169.254.169.254", 80), timeout=1),
    lambda: socket.socket().bind(("127.0.0.1", 0)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 53)),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: socket.gethostbyname("example.com"),
):
    try:
        print("ESCAPED", attempt())
    except (OSError, AttributeError, NotImplementedError) as error:
        print(type(error).__name__)
