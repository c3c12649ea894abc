import threading, _thread
for attempt in (lambda: threading.Thread(target=print).start(), lambda: _thread.start_new_thread(print, ())):
    try:
        attempt()
        print("ESCAPED")
    except RuntimeError:
        pass
