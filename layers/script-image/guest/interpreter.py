"""One run: source in, outcome out. Nothing here is a wall; walls are the host's (`rust-lambdas/crates/sandbox`)."""

import ast
import atexit
import builtins
import io
import json
import linecache
import sys
import traceback
import types

import strict_json

RECURSION_MAX = 1000  # recursion_max
MESSAGE_CHARACTERS_MAX = 4000
TRACEBACK_CHARACTERS_MAX = 16000
REPR_CHARACTERS_MAX = 65536
EXIT_MAX = 2**31 - 1
RESULT_BYTES_MAX = 262144  # result_bytes_max

_OWN_CODE = __file__.rpartition("/")[0] + "/"
# A constant: by then nothing of Python can be trusted to work.
_DAMAGED = (
    '{"result":"null","result_type":"NoneType","exit":null,"error":{"type":"RuntimeError",'
    '"message":"the script changed Python so that its end could not be told","line":null,"traceback":null,"code":null}}'
)


def run(start_text: str, source: str) -> str:
    """
    `start_text`: `{run_id, file_name, argv, input, seed, dry_run, script_tool_ms, registry_tools: [name],
    call_tool?: {name, args}}`. The outcome:
    `{result: JSON text, result_type, exit: null | integer, error: null | {type, message, line, traceback, code}}`;
    `exit` is what the script asked for by `sys.exit`, `code` that of an uncaught `HyperCoreError`.
    """
    start = json.loads(start_text)
    _bind_streams()
    try:
        outcome = _outcome(start, source.removeprefix("\ufeff"))
        atexit._run_exitfuncs()
        return outcome
    except BaseException:
        return _DAMAGED
    finally:
        _flush()


def warm_up() -> None:
    """Compiles, raises and prints once, so that inline caches and lazily made objects are in the snapshot."""
    import hyper_core
    import random

    random.seed(0)
    code = compile("def f(x: int) -> int:\n    return x + 1\nprint(f(1), 'warm', end='')\n", "warm", "exec")
    kept, sys.stdout = sys.stdout, io.StringIO()
    try:
        exec(code, {"__name__": "warm"})
        try:
            exec(compile("1 / 0", "warm", "exec"), {})
        except ZeroDivisionError as error:
            traceback.format_exception(error)
        strict_json.encode({"a": [1, 2.5, "x", None]})
    finally:
        sys.stdout = kept
    assert hyper_core.llm


def _outcome(start, source):
    import hyper_core
    from hyper_core import _run, _tools

    sys.modules["random"].seed(start["seed"])
    _run.begin(start)
    _tools.begin(start["script_tool_ms"] / 1000, start.get("registry_tools", ()))
    file_name = start["file_name"]
    sys.argv = [file_name, *start["argv"]]
    # Builtins of its own: what a script patches there is its affair, and the library goes on with the real ones.
    sys.modules["builtins"] = own = types.ModuleType("builtins", builtins.__doc__)
    own.__dict__.update(vars(builtins))
    main = types.ModuleType("__main__")
    main.__file__ = file_name
    main.__builtins__ = own
    sys.modules["__main__"] = main
    linecache.cache[file_name] = (len(source), None, source.splitlines(True), file_name)
    sys.setrecursionlimit(RECURSION_MAX)
    value, status = None, None
    try:
        value = _execute(source, file_name, main.__dict__)
        if start.get("call_tool") is not None:
            called = start["call_tool"]
            value = _tools.run_directly(called["name"], called["args"])
            _run.set_result(value)
    except SystemExit as error:
        status, message = _exit_status(error)
        if message is not None:
            print(message, file=sys.stderr)
        if status != 0:
            return _answer(None, status, _described(error, file_name, "exit status %d" % status))
    except BaseException as error:
        return _answer(None, None, _described(error, file_name, None))
    result = _run.result() if _run.has_result() else value
    return _answer(result, status, None)


