"""The one door: a method, JSON out, JSON in."""

import json
import sys

import strict_json
import wit_world
from hyper_core import _errors


FRAME_BYTES_MAX = 1_048_576  # frame_bytes
_ROOM_BYTES = 1024  # for what stands around a tool's value


def request(method, arguments, *, on_tool_failure=None):
    """
    The host's value for `method`. While a request is pending the host may ask for one of the script's own tools; it runs
    here and its outcome goes back as the next call, so that any instance could continue and nothing is re-entered.
    `on_tool_failure(error)` sees the exception of a tool that failed.
    """
    reply = _send(method, arguments)
    while reply["kind"] == "call_tool":
        reply = _send("tool.result", _run_tool(reply, on_tool_failure))
    if reply["kind"] == "error":
        raise _errors.from_reply(reply["error"])
    return reply["value"]


def _send(method, arguments):
    text = strict_json.encode(arguments)
    size = len(text.encode("utf-8"))
    if size > FRAME_BYTES_MAX:
        raise _errors.LimitExceeded(f"a call of {size} bytes, at most {FRAME_BYTES_MAX}", code="too_large")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # closed or replaced by the script
    return json.loads(wit_world.call(method, text))


def _run_tool(reply, on_tool_failure):
    from hyper_core import _tools

    call_id = reply["call_id"]
    try:
        value = _tools.invoke(reply["name"], reply["args"])
        size = len(strict_json.encode(value).encode("utf-8"))
        if size > FRAME_BYTES_MAX - _ROOM_BYTES:
            raise _errors.LimitExceeded(f"a result of {size} bytes, at most {FRAME_BYTES_MAX - _ROOM_BYTES}", code="limit_exceeded")
    except Exception as error:
        if on_tool_failure is not None:
            on_tool_failure(error)
        return {"call_id": call_id, "ok": False, "error": {"type": type(error).__name__, "message": _text(error)}}
    return {"call_id": call_id, "ok": True, "value": value}


def _text(error):
    try:
        return str(error)[:4000].encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception:
        return ""
