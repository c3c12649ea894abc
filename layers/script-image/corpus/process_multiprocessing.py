try:
    import multiprocessing
    multiprocessing.Process(target=print).start()
    print("ESCAPED")
except Exception as error:
    print(type(error).__name__)
