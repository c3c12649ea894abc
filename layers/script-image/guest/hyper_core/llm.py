"""Models."""

from hyper_core import _channel, _errors, _tools

_OPTIONS = ("messages", "system", "model", "tier", "temperature", "max_tokens", "stop", "seed", "response_format", "tool_choice", "max_steps")


class Completion:
    """A model's answer: `text`, `finish_reason`, `usage` (`{in, out}`), `tool_calls`, `model`, `receipt`."""

    __slots__ = ("text", "finish_reason", "usage", "tool_calls", "model", "receipt")

    def __init__(self, value):
        for name in self.__slots__:
            setattr(self, name, value.get(name))

    def __repr__(self):
        return f"Completion(text={self.text!r}, finish_reason={self.finish_reason!r}, model={self.model!r})"


def chat(prompt=None, *, system=None, messages=None, model=None, tier=None, temperature=None, max_tokens=None, stop=None, seed=None,
         response_format=None, tools=True, tool_choice=None, max_steps=None, strict=False, on_token=None, timeout=None):
    """
    The model's answer as text. With tools registered the model may call them; `tools=False`, or a list of names or of
    the functions themselves, narrows that. `strict` raises a tool's failure instead of telling the model. A failure is an exception, never an empty string.
    """
    answer = complete(prompt, system=system, messages=messages, model=model, tier=tier, temperature=temperature, max_tokens=max_tokens,
                      stop=stop, seed=seed, response_format=response_format, tools=tools, tool_choice=tool_choice, max_steps=max_steps,
                      strict=strict, on_token=on_token, timeout=timeout)
    if answer.text or answer.finish_reason not in ("length", "content_filter"):
        return answer.text
    if answer.finish_reason == "length":
        raise _errors.LimitExceeded("the chat ended at a limit before there was text", code="limit_exceeded", receipt=answer.receipt)
    raise _errors.LLMError("the provider withheld the answer", code="provider_filtered", receipt=answer.receipt)


def complete(prompt=None, *, tools=True, strict=False, on_token=None, timeout=None, **options):
    """As `chat`, with everything known about the answer (`Completion`)."""
    if on_token is not None:
        raise _errors.not_built("llm.chat(on_token=…): token streams come with the gateway; without on_token the whole text is returned")
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise TypeError(f"llm.complete() got an unexpected keyword argument '{unknown[0]}'")
    if (prompt is None) == (options.get("messages") is None):
        raise TypeError("llm.chat takes a prompt or messages, exactly one of them")
    arguments = {name: value for name, value in options.items() if value is not None}
    if prompt is not None:
        arguments["prompt"] = prompt if isinstance(prompt, str) else str(prompt)
    if strict:
        arguments["strict"] = True
    if timeout is not None:
        arguments["timeout_ms"] = round(float(timeout) * 1000)
    if not isinstance(tools, bool):
        tools = _tools.names_of(tools)
    arguments["tools"] = tools
    arguments["script_tools"] = _tools.manifests(None if tools is True else () if tools is False else tools)
    failures = []
    try:
        value = _channel.request("llm.chat", arguments, on_tool_failure=failures.append)
    except _errors.ToolError as error:
        raise error from (failures[-1] if strict and failures else None)
    return Completion(value)


def stream(prompt=None, **options):
    """Not built yet: pieces of text as the model makes them."""
    raise _errors.not_built("llm.stream: token streams come with the gateway; llm.chat returns the whole text")
