"""A script's own tools."""

import json
import re
import sys
import time

from hyper_core import _channel, _schema
from hyper_core._errors import LimitExceeded, ToolError, ToolNotFound, ToolTimeout

TOOLS_MAX = 64  # tools_max
SCHEMA_BYTES_MAX = 16384  # tool_schema_bytes_max
DESCRIPTION_CHARACTERS_MAX = 4096
TIMEOUT_S_MIN, TIMEOUT_S_MAX = 0.1, 30.0  # script_tool_ms_min, _max
SIDE_EFFECTS = ("none", "compute", "read", "network", "write", "filesystem", "database", "system")

_OWN_CODE = __file__.rpartition("/")[0] + "/"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_tools: dict[str, "_Tool"] = {}
_timeout_s = 5.0  # of tools that name none; the run says
_registry_names: frozenset[str] = frozenset()  # as a model would see them


class _Tool:
    __slots__ = ("function", "name", "description", "parameters", "takes_object", "timeout", "side_effects", "idempotent", "parallel")

    def manifest(self):
        return {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
            "side_effects": self.side_effects,
            "timeout_ms": round(self.timeout * 1000),
            "idempotent": self.idempotent,
            "parallel": self.parallel,
        }


def begin(timeout_s, registry_names):
    global _timeout_s, _registry_names
    _timeout_s, _registry_names = timeout_s, frozenset(map(_model_name, registry_names))


def tool(function=None, /, name=None, description=None, parameters=None, timeout=None, side_effects="compute", idempotent=False, parallel=False):
    """
    Registers a function as a tool of this run and returns it unchanged: `@tool`, or `@tool("name", timeout=2)`.
    `parameters` replaces the schema made from the annotations. A tool of the same name is replaced;
    the name of a tool of the registry raises `ValueError`.
    """
    if isinstance(function, str):
        function, name = None, function

    def register(decorated):
        _register(decorated, name, description, parameters, timeout, side_effects, idempotent, parallel)
        return decorated

    return register if function is None else register(function)


def call_tool(name, args=None):
    """Calls a tool of the script or of the registry, checked and recorded as if a model had called it."""
    arguments = {"name": name, "args": {} if args is None else args, "script_tools": manifests()}
    failures = []
    try:
        return _channel.request("tools.call", arguments, on_tool_failure=failures.append)
    except ToolError as error:
        raise error from (failures[-1] if failures else None)


def manifests(names=None):
    """Manifests of all tools, or of those named."""
    return [one.manifest() for one in _tools.values() if names is None or one.name in names]


def names_of(tools):
    """Names for a list of names and of functions that `@tool` registered."""
    return [one if isinstance(one, str) else _name_of(one) for one in tools]


def invoke(name, args):
    """Runs a script tool with the JSON object `args` under its time limit."""
    found = _tools.get(name)
    if found is None:
        raise ToolNotFound(f"no tool `{name}` in this script", code="tool_not_found")
    with _Deadline(found.name, found.timeout):
        if found.takes_object:
            return found.function(args)
        return found.function(**_schema.bind(found.function, args))


def run_directly(name, args):
    """For a run that exists to answer one tool call. Its host has made the call's decision and receipt already."""
    return invoke(name, args)


def _name_of(function):
    for one in _tools.values():
        if one.function is function:
            return one.name
    raise TypeError(f"tools: expected names or functions that @tool registered, got {type(function).__name__}")


