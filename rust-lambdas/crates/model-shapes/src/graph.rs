//! The network as an ONNX file. Field numbers are those of `onnx.proto` (ONNX 1.15, operator set 20).

use crate::protobuf::Message;
use crate::weights::{Linear, Norm, Weights};

const FLOAT: i64 = 1;
const INT64: i64 = 7;

pub fn onnx(weights: &Weights, has_types: bool) -> Vec<u8> {
    let mut graph = Graph::default();
    let hidden = encoder(&mut graph, weights, has_types);
    graph.nodes.push(node(
        "Identity",
        &[&hidden],
        "last_hidden_state",
        Message::default(),
    ));
    let mut inputs = vec!["input_ids", "attention_mask"];
    if has_types {
        inputs.push("token_type_ids");
    }
    let proto = Message::default()
        .each(&graph.nodes, |m, node| m.message(1, node))
        .text(2, "tiny")
        .each(&graph.constants, |m, (_, constant)| m.message(5, constant))
        .each(inputs, |m, name| m.message(11, &value(name, INT64, None)))
        .message(
            12,
            &value(
                "last_hidden_state",
                FLOAT,
                Some(weights.shape.hidden as i64),
            ),
        );
    let opset = Message::default().text(1, "").int(2, 20);
    Message::default()
        .int(1, 9)
        .text(2, "signet")
        .message(7, &proto)
        .message(8, &opset)
        .0
}

fn encoder(graph: &mut Graph, weights: &Weights, has_types: bool) -> String {
    let (zero, one, two) = (
        graph.ints("zero", &[0]),
        graph.ints("one", &[1]),
        graph.ints("two", &[2]),
    );
    let words = graph.floats(
        "words",
        &[weights.words.rows, weights.words.columns],
        &weights.words.values,
    );
    let positions = graph.floats(
        "positions",
        &[weights.positions.rows, weights.positions.columns],
        &weights.positions.values,
    );
    let types = graph.floats(
        "types",
        &[weights.types.rows, weights.types.columns],
        &weights.types.values,
    );

    let shape = graph.op("Shape", &["input_ids"]);
    let length = graph.op("Slice", &[&shape, &one, &two, &zero]);
    let words = graph.op("Gather", &[&words, "input_ids"]);
    let positions = graph.op("Slice", &[&positions, &zero, &length, &zero]);
    let types = if has_types {
        graph.op("Gather", &[&types, "token_type_ids"])
    } else {
        graph.op("Slice", &[&types, &zero, &one, &zero])
    };
    let sum = graph.op("Add", &[&words, &positions]);
    let sum = graph.op("Add", &[&sum, &types]);
    let mut x = graph.norm(&sum, "norm", &weights.norm);

    let mask = graph.op_with(
        "Cast",
        &["attention_mask"],
        ints_attribute(Message::default(), "to", &[FLOAT], true),
    );
    let axes = graph.ints("axes", &[1, 2]);
    let mask = graph.op("Unsqueeze", &[&mask, &axes]);
    let unit = graph.floats("unit", &[], &[1.0]);
    let large = graph.floats("large", &[], &[-10000.0]);
    let hidden = graph.op("Sub", &[&unit, &mask]);
    let hidden = graph.op("Mul", &[&hidden, &large]);
    let (heads, width) = (weights.shape.heads, weights.shape.hidden);
    let size = width / heads;
    let split = graph.ints("split", &[0, 0, heads as i64, size as i64]);
    let join = graph.ints("join", &[0, 0, width as i64]);
    let scale = graph.floats("scale", &[], &[1.0 / (size as f32).sqrt()]);
    for (number, layer) in weights.layers.iter().enumerate() {
        let name = |part: &str| format!("{number}.{part}");
        let query = graph.heads(&x, &name("query"), &layer.query, &split, &[0, 2, 1, 3]);
        let key = graph.heads(&x, &name("key"), &layer.key, &split, &[0, 2, 3, 1]);
        let values = graph.heads(&x, &name("value"), &layer.value, &split, &[0, 2, 1, 3]);
        let scores = graph.op("MatMul", &[&query, &key]);
        let scores = graph.op("Mul", &[&scores, &scale]);
        let scores = graph.op("Add", &[&scores, &hidden]);
        let shares = graph.op_with(
            "Softmax",
            &[&scores],
            ints_attribute(Message::default(), "axis", &[-1], true),
        );
        let mixed = graph.op("MatMul", &[&shares, &values]);
        let mixed = graph.transpose(&mixed, &[0, 2, 1, 3]);
        let mixed = graph.op("Reshape", &[&mixed, &join]);
        let mixed = graph.linear(&mixed, &name("mixed"), &layer.mixed);
        let sum = graph.op("Add", &[&mixed, &x]);
        x = graph.norm(&sum, &name("attention_norm"), &layer.attention_norm);
        let inner = graph.linear(&x, &name("inner"), &layer.inner);
        let inner = graph.op("Gelu", &[&inner]);
        let outer = graph.linear(&inner, &name("outer"), &layer.outer);
        let sum = graph.op("Add", &[&outer, &x]);
        x = graph.norm(&sum, &name("output_norm"), &layer.output_norm);
    }
    x
}

