"""Writes reference.json: token ids by the `tokenizers` package and vectors by a plain NumPy forward pass in float64.

usage: make_reference.py MODEL_FOLDER OUTPUT   (the folder holds model.safetensors and tokenizer.json)

This is the independent judge of our engine: another language, another tokeniser build, no ONNX and no ONNX Runtime.
Run by hand when the model or the texts change: pip install numpy==2.4.6 safetensors==0.8.0 tokenizers==0.22.2
"""

import base64
import hashlib
import json
import math
import platform
import sys

import numpy as np
import tokenizers
from safetensors.numpy import load_file

MODEL, LAYERS, HEADS, MAX_TOKENS = "all-MiniLM-L6-v2", 6, 12, 256
VECTOR_TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Como faço para redefinir a minha senha?",
    "def add(a, b):\n    return a + b",
    "naïve café, 東京, привет, 🙂 — and [SEP] inside",
    "Invoices are due within thirty days of receipt. " * 40,
]
ID_TEXTS = [
    "a",
    "Hello, World!",
    "  spaces\tand\nnewlines  ",
    "Ünïcödé ÀÉÎ ñ ß ﬁ ½",
    "e\u0301 combining, \u200b zero width, \u00ad soft hyphen",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "3.14159 1,000,000 $42.00 50% #1 a@b.c https://example.org/x?y=z",
    "[CLS] [MASK] [PAD] [UNK]",
    "日本語のテキスト 한국어 العربية עברית हिन्दी ไทย",
    "👩‍👩‍👧‍👦🇧🇷",
    "O gato está em cima do telhado, não está?",
    "don't can't it's l'été",
    "x" * 150,
    "𝒜𝓁𝑔𝑒𝒷𝓇𝒶",
]


def main():
    folder, output = sys.argv[1:3]
    weights = {name: array.astype(np.float64) for name, array in load_file(f"{folder}/model.safetensors").items()}
    tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    ids = lambda text: tokenizer.encode(text).ids
    with open(f"{folder}/model.safetensors", "rb") as file:
        weights_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    reference = {
        "model": MODEL,
        "weights_sha256": weights_sha256,
        "made_by": f"make_reference.py, numpy {np.__version__}, tokenizers {tokenizers.__version__}, "
        f"python {platform.python_version()}",
        "vectors": [
            {"text": text, "ids": ids(text), "vector_base64": encoded(embed(weights, ids(text)))} for text in VECTOR_TEXTS
        ],
        "ids": [{"text": text, "ids": ids(text)} for text in ID_TEXTS],
    }
    with open(output, "w", encoding="utf-8") as file:
        json.dump(reference, file, ensure_ascii=True)
        file.write("\n")


def embed(weights, ids):
    """Mean of the last hidden state, scaled to length 1."""
    position = weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = weights["embeddings.word_embeddings.weight"][ids] + position + weights["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(weights, "embeddings.LayerNorm", x)
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        x = layer_norm(weights, prefix + "attention.output.LayerNorm", x + attend(weights, prefix + "attention.", x))
        inner = gelu(linear(weights, prefix + "intermediate.dense", x))
        x = layer_norm(weights, prefix + "output.LayerNorm", x + linear(weights, prefix + "output.dense", inner))
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def attend(weights, prefix, x):
    tokens, hidden = x.shape
    split = lambda name: linear(weights, prefix + "self." + name, x).reshape(tokens, HEADS, -1).transpose(1, 0, 2)
    query, key, value = split("query"), split("key"), split("value")
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(hidden // HEADS)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return linear(weights, prefix + "output.dense", (shares @ value).transpose(1, 0, 2).reshape(tokens, hidden))


def linear(weights, prefix, x):
    return x @ weights[prefix + ".weight"].T + weights[prefix + ".bias"]


def layer_norm(weights, prefix, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return scaled * weights[prefix + ".weight"] + weights[prefix + ".bias"]


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def encoded(vector):
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


if __name__ == "__main__":
    main()
