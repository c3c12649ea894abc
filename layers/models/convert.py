"""Writes a BERT encoder from safetensors weights as an ONNX graph, up to its last hidden state.

usage: convert.py WEIGHTS OUTPUT --layers N --heads N [--precision fp32|int8]

Graph: input_ids, attention_mask (int64, [batch, tokens]) -> last_hidden_state (float32, [batch, tokens, hidden]).
int8: linear layers multiply bytes by bytes and sum in integers, which no batch and no processor changes. A scale per column
of the weights, a scale per row of the activations: a text does not depend on the texts beside it. What a norm gives has a few
components that dwarf the rest, so it goes in two steps of 8 bits. Word embeddings are int8 rows with a scale each; attention,
norms and sums stay float32.
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
# Byte that stands for zero, and what the largest number of a row or column is mapped to.
ZERO, LARGEST = 128, 127
# Below what Gelu gives at least (-0.16997): added, its output needs no sign and has twice the steps.
GELU_SHIFT = np.float32(0.17)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("output")
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--precision", choices=["fp32", "int8"], default="fp32")
    arguments = parser.parse_args()
    graph = Int8Graph() if arguments.precision == "int8" else Graph()
    model = build(graph, load_file(arguments.weights), arguments.layers, arguments.heads)
    with open(arguments.output, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def build(graph, weights, layers, heads):
    hidden = weights["embeddings.word_embeddings.weight"].shape[1]
    x = embed_tokens(graph, weights)
    visible = hide_padding(graph)
    x = graph.begin(x, hidden)
    for layer in range(layers):
        x = encode(graph, weights, f"encoder.layer.{layer}.", x, visible, hidden, heads)
    graph.nodes.append(helper.make_node("Identity", [graph.end(x)], ["last_hidden_state"]))
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
    words = graph.rows("words", weights["embeddings.word_embeddings.weight"], "input_ids")
    rows = graph.op("Add", [words, graph.op("Slice", [positions, zero, length, zero])])
    return graph.layer_norm(rows, weights, "embeddings.LayerNorm")


def hide_padding(graph):
    mask = graph.op("Cast", ["attention_mask"], to=TensorProto.FLOAT)
    wide = graph.op("Unsqueeze", [mask, graph.integers("axes", [1, 2])])
    return graph.op("Mul", [graph.op("Sub", [graph.constant("unit", np.float32(1)), wide]), graph.constant("masked", MASKED)])


def encode(graph, weights, prefix, x, visible, hidden, heads):
    split = graph.split_shape(heads, hidden // heads)
    join = graph.join_shape(hidden)
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
    grown = graph.op("Add", [graph.linear_of_gelu(inner, weights, prefix + "output.dense"), x])
    return graph.layer_norm(grown, weights, prefix + "output.LayerNorm")


class Graph:
    """Nodes and constants in the order they were asked for; a constant that is asked for again is reused."""

    more_opsets = []

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

    def linear_of_gelu(self, x, weights, prefix):
        return self.linear(x, weights, prefix)

    def rows(self, name, table, indexes):
        return self.op("Gather", [self.constant(name, table), indexes])

    def begin(self, x, hidden):
        return x

    def end(self, x):
        return x

    def split_shape(self, heads, size):
        return self.integers("split", [0, 0, heads, size])

    def join_shape(self, hidden):
        return self.integers("join", [0, 0, hidden])

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
        opsets = [helper.make_opsetid("", OPSET), *self.more_opsets]
        model = helper.make_model(graph, producer_name="signet", opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model


class Int8Graph(Graph):
    """Between `begin` and `end` all tokens of all texts are the rows of one matrix, for each has a scale of its own."""

    more_opsets = [helper.make_opsetid("com.microsoft", 1)]

    def __init__(self):
        super().__init__()
        self.quantised, self.normed = {}, set()

    def begin(self, x, hidden):
        self.shape = self.op("Shape", [x])
        zero, two = self.integers("zero", [0]), self.integers("two", [2])
        self.batch_and_tokens = self.op("Slice", [self.shape, zero, two])
        flat = self.op("Reshape", [x, self.join_shape(hidden)])
        self.normed.add(flat)
        return flat

    def end(self, x):
        return self.op("Reshape", [x, self.shape])

    def split_shape(self, heads, size):
        return self.op("Concat", [self.batch_and_tokens, self.integers("heads", [heads, size])], axis=0)

    def join_shape(self, hidden):
        return self.integers("flat", [-1, hidden])

    def layer_norm(self, x, weights, prefix):
        normed = super().layer_norm(x, weights, prefix)
        self.normed.add(normed)
        return normed

    def rows(self, name, table, indexes):
        scales = scales_of(table)
        values = np.rint(table / scales).astype(np.int8)
        cells = self.op("Gather", [self.constant(name + ".q", values), indexes])
        scale = self.op("Gather", [self.constant(name + ".s", scales), indexes])
        return self.op("Mul", [self.op("Cast", [cells], to=TensorProto.FLOAT), scale])

    def linear(self, x, weights, prefix):
        if x not in self.quantised:
            self.quantised[x] = self.signed_rows(x)
        scale, steps = self.quantised[x]
        return self.product(steps, scale, weights[prefix + ".weight"], weights[prefix + ".bias"], prefix)

    def linear_of_gelu(self, x, weights, prefix):
        weight = weights[prefix + ".weight"]
        bias = (weights[prefix + ".bias"] - GELU_SHIFT * weight.sum(axis=1)).astype(np.float32)
        positive = self.op("Add", [x, self.constant("gelu_shift", GELU_SHIFT)])
        scale = self.op("Mul", [self.largest(positive), self.constant("per_byte", np.float32(1 / 255))])
        cells = self.op("QuantizeLinear", [positive, scale, self.bytes_like(scale, "none", 0)], axis=0)
        steps = [(cells, self.constant("none_byte", np.uint8(0)), self.constant("first", np.float32(1)))]
        return self.product(steps, scale, weight, bias, prefix)

    def signed_rows(self, x):
        """Scales and bytes of the rows; of a norm's output the rest that a byte leaves as well."""
        lowest = self.op("ReduceMin", [x, self.integers("last", [-1])], keepdims=0)
        largest = self.op("Max", [self.largest(x), self.op("Neg", [lowest])])
        scale = self.op("Mul", [largest, self.constant("per_sign", np.float32(1 / LARGEST))])
        middle = self.bytes_like(scale, "middle", ZERO)
        zero = self.constant("zero_byte", np.uint8(ZERO))
        cells = self.op("QuantizeLinear", [x, scale, middle], axis=0)
        steps = [(cells, zero, self.constant("first", np.float32(1)))]
        if x in self.normed:
            left = self.op("Sub", [x, self.op("DequantizeLinear", [cells, scale, middle], axis=0)])
            # A rest is at most half a step.
            finer = self.constant("finer", np.float32(1 / (2 * LARGEST)))
            rest = self.op("QuantizeLinear", [left, self.op("Mul", [scale, finer]), middle], axis=0)
            steps.append((rest, zero, finer))
        return scale, steps

    def largest(self, x):
        top = self.op("ReduceMax", [x, self.integers("last", [-1])], keepdims=0)
        return self.op("Max", [top, self.constant("tiny", np.float32(1e-30))])

    def bytes_like(self, scale, name, value):
        return self.op("Expand", [self.constant(name, np.array([value], np.uint8)), self.op("Shape", [scale])])

    def product(self, steps, scale, weight, bias, prefix):
        # safetensors holds [out, in]; the product wants [in, out].
        scales = scales_of(weight)
        columns = self.constant(prefix + ".q", np.rint(weight / scales).astype(np.int8).T)
        column_scales = self.constant(prefix + ".s", scales.reshape(-1))
        parts = [
            self.op("MatMulIntegerToFloat", [cells, columns, share, column_scales, zero], domain="com.microsoft")
            for cells, zero, share in steps
        ]
        total = parts[0] if len(parts) == 1 else self.op("Add", parts)
        scaled = self.op("Mul", [total, self.op("Unsqueeze", [scale, self.integers("last", [-1])])])
        return self.op("Add", [scaled, self.constant(prefix + ".b", bias)])


def scales_of(rows):
    """Of the last axis: what maps its largest number to 127."""
    largest = np.abs(rows).max(axis=-1, keepdims=True)
    return np.where(largest == 0, np.float32(1), largest / np.float32(LARGEST)).astype(np.float32)


if __name__ == "__main__":
    main()