def _register(function, name, description, parameters, timeout, side_effects, idempotent, parallel):
    if not callable(function):
        raise TypeError(f"@tool decorates a function, got {type(function).__name__}")
    made = _Tool()
    made.function = function
    made.name = name if name is not None else getattr(function, "__name__", "")
    if not isinstance(made.name, str) or _NAME.fullmatch(made.name) is None:
        raise ValueError(f"tool name `{made.name}`: expected a letter, then up to 63 letters, digits, `_`, `-` or `.`")
    if _model_name(made.name) in _registry_names:
        raise ValueError(f"`{made.name}` is a tool of the registry; give the script's tool another name")
    alike = next((name for name in _tools if name != made.name and _model_name(name) == _model_name(made.name)), None)
    if alike is not None:
        raise ValueError(f"`{made.name}` and `{alike}` are one name to a model, which reads `.` as `__`")
    derived, made.takes_object = _schema.parameters_of(function)
    if parameters is not None and not isinstance(parameters, dict):
        raise TypeError("parameters: expected a JSON Schema as a dict")
    made.parameters = derived if parameters is None else parameters
    size = len(json.dumps(made.parameters).encode())
    if size > SCHEMA_BYTES_MAX:
        raise ValueError(f"tool `{made.name}`: its schema has {size} bytes, at most {SCHEMA_BYTES_MAX}")
    made.description = description if description is not None else _schema.description_of(function)
    if not isinstance(made.description, str) or len(made.description) > DESCRIPTION_CHARACTERS_MAX:
        raise ValueError(f"tool `{made.name}`: expected a description of at most {DESCRIPTION_CHARACTERS_MAX} characters")
    made.timeout = _timeout_s if timeout is None else float(timeout)
    if not TIMEOUT_S_MIN <= made.timeout <= TIMEOUT_S_MAX:
        raise ValueError(f"tool `{made.name}`: timeout {made.timeout} s, expected {TIMEOUT_S_MIN} to {TIMEOUT_S_MAX}")
    if side_effects not in SIDE_EFFECTS:
        raise ValueError(f"tool `{made.name}`: side_effects `{side_effects}`, expected one of {', '.join(SIDE_EFFECTS)}")
    made.side_effects, made.idempotent, made.parallel = side_effects, bool(idempotent), bool(parallel)
    if made.name not in _tools and len(_tools) >= TOOLS_MAX:
        raise LimitExceeded(f"a run has at most {TOOLS_MAX} tools", code="limit_exceeded")
    _tools[made.name] = made


def _model_name(name):
    return name.replace(".", "__")


class _Deadline:
    """
    Raises `ToolTimeout` in Python code that runs past the limit: at each jump backwards and each call, by
    `sys.monitoring`, which costs nothing while no tool runs. Time inside one call into C (a sleep, a regular expression)
    is only seen when it returns; what never returns is ended by the run's own limits, which nothing can catch.
    """

    _IDENTIFIER = 4  # not one that debuggers, coverage or profilers are given
    _stack: list["_Deadline"] = []

    def __init__(self, name, seconds):
        self.name, self.seconds = name, seconds

    def __enter__(self):
        self.at = time.monotonic() + self.seconds
        if not self._stack:
            self._watch(True)
        self._stack.append(self)

    def __exit__(self, kind, error, trace):
        self._stack.remove(self)
        if not self._stack:
            self._watch(False)
        if time.monotonic() > self.at and (kind is None or not issubclass(kind, ToolTimeout)):
            raise self.error() from error
        return False

    def error(self):
        return ToolTimeout(f"tool `{self.name}` took longer than {self.seconds:g} s", code="tool_timeout", retryable=True)

    @classmethod
    def _watch(cls, on):
        monitoring = sys.monitoring
        if on:
            if monitoring.get_tool(cls._IDENTIFIER) is None:
                monitoring.use_tool_id(cls._IDENTIFIER, "hyper_core")
            for event in (monitoring.events.JUMP, monitoring.events.PY_START):
                monitoring.register_callback(cls._IDENTIFIER, event, cls._check)
            monitoring.set_events(cls._IDENTIFIER, monitoring.events.JUMP | monitoring.events.PY_START)
        else:
            monitoring.set_events(cls._IDENTIFIER, monitoring.events.NO_EVENTS)

    @classmethod
    def _check(cls, code, *_):
        if code.co_filename.startswith(_OWN_CODE):
            return  # not while the limit is being taken down or told
        now = time.monotonic()
        for deadline in cls._stack:
            if now > deadline.at:
                raise deadline.error()
