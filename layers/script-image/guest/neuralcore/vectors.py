"""Plain vector arithmetic. Inputs: sequences of numbers, `array.array`, or bytes of little-endian float32.

Refused with `ValueError`: vectors of different lengths (`Vector length mismatch: 3 vs 4`; with `on_mismatch="zero"` their cosine is
0.0), numbers that are not finite as float32, empty vectors except in pairs, where they come to 0.0.
"""

import heapq
import math
import struct

METRICS = ("cosine", "euclidean", "squared_euclidean", "dot_product", "inner_product")


#: The largest number of float32.
_LARGEST = 3.4028234663852886e38


def dot_product(a, b):
    a, b = _pair(a, b)
    return float(math.sumprod(a, b))


def cosine_similarity(a, b, on_mismatch="error"):
    """Between -1 and 1; 0.0 if one of the vectors has no length."""
    a, b = _numbers(a), _numbers(b)
    if _is_tolerant(on_mismatch) and len(a) != len(b):
        return 0.0
    _checked(a, b)
    return _cosine(a, math.hypot(*a), b, math.hypot(*b))


def euclidean_distance(a, b):
    return math.dist(*_pair(a, b))


def normalize(v):
    """A new vector of length 1; a vector without length stays as it is."""
    v = _vector(v)
    length = math.hypot(*v)
    return [value / length for value in v] if length > 0 else list(v)


def cosine_similarity_batch(a, vs, on_mismatch="error"):
    """One number per row of `vs`; if `a` is a list of vectors, the matrix of `cosine_similarity_matrix`."""
    if _is_matrix(a):
        return cosine_similarity_matrix(a, vs, on_mismatch)
    return cosine_similarity_matrix([a], vs, on_mismatch)[0]


def cosine_similarity_matrix(qs, ds, on_mismatch="error"):
    """Rows are queries."""
    queries, rows = [_vector(q) for q in qs], [_vector(d) for d in ds]
    is_tolerant = _is_tolerant(on_mismatch)
    lengths = [math.hypot(*row) for row in rows]
    table = []
    for query in queries:
        length = math.hypot(*query)
        table.append([
            0.0 if is_tolerant and len(query) != len(row) else _cosine(query, length, _checked(query, row), own)
            for row, own in zip(rows, lengths)
        ])
    return table


def pairwise_distances(vs, metric="cosine"):
    """n × n distances, smaller is closer."""
    rows = [_vector(v) for v in vs]
    return [[_distance(a, _checked(a, b), metric) for b in rows] for a in rows]


def top_k_similar(q, ds, k, metric="cosine"):
    """The `k` best rows of `ds` as `(index, score)`, larger is better, ties by the lower index."""
    if metric not in METRICS:
        raise ValueError(f"metric `{metric}`: expected one of {', '.join(METRICS)}")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"`k` is a whole number of 1 or more, got {k}")
    query = _vector(q)
    scores = ((_score(query, _checked(query, _vector(d)), metric), -index) for index, d in enumerate(ds))
    return [(-index, score) for score, index in heapq.nlargest(k, scores)]


def _score(a, b, metric):
    if metric == "cosine":
        return _cosine(a, math.hypot(*a), b, math.hypot(*b))
    if metric in ("dot_product", "inner_product"):
        return math.sumprod(a, b)
    return 1.0 / (1.0 + _distance(a, b, metric))


def _distance(a, b, metric):
    if metric == "cosine":
        return 1.0 - _cosine(a, math.hypot(*a), b, math.hypot(*b))
    if metric == "euclidean":
        return math.dist(a, b)
    if metric == "squared_euclidean":
        return math.dist(a, b) ** 2
    if metric in ("dot_product", "inner_product"):
        return -math.sumprod(a, b)
    raise ValueError(f"metric `{metric}`: expected one of {', '.join(METRICS)}")


def _cosine(a, length_a, b, length_b):
    if length_a == 0 or length_b == 0:
        return 0.0
    return max(-1.0, min(1.0, math.sumprod(a, b) / length_a / length_b))


def _pair(a, b):
    a = _numbers(a)
    return a, _checked(a, _numbers(b))


def _checked(a, b):
    if len(a) != len(b):
        raise ValueError(f"Vector length mismatch: {len(a)} vs {len(b)}")
    return b


def _is_tolerant(on_mismatch):
    if on_mismatch not in ("error", "zero"):
        raise ValueError(f"`on_mismatch` is `error` or `zero`, got {on_mismatch!r}")
    return on_mismatch == "zero"


def _vector(v):
    values = _numbers(v)
    if not values:
        raise ValueError("empty_vector: a vector has at least one number")
    return values


def _numbers(v):
    if isinstance(v, (bytes, bytearray, memoryview)):
        raw = bytes(v)
        if len(raw) % 4:
            raise ValueError(f"{len(raw)} bytes are no float32 vector")
        values = list(struct.unpack(f"<{len(raw) // 4}f", raw))
    else:
        values = v if type(v) is list else list(v)
    for index, value in enumerate(values):
        if not isinstance(value, (int, float)):
            raise TypeError(f"a vector holds numbers, got {type(value).__name__}")
        if not -_LARGEST <= value <= _LARGEST:
            raise ValueError(f"non_finite: a vector holds finite numbers of float32, got {value} at {index}")
    return values


def _is_matrix(a):
    return isinstance(a, (list, tuple)) and len(a) > 0 and not isinstance(a[0], (int, float))
