//! Filters over metadata: of one row as it stands, of a segment by its columns. Both give the same rows.

use segments::{Bitmap, Scalar, Segment, SegmentError};
use serde_json::{Map, Value};

use crate::SearchError;

const CONDITIONS_MAX: usize = 100;
const DEPTH_MAX: usize = 8;
const IN_MAX: usize = 1000;

/// `{key: value}` is `$eq`; members of an object must all hold; keys are dotted paths; a list matches by any element; a
/// missing key matches only `$ne`, `$nin` and `$exists: false`.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Exists(String),
    /// A value under the path passes.
    Has(String, Test),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Among(Vec<Scalar>),
    StartsWith(String),
    Above(Scalar),
    AtLeast(Scalar),
    Below(Scalar),
    AtMost(Scalar),
}

impl Filter {
    /// Reads a filter; an error says where it is none.
    pub fn read(filter: &Value) -> Result<Self, SearchError> {
        let mut conditions = 0;
        read_object(filter, "filter", 1, &mut conditions).map(Self)
    }

    /// Whether a row with this metadata is let through.
    pub fn allows(&self, metadata: Option<&Map<String, Value>>) -> bool {
        allows(&self.0, metadata)
    }

    /// The rows of a segment that are let through.
    pub fn rows(&self, segment: &mut Segment) -> Result<Bitmap, SegmentError> {
        rows(&self.0, segment)
    }
}

fn allows(node: &Node, metadata: Option<&Map<String, Value>>) -> bool {
    match node {
        Node::All(nodes) => nodes.iter().all(|node| allows(node, metadata)),
        Node::Any(nodes) => nodes.iter().any(|node| allows(node, metadata)),
        Node::Not(node) => !allows(node, metadata),
        Node::Exists(path) => look_up(metadata, path).is_some(),
        Node::Has(path, test) => match look_up(metadata, path) {
            None => false,
            Some(Value::Array(elements)) => elements
                .iter()
                .filter_map(Scalar::of)
                .any(|value| test.passes(&value)),
            Some(value) => Scalar::of(value).is_some_and(|value| test.passes(&value)),
        },
    }
}

fn look_up<'m>(metadata: Option<&'m Map<String, Value>>, path: &str) -> Option<&'m Value> {
    let mut steps = path.split('.');
    let mut value = metadata?.get(steps.next()?)?;
    for step in steps {
        value = value.as_object()?.get(step)?;
    }
    Some(value)
}

fn rows(node: &Node, segment: &mut Segment) -> Result<Bitmap, SegmentError> {
    match node {
        Node::All(nodes) => {
            let mut found = Bitmap::all(segment.rows());
            for node in nodes {
                found.and(&rows(node, segment)?);
            }
            Ok(found)
        }
        Node::Any(nodes) => {
            let mut found = Bitmap::none(segment.rows());
            for node in nodes {
                found.or(&rows(node, segment)?);
            }
            Ok(found)
        }
        Node::Not(node) => Ok(rows(node, segment)?.inverted()),
        Node::Exists(path) => segment.present(path),
        Node::Has(path, test) => segment.matching(path, &|value| test.passes(value)),
    }
}

impl Test {
    fn passes(&self, value: &Scalar) -> bool {
        match self {
            Self::Among(values) => values.contains(value),
            Self::StartsWith(start) => {
                matches!(value, Scalar::Text(text) if text.starts_with(start))
            }
            Self::Above(bound) => compare(value, bound).is_some_and(|order| order.is_gt()),
            Self::AtLeast(bound) => compare(value, bound).is_some_and(|order| order.is_ge()),
            Self::Below(bound) => compare(value, bound).is_some_and(|order| order.is_lt()),
            Self::AtMost(bound) => compare(value, bound).is_some_and(|order| order.is_le()),
        }
    }
}

