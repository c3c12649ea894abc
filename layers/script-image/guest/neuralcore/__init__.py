"""Vectors and embeddings under the names of `neuralcore`."""

import platform
import sys

from hyper_core import _errors
from neuralcore.embedding import EmbeddingEngine, embed_batch, embed_text
from neuralcore.vectors import (
    cosine_similarity,
    cosine_similarity_batch,
    cosine_similarity_matrix,
    dot_product,
    euclidean_distance,
    normalize,
    pairwise_distances,
    top_k_similar,
)

__version__ = "0.1.0"

#: Whether arithmetic runs in compiled code. In the interpreter it is Python's own `math.sumprod`.
NATIVE_AVAILABLE = False


def is_native_available():
    return NATIVE_AVAILABLE


def get_available_features():
    return ["embedding", "vectors"]


def runtime_info():
    """Where and how this interpreter computes."""
    return {
        "version": __version__,
        "native_available": NATIVE_AVAILABLE,
        "python_version": platform.python_version(),
        "platform": sys.platform,
        "isa": "wasm32",
        "served_by": {"vectors": "interpreter", "embedding": "host"},
    }


class HNSWIndex:
    """Not built yet."""

    def __init__(self, *args, **kwargs):
        raise _errors.not_built("neuralcore.HNSWIndex comes with the vector engine; top_k_similar searches lists")


class MessageBus:
    """Not built yet."""

    def __init__(self, *args, **kwargs):
        raise _errors.not_built("neuralcore.MessageBus comes with the bus")


__all__ = [
    "NATIVE_AVAILABLE", "EmbeddingEngine", "HNSWIndex", "MessageBus", "cosine_similarity", "cosine_similarity_batch",
    "cosine_similarity_matrix", "dot_product", "embed_batch", "embed_text", "euclidean_distance", "get_available_features",
    "is_native_available", "normalize", "pairwise_distances", "runtime_info", "top_k_similar",
]
