"""JSON that every reader understands alike: the only form in which values leave an interpreter."""

import dataclasses
import enum
import json
import math

DEPTH_MAX = 64  # json_depth_max
INTEGER_MAX = 2**53 - 1


class NotJson(ValueError):
    """The value has no JSON form that every reader understands alike; the message says where and why."""


def encode(value) -> str:
    """
    Text of `value`: null, booleans, integers within ±(2**53 - 1), finite floats, strings without lone surrogates, lists,
    tuples, dictionaries with string keys, enum members (their value) and dataclasses (their fields), at most 64 deep.
    """
    text = json.dumps(_plain(value, 1), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotJson("a string holds half of a surrogate pair") from None
    return text


def _plain(value, depth):
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind is str or kind is float:
        return value if kind is str or math.isfinite(value) else _refuse(f"{value} is not a JSON number")
    if kind is int:
        return value if -INTEGER_MAX <= value <= INTEGER_MAX else _refuse("an integer is outside ±(2**53 - 1)")
    if depth > DEPTH_MAX:
        return _refuse(f"nested more than {DEPTH_MAX} deep")
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth)
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        for key in value:
            if type(key) is not str:
                return _refuse(f"a key is `{type(key).__name__}`, not str")
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), depth + 1) for field in dataclasses.fields(value)}
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return _refuse(f"`{kind.__name__}` has no JSON form")
    return _plain(str(value) if isinstance(value, str) else int(value) if isinstance(value, int) else float(value), depth)


def _refuse(reason):
    raise NotJson(reason)