#[derive(Default)]
struct Graph {
    nodes: Vec<Message>,
    constants: Vec<(String, Message)>,
}

impl Graph {
    fn op(&mut self, kind: &str, inputs: &[&str]) -> String {
        self.op_with(kind, inputs, Message::default())
    }

    fn op_with(&mut self, kind: &str, inputs: &[&str], attributes: Message) -> String {
        let output = format!("{kind}_{}", self.nodes.len());
        self.nodes.push(node(kind, inputs, &output, attributes));
        output
    }

    fn transpose(&mut self, x: &str, order: &[i64]) -> String {
        self.op_with(
            "Transpose",
            &[x],
            ints_attribute(Message::default(), "perm", order, false),
        )
    }

    fn heads(
        &mut self,
        x: &str,
        name: &str,
        linear: &Linear,
        split: &str,
        order: &[i64],
    ) -> String {
        let rows = self.linear(x, name, linear);
        let rows = self.op("Reshape", &[&rows, split]);
        self.transpose(&rows, order)
    }

    fn linear(&mut self, x: &str, name: &str, linear: &Linear) -> String {
        let shape = [linear.weight.rows, linear.weight.columns];
        let weight = self.floats(&format!("{name}.weight"), &shape, &linear.weight.values);
        let bias = self.floats(&format!("{name}.bias"), &[linear.bias.len()], &linear.bias);
        let product = self.op("MatMul", &[x, &weight]);
        self.op("Add", &[&product, &bias])
    }

    fn norm(&mut self, x: &str, name: &str, norm: &Norm) -> String {
        let scale = self.floats(&format!("{name}.scale"), &[norm.scale.len()], &norm.scale);
        let bias = self.floats(&format!("{name}.bias"), &[norm.bias.len()], &norm.bias);
        let epsilon = Message::default()
            .text(1, "epsilon")
            .float(2, 1e-12)
            .int(20, 1);
        let attributes =
            ints_attribute(Message::default().message(5, &epsilon), "axis", &[-1], true);
        self.op_with("LayerNormalization", &[x, &scale, &bias], attributes)
    }

    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let raw = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<_>>();
        self.constant(name, shape, FLOAT, &raw)
    }

    fn ints(&mut self, name: &str, values: &[i64]) -> String {
        let raw = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<_>>();
        self.constant(name, &[values.len()], INT64, &raw)
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: i64, raw: &[u8]) -> String {
        let tensor = Message::default().each(shape, |m, size| m.int(1, *size as i64));
        self.constants.push((
            name.to_owned(),
            tensor.int(2, kind).text(8, name).bytes(9, raw),
        ));
        name.to_owned()
    }
}

/// `attributes` holds attribute fields already encoded as fields of the node.
fn node(kind: &str, inputs: &[&str], output: &str, attributes: Message) -> Message {
    let start = Message::default().each(inputs, |m, input| m.text(1, input));
    let mut node = start.text(2, output).text(3, output).text(4, kind);
    node.0.extend_from_slice(&attributes.0);
    node
}

fn ints_attribute(to: Message, name: &str, values: &[i64], is_single: bool) -> Message {
    let start = Message::default().text(1, name);
    let attribute = if is_single {
        start.int(3, values[0]).int(20, 2)
    } else {
        start.each(values, |m, value| m.int(8, *value)).int(20, 7)
    };
    to.message(5, &attribute)
}

fn value(name: &str, kind: i64, last: Option<i64>) -> Message {
    let named = |name: &str| Message::default().text(2, name);
    let start = Message::default()
        .message(1, &named("batch"))
        .message(1, &named("tokens"));
    let shape = last.into_iter().fold(start, |m, size| {
        m.message(1, &Message::default().int(1, size))
    });
    let tensor = Message::default().int(1, kind).message(2, &shape);
    Message::default()
        .text(1, name)
        .message(2, &Message::default().message(1, &tensor))
}
