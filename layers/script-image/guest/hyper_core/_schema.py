"""Python annotations to JSON Schema, and JSON back to what the annotations ask for."""

import dataclasses
import enum
import inspect
import re
import types
import typing

from hyper_core._errors import InvalidArguments

_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null", list: "array", dict: "object"}


def parameters_of(function):
    """`(schema, takes_object)`: one parameter named `args` or annotated `dict` takes the whole object."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"tool `{_name(function)}` is async; a tool is a plain function")
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"tool `{_name(function)}` has `{parameter}`; a tool names its parameters")
        if parameter.kind is parameter.POSITIONAL_ONLY and len(parameters) > 1:
            raise TypeError(f"tool `{_name(function)}` has positional-only `{parameter.name}`; arguments come by name")
    if parameters and parameters[0].name == "self":
        raise TypeError(f"tool `{_name(function)}` takes `self`: register the method of an object, `tool(thing.{_name(function)})`")
    hints = hints_of(function)
    if len(parameters) == 1:
        only = parameters[0]
        hint = hints.get(only.name)
        if only.name == "args" and hint in (None, dict, typing.Any) or hint is dict or _is_open_object(hint):
            return {"type": "object"}, True
    described = _described_parameters(inspect.getdoc(function) or "")
    properties, required = {}, []
    for parameter in parameters:
        schema = schema_of(hints.get(parameter.name, typing.Any))
        if "description" not in schema and parameter.name in described:
            schema = {**schema, "description": described[parameter.name]}
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif _is_json_literal(parameter.default):
            schema = {**schema, "default": parameter.default}
        properties[parameter.name] = schema
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return schema, False


def description_of(function):
    """First paragraph of the docstring, on one line."""
    text = inspect.getdoc(function) or ""
    return " ".join(text.strip().split("\n\n", 1)[0].split())


def hints_of(function):
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError:
        # A name that only a type checker knows. Such a parameter takes anything; the others keep their types.
        annotations = getattr(function, "__annotations__", {})
        return {name: hint for name, text in annotations.items() if (hint := _resolved(function, name, text)) is not None}


def _resolved(function, name, annotation):
    alone = types.FunctionType((lambda: None).__code__, getattr(function, "__globals__", {}))
    alone.__annotations__ = {name: annotation}
    try:
        return typing.get_type_hints(alone, include_extras=True)[name]
    except NameError:
        return None


def schema_of(hint):
    if hint is typing.Any or hint is inspect.Parameter.empty or hint is object:
        return {}
    if hint is None:
        return {"type": "null"}
    if hint in _PLAIN if _hashable(hint) else False:
        return {"type": _PLAIN[hint]}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        texts = [extra for extra in arguments[1:] if isinstance(extra, str)]
        return {**schema_of(arguments[0]), **({"description": texts[0]} if texts else {})}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return _union([schema_of(argument) for argument in arguments])
    if origin in (list, tuple, set, frozenset) and origin is not tuple:
        return {"type": "array", "items": schema_of(arguments[0])} if arguments else {"type": "array"}
    if origin is dict:
        if arguments[0] is not str:
            raise TypeError(f"`{hint}`: keys of a JSON object are str")
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if origin in (typing.Required, typing.NotRequired, typing.ReadOnly):
        return schema_of(arguments[0])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if typing.is_typeddict(hint):
        return _typed_dict(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    raise TypeError(f"`{getattr(hint, '__name__', hint)}` has no JSON Schema; use int, float, str, bool, list, dict, Optional, Union, Literal, Enum, TypedDict, a dataclass or Annotated")


def convert(hint, value, path):
    """`value` as `hint` asks for it: enum members and dataclasses are made, the rest is checked and kept."""
    if hint is typing.Any or hint is inspect.Parameter.empty or hint is object:
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.ReadOnly):
        return convert(arguments[0], value, path)
    if origin is typing.Literal:
        if any(value == one and type(value) is type(one) for one in arguments):
            return value
        return _refuse(path, f"one of {list(arguments)}", value)
    if origin in (typing.Union, types.UnionType):
        for argument in arguments:
            try:
                return convert(argument, value, path)
            except InvalidArguments:
                continue
        return _refuse(path, str(hint), value)
    if hint is None or hint is type(None):
        return value if value is None else _refuse(path, "null", value)
    if hint is bool:
        return value if isinstance(value, bool) else _refuse(path, "true or false", value)
    if hint is int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else _refuse(path, "an integer", value)
    if hint is float:
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _refuse(path, "a number", value)
    if hint is str:
        return value if isinstance(value, str) else _refuse(path, "a string", value)
    if hint is list or origin is list:
        if not isinstance(value, list):
            return _refuse(path, "an array", value)
        return [convert(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(value)] if arguments else value
    if hint is dict or origin is dict:
        if not isinstance(value, dict):
            return _refuse(path, "an object", value)
        return {key: convert(arguments[1], item, f"{path}.{key}") for key, item in value.items()} if arguments else value
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError:
            return _refuse(path, f"one of {[member.value for member in hint]}", value)
    if typing.is_typeddict(hint):
        return _convert_fields(hint, typing.get_type_hints(hint, include_extras=True), hint.__required_keys__, value, path)
    if dataclasses.is_dataclass(hint):
        fields = dataclasses.fields(hint)
        required = {field.name for field in fields if _is_required(field)}
        return hint(**_convert_fields(hint, typing.get_type_hints(hint, include_extras=True), required, value, path))
    return value


def _convert_fields(hint, hints, required, value, path):
    if not isinstance(value, dict):
        return _refuse(path, "an object", value)
    unknown, missing = sorted(set(value) - set(hints)), sorted(set(required) - set(value))
    if unknown or missing:
        raise InvalidArguments(f"`{path}`: " + _gaps(unknown, missing), code="invalid_arguments")
    return {name: convert(hints[name], item, f"{path}.{name}") for name, item in value.items()}


def bind(function, arguments):
    """Keyword arguments for `function` from the JSON object that a model or a host sent."""
    hints, parameters = hints_of(function), inspect.signature(function).parameters
    unknown = sorted(set(arguments) - set(parameters))
    missing = sorted(name for name, one in parameters.items() if one.default is one.empty and name not in arguments)
    if unknown or missing:
        raise InvalidArguments(_gaps(unknown, missing), code="invalid_arguments")
    return {name: convert(hints.get(name, typing.Any), value, name) for name, value in arguments.items()}


def _gaps(unknown, missing):
    parts = []
    if missing:
        parts.append("missing " + ", ".join(f"`{name}`" for name in missing))
    if unknown:
        parts.append("unknown " + ", ".join(f"`{name}`" for name in unknown))
    return "; ".join(parts)


def _refuse(path, expected, value):
    raise InvalidArguments(f"`{path}`: expected {expected}, got {type(value).__name__}", code="invalid_arguments")


def _union(schemas):
    if all(set(schema) == {"type"} and isinstance(schema["type"], str) for schema in schemas):
        kinds = list(dict.fromkeys(schema["type"] for schema in schemas))
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    return {"anyOf": schemas}


def _typed_dict(hint):
    hints = typing.get_type_hints(hint, include_extras=True)
    schema = {"type": "object", "properties": {name: schema_of(one) for name, one in hints.items()}, "additionalProperties": False}
    required = [name for name in hints if name in hint.__required_keys__]
    return {**schema, "required": required} if required else schema


def _dataclass(hint):
    hints = typing.get_type_hints(hint, include_extras=True)
    fields = [field for field in dataclasses.fields(hint) if field.init]
    schema = {"type": "object", "properties": {field.name: schema_of(hints[field.name]) for field in fields}, "additionalProperties": False}
    required = [field.name for field in fields if _is_required(field)]
    return {**schema, "required": required} if required else schema


def _is_required(field):
    return field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _described_parameters(text):
    """Descriptions from `:param name: text` lines or from an `Args:` section."""
    found = {name: " ".join(said.split()) for name, said in re.findall(r"^\s*:param(?: \w+)? (\w+):\s*(.+)$", text, re.M)}
    section = re.search(r"^(?:Args|Arguments|Parameters):\s*\n((?:[ \t]+.*\n?|\s*\n)+)", text, re.M)
    if section:
        for name, said in re.findall(r"^[ \t]+(\w+)(?:\s*\([^)]*\))?:\s*(.+)$", section.group(1), re.M):
            found.setdefault(name, " ".join(said.split()))
    return found


def _is_open_object(hint):
    return typing.get_origin(hint) is dict and typing.get_args(hint)[1] in (typing.Any, object)


def _is_json_literal(value):
    return value is None or isinstance(value, (bool, int, float, str)) and not hasattr(value, "value")


def _hashable(value):
    try:
        hash(value)
        return True
    except TypeError:
        return False


def _name(function):
    return getattr(function, "__name__", repr(function))
