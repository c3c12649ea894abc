"""Drives a node with the stock `openai` package and prints what came back as one JSON object."""

import base64
import json
import os
import struct

from openai import AuthenticationError, NotFoundError, OpenAI

client = OpenAI(base_url=os.environ["SIGNET_URL"] + "/v1", api_key=os.environ["SIGNET_KEY"])
TOOL = {
    "type": "function",
    "function": {
        "name": "soma",
        "description": "Adds a and b.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
}

models = [model.id for model in client.models.list()]

floats = client.embeddings.create(model="all-MiniLM-L6-v2", input=["a cat", "a dog"], encoding_format="float")
encoded = client.embeddings.create(model="all-MiniLM-L6-v2", input="a cat", encoding_format="base64")
raw = base64.b64decode(encoded.data[0].embedding)
decoded = list(struct.unpack(f"<{len(raw) // 4}f", raw))

question = [{"role": "user", "content": "What is Rust? Rust is a language. It has no garbage collector."}]
plain = client.chat.completions.create(model="signet-edge-1", messages=question)
pieces = []
usage = None
for chunk in client.chat.completions.create(
    model="signet-edge-1", messages=question, stream=True, stream_options={"include_usage": True}
):
    if chunk.choices and chunk.choices[0].delta.content:
        pieces.append(chunk.choices[0].delta.content)
    if chunk.usage:
        usage = chunk.usage.total_tokens

ask = [{"role": "user", "content": "Please call soma with a=12 and b=30"}]
turn = client.chat.completions.create(model="signet-edge-1", messages=ask, tools=[TOOL])
call = turn.choices[0].message.tool_calls[0]
arguments = json.loads(call.function.arguments)
final = client.chat.completions.create(
    model="signet-edge-1",
    tools=[TOOL],
    messages=[
        *ask,
        turn.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": str(arguments["a"] + arguments["b"])},
    ],
)


def refused(action, kind):
    try:
        action()
    except kind as error:
        return error.code
    return None


print(
    json.dumps(
        {
            "models": models,
            "dimension": len(floats.data[0].embedding),
            "base64_equals_float": all(
                abs(a - b) < 1e-6 for a, b in zip(decoded, floats.data[0].embedding, strict=True)
            ),
            "plain": plain.choices[0].message.content,
            "streamed": "".join(pieces),
            "stream_total_tokens": usage,
            "tool": call.function.name,
            "arguments": arguments,
            "final": final.choices[0].message.content,
            "unknown_model": refused(
                lambda: client.chat.completions.create(model="no-such-model", messages=question), NotFoundError
            ),
            "wrong_key": refused(
                lambda: OpenAI(base_url=os.environ["SIGNET_URL"] + "/v1", api_key="sg_no_key").models.list(),
                AuthenticationError,
            ),
        }
    )
)
