"""Embeddings, made by the host's engine."""

from hyper_core import _channel


class EmbeddingEngine:
    """Embeds text with an installed model. `dimension` is known once something was embedded or asked for."""

    def __init__(self, model="default"):
        self.model = model
        self._dimension = None

    @classmethod
    def from_pretrained(cls, name):
        """The engine of an installed model; nothing is downloaded."""
        engine = cls(name)
        engine.dimension
        return engine

    @property
    def dimension(self):
        if self._dimension is None:
            self._request(["dimension"], "document")
        return self._dimension

    def embed(self, text):
        return self._request([text], "document")[0]

    def embed_query(self, text):
        return self._request([text], "query")[0]

    def embed_batch(self, texts):
        texts = list(texts)
        return self._request(texts, "document") if texts else []

    def _request(self, texts, input_type):
        arguments = {"texts": texts, "input_type": input_type}
        if self.model != "default":
            arguments["model"] = self.model
        reply = _channel.request("embed", arguments)
        self._dimension = reply["dimension"]
        return reply["vectors"]


def embed_text(text, model="default"):
    return EmbeddingEngine(model).embed(text)


def embed_batch(texts, model="default"):
    return EmbeddingEngine(model).embed_batch(texts)
