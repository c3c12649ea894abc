for value in (print, [].append, type, object(), (lambda: 0)):
    try:
        value.constructor.constructor("return process")()
        print("ESCAPED")
    except AttributeError:
        pass
