"""Writes a BERT encoder from safetensors weights as an ONNX graph, up to its last hidden state.

usage: convert.py WEIGHTS OUTPUT --layers N --heads N

Graph: input_ids, attention_mask (int64, [batch, tokens]) -> last_hidden_state (float32, [batch, tokens, hidden]).
The same weights give the same bytes: nodes and constants are written in one fixed order, and no name, time or path
of this machine enters the file.
"""

import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

# Added to the score of a padding token; softmax turns it into an exact zero in float32.
MASKED = np.float32(-10000)
EPSILON = 1e-12
OPSET, IR_VERSION = 20, 9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("output")
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--heads", type=int, required=True)
    arguments = parser.parse_args()
    model = build(load_file(arguments.weights), arguments.layers, arguments.heads)
    with open(arguments.output, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def build(weights, layers, heads):
    graph = Graph()
    hidden = weights["embeddings.word_embeddings.weight"].shape[1]
    x = embed_tokens(graph, weights)
    visible = hide_padding(graph)
    for layer in range(layers):
        x = encode(graph, weights, f"encoder.layer.{layer}.", x, visible, hidden, heads)
    graph.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
    return graph.model(hidden)


def embed_tokens(graph, weights):
    # Every token has type 0, so its row is added to the positions once, here. Positions are cut by Slice and not
    # gathered: it costs nothing and needs no input of its own.
    positions = graph.constant(
        "positions",
        weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0],
    )
    zero, one, two = graph.integers("zero", [0]), graph.integers("one", [1]), graph.integers("two", [2])
    length = graph.op("Slice", [graph.op("Shape", ["input_ids"]), one, two, zero])
    words = graph.op("Gather", [graph.constant("words", weights["embeddings.word_embeddings.weight"]), "input_ids"])
    rows = graph.op("Add", [words, graph.op("Slice", [positions, zero, length, zero])])
    return graph.layer_norm(rows, weights, "embeddings.LayerNorm")


def hide_padding(graph):
    mask = graph.op("Cast", ["attention_mask"], to=TensorProto.FLOAT)
    wide = graph.op("Unsqueeze", [mask, graph.integers("axes", [1, 2])])
    return graph.op("Mul", [graph.op("Sub", [graph.constant("unit", np.float32(1)), wide]), graph.constant("masked", MASKED)])


def encode(graph, weights, prefix, x, visible, hidden, heads):
    split = graph.integers("split", [0, 0, heads, hidden // heads])
    join = graph.integers("join", [0, 0, hidden])
    scale = graph.constant("scale", np.float32(1 / np.sqrt(hidden // heads)))

    def project(name, order):
        rows = graph.linear(x, weights, f"{prefix}attention.self.{name}")
        return graph.op("Transpose", [graph.op("Reshape", [rows, split])], perm=order)

    query, key, value = project("query", [0, 2, 1, 3]), project("key", [0, 2, 3, 1]), project("value", [0, 2, 1, 3])
    scores = graph.op("Add", [graph.op("Mul", [graph.op("MatMul", [query, key]), scale]), visible])
    mixed = graph.op("MatMul", [graph.op("Softmax", [scores], axis=-1), value])
    mixed = graph.op("Reshape", [graph.op("Transpose", [mixed], perm=[0, 2, 1, 3]), join])
    attended = graph.op("Add", [graph.linear(mixed, weights, prefix + "attention.output.dense"), x])
    x = graph.layer_norm(attended, weights, prefix + "attention.output.LayerNorm")
    inner = graph.op("Gelu", [graph.linear(x, weights, prefix + "intermediate.dense")])
    grown = graph.op("Add", [graph.linear(inner, weights, prefix + "output.dense"), x])
    return graph.layer_norm(grown, weights, prefix + "output.LayerNorm")


class Graph:
    """Nodes and constants in the order they were asked for; a constant that is asked for again is reused."""

    def __init__(self):
        self.constants, self.nodes = {}, []

    def constant(self, name, array):
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def integers(self, name, values):
        return self.constant(name, np.array(values, np.int64))

    def op(self, kind, inputs, **attributes):
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def linear(self, x, weights, prefix):
        # safetensors holds [out, in]; MatMul wants [in, out].
        product = self.op("MatMul", [x, self.constant(prefix + ".w", weights[prefix + ".weight"].T)])
        return self.op("Add", [product, self.constant(prefix + ".b", weights[prefix + ".bias"])])

    def layer_norm(self, x, weights, prefix):
        scale = self.constant(prefix + ".w", weights[prefix + ".weight"])
        bias = self.constant(prefix + ".b", weights[prefix + ".bias"])
        return self.op("LayerNormalization", [x, scale, bias], axis=-1, epsilon=EPSILON)

    def model(self, hidden):
        def tokens(name):
            return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])

        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", hidden])
        inputs = [tokens("input_ids"), tokens("attention_mask")]
        graph = helper.make_graph(self.nodes, "encoder", inputs, [output], list(self.constants.values()))
        model = helper.make_model(
            graph, producer_name="signet", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model)
        return model


if __name__ == "__main__":
    main()