/// Numbers with numbers, texts with texts, by code units of UTF-16: the order of the other implementation of filters, which
/// is JavaScript's.
fn compare(value: &Scalar, bound: &Scalar) -> Option<std::cmp::Ordering> {
    match (value, bound) {
        (Scalar::Number(a), Scalar::Number(b)) => a.partial_cmp(b),
        (Scalar::Text(a), Scalar::Text(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        _ => None,
    }
}

fn read_object(
    filter: &Value,
    path: &str,
    depth: usize,
    conditions: &mut usize,
) -> Result<Node, SearchError> {
    let Value::Object(members) = filter else {
        return Err(refused(path, "expected an object"));
    };
    if depth > DEPTH_MAX {
        return Err(refused(
            path,
            &format!("expected at most {DEPTH_MAX} levels of `$and`, `$or`, `$not`"),
        ));
    }
    let mut nodes = Vec::with_capacity(members.len());
    for (name, value) in members {
        let at = format!("{path}.{name}");
        nodes.push(match name.as_str() {
            "$and" => Node::All(read_list(value, &at, depth, conditions)?),
            "$or" => Node::Any(read_list(value, &at, depth, conditions)?),
            "$not" => Node::Not(Box::new(read_object(value, &at, depth + 1, conditions)?)),
            name if name.starts_with('$') => {
                return Err(refused(
                    &at,
                    "expected a key of the metadata, `$and`, `$or` or `$not`",
                ));
            }
            name => read_key(name, value, &at, conditions)?,
        });
    }
    Ok(Node::All(nodes))
}

fn read_list(
    value: &Value,
    path: &str,
    depth: usize,
    conditions: &mut usize,
) -> Result<Vec<Node>, SearchError> {
    let Some(parts) = value.as_array().filter(|parts| !parts.is_empty()) else {
        return Err(refused(path, "expected a list of at least one filter"));
    };
    let read = |(at, part)| read_object(part, &format!("{path}[{at}]"), depth + 1, conditions);
    parts.iter().enumerate().map(read).collect()
}

fn read_key(
    key: &str,
    value: &Value,
    path: &str,
    conditions: &mut usize,
) -> Result<Node, SearchError> {
    if key.split('.').any(str::is_empty) {
        return Err(refused(path, "expected a dotted path without empty parts"));
    }
    let shorthand = Map::from_iter([("$eq".to_owned(), value.clone())]);
    let comparisons = value.as_object().unwrap_or(&shorthand);
    if comparisons.is_empty() {
        return Err(refused(
            path,
            "expected a value or a comparison such as `$eq`",
        ));
    }
    let mut nodes = Vec::with_capacity(comparisons.len());
    for (operator, operand) in comparisons {
        *conditions += 1;
        if *conditions > CONDITIONS_MAX {
            return Err(refused(
                "filter",
                &format!("expected at most {CONDITIONS_MAX} conditions"),
            ));
        }
        nodes.push(read_comparison(
            key,
            operator,
            operand,
            &format!("{path}.{operator}"),
        )?);
    }
    Ok(Node::All(nodes))
}

fn read_comparison(
    key: &str,
    operator: &str,
    operand: &Value,
    path: &str,
) -> Result<Node, SearchError> {
    let has = |test| Node::Has(key.to_owned(), test);
    let not = |node| Node::Not(Box::new(node));
    Ok(match operator {
        "$eq" => has(Test::Among(vec![scalar(operand, path)?])),
        "$ne" => not(has(Test::Among(vec![scalar(operand, path)?]))),
        "$in" => has(Test::Among(scalars(operand, path)?)),
        "$nin" => not(has(Test::Among(scalars(operand, path)?))),
        "$gt" => has(Test::Above(ordered(operand, path)?)),
        "$gte" => has(Test::AtLeast(ordered(operand, path)?)),
        "$lt" => has(Test::Below(ordered(operand, path)?)),
        "$lte" => has(Test::AtMost(ordered(operand, path)?)),
        "$exists" => match operand.as_bool() {
            Some(true) => Node::Exists(key.to_owned()),
            Some(false) => not(Node::Exists(key.to_owned())),
            None => return Err(refused(path, "expected true or false")),
        },
        "$startsWith" => match operand.as_str() {
            Some(text) => has(Test::StartsWith(text.to_owned())),
            None => return Err(refused(path, "expected a text")),
        },
        _ => return Err(refused(path, "expected a comparison such as `$eq`")),
    })
}

fn scalar(operand: &Value, path: &str) -> Result<Scalar, SearchError> {
    Scalar::of(operand)
        .ok_or_else(|| refused(path, "expected a text, a number, true, false or null"))
}

fn scalars(operand: &Value, path: &str) -> Result<Vec<Scalar>, SearchError> {
    let Some(values) = operand.as_array() else {
        return Err(refused(path, "expected a list"));
    };
    if values.len() > IN_MAX {
        return Err(refused(
            path,
            &format!("expected at most {IN_MAX} values, got {}", values.len()),
        ));
    }
    values
        .iter()
        .enumerate()
        .map(|(at, value)| scalar(value, &format!("{path}[{at}]")))
        .collect()
}

fn ordered(operand: &Value, path: &str) -> Result<Scalar, SearchError> {
    match Scalar::of(operand) {
        Some(bound @ (Scalar::Number(_) | Scalar::Text(_))) => Ok(bound),
        _ => Err(refused(path, "expected a number or a text")),
    }
}

fn refused(path: &str, detail: &str) -> SearchError {
    let end = path.floor_char_boundary(200);
    SearchError::Filter {
        detail: detail.to_owned(),
        path: path[..end].to_owned(),
    }
}
