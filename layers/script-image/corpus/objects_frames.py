# The frames below the script belong to the interpreter; the token of the run is in none of them.
import gc, sys
frame = sys._getframe()
texts = []
while frame is not None:
    texts.append(repr(frame.f_locals)[:100000])
    texts.append(repr(frame.f_globals.keys()))
    frame = frame.f_back
texts.extend(repr(one)[:2000] for one in gc.get_objects() if isinstance(one, (dict, list, str)))
if any("-".join(("SECRET", "TOKEN")) in text for text in texts):
    print("ESCAPED")