def _execute(source, file_name, namespace):
    """Runs the module; the value of a trailing expression, else None."""
    tree = compile(source, file_name, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, file_name, "exec", dont_inherit=True), namespace)
    if last is None:
        return None
    flags = _future_flags(tree)
    return eval(compile(ast.Expression(last.value), file_name, "eval", flags, dont_inherit=True), namespace)


def _future_flags(tree):
    import __future__

    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__" for alias in node.names]
    return sum(getattr(__future__, name).compiler_flag for name in set(names))


def _exit_status(error):
    """As CPython: None is 0, an integer is itself, anything else is printed and 1."""
    code = error.code
    if code is None:
        return 0, None
    if isinstance(code, int):
        return max(-EXIT_MAX, min(EXIT_MAX, int(code))), None
    return 1, str(code)


def _described(error, file_name, message):
    from hyper_core import HyperCoreError

    kind = type(error)
    name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__", "hyper_core") else f"{kind.__module__}.{kind.__qualname__}"
    text = _safe_text(error) if message is None else message
    lines = traceback.TracebackException.from_exception(error, limit=-40)
    _drop_own_frames(lines)
    return {
        "type": name,
        "message": text[:MESSAGE_CHARACTERS_MAX],
        "line": _line_of(error, file_name),
        # Who asks to end tells why in words of their own; where, `line` says.
        "traceback": None if isinstance(error, SystemExit) else _shortened("".join(lines.format())),
        "code": str(error.code)[:64] if isinstance(error, HyperCoreError) else None,
    }


def _shortened(text):
    """Begin and end: the first says where it began, the last what it was, and a long message stands between them."""
    half = TRACEBACK_CHARACTERS_MAX // 2
    return text if len(text) <= TRACEBACK_CHARACTERS_MAX else f"{text[: half - 2]}\n…\n{text[2 - half :]}"


def _safe_text(error):
    try:
        return str(error)
    except Exception as failure:
        return f"(its text cannot be made: {type(failure).__name__})"


def _drop_own_frames(lines):
    """The frames of the interpreter and of `hyper_core` say nothing to the author of the script."""
    seen = set()
    while lines is not None and id(lines) not in seen:
        seen.add(id(lines))
        kept = [frame for frame in lines.stack if not frame.filename.startswith(_OWN_CODE)]
        lines.stack[:] = kept
        lines = lines.__cause__ or lines.__context__


def _line_of(error, file_name):
    if isinstance(error, SyntaxError) and error.filename == file_name:
        return error.lineno
    line, frames = None, error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == file_name:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line


def _answer(result, status, error):
    kind = type(result)
    type_name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = strict_json.encode(result)
    except Exception:
        text = json.dumps(_safe_repr(result))
    size = len(text.encode("utf-8"))
    if size > RESULT_BYTES_MAX:
        text, status = "null", None
        message = f"the result has {size} bytes, at most {RESULT_BYTES_MAX}"
        error = {"type": "LimitExceeded", "message": message, "line": None, "traceback": None, "code": "too_large"}
    for field in error or ():
        if isinstance(error[field], str):
            error[field] = error[field].encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps({"result": text, "result_type": type_name[:256], "exit": status, "error": error})


def _safe_repr(value):
    try:
        return repr(value)[:REPR_CHARACTERS_MAX].encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception as failure:
        return f"<{type(value).__name__}, whose repr raised {type(failure).__name__}>"


def _bind_streams():
    """Fresh buffers over the host's streams: the snapshot's belong to the build. A line is written at once, so that what a
    script printed before it was stopped is there."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        stream = io.TextIOWrapper(io.BufferedWriter(raw, 8192), "utf-8", "backslashreplace", "\n", line_buffering=True)
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.stdin = sys.__stdin__ = io.StringIO("")


def _flush():
    for stream in {id(s): s for s in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__)}.values():
        try:
            stream.flush()
        except BaseException:
            pass  # a stream that the script closed or replaced has nothing more to say
