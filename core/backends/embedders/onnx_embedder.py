"""Embed texts with ONNX Runtime: starts in a second and needs no PyTorch.

fastembed would do the same, but as of 0.9.1 it needs an older huggingface_hub than transformers 5.
Both libraries used here come with faster-whisper.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import onnxruntime
import psutil
from tokenizers import Tokenizer

from core.backends.embedders.long_texts import embed_whole
from core.backends.embedders.model_files import check_hub, choose_prompt, find_folder
from core.config import Embedding
from core.errors import EmbedderMissing
from core.ports import Kind, Vectors

_BATCH = 16
_GRAPHS = ("onnx/model.onnx", "model.onnx")
_FILES = ["*.json", "1_Pooling/*.json", "onnx/model.onnx", "onnx/model.onnx_data"]
_INPUTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
"""The inputs of a BERT-like graph, and the tokenizer's names for them."""

log = logging.getLogger(__name__)


class OnnxEmbedder:
    """A synchronous `Embedder`. Its rows equal those of SentenceEmbedder to five digits.

    The model is a folder, a name on the Hugging Face hub, or `package:NAME`, with the graph in
    `onnx/model.onnx`, where sentence-transformers models keep it."""

    def __init__(self, config: Embedding) -> None:
        self.name = config.model
        self._device = config.device
        self._model: _Model | None = None

    def load(self) -> None:
        """Load the model into memory.

        Raises EmbedderMissing within seconds if it is not on disk and the hub does not answer."""
        self._loaded()

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Return shape (n, d), with rows of length 1. See `embed_whole` for long texts."""
        model = self._loaded()
        prompt = choose_prompt(model.prompts, self.name, kind)
        return embed_whole(
            texts,
            lambda text: len(model.tokenizer.encode(prompt + text).ids),
            model.window,
            lambda pieces: model.encode([prompt + piece for piece in pieces]),
        )

    def _loaded(self) -> _Model:
        if self._model is None:
            try:
                self._model = _Model.load(_folder(self.name), self._device)
            except Exception as error:  # three libraries raise their own errors and those of others
                raise EmbedderMissing(self.name) from error
        return self._model


@dataclass(frozen=True, slots=True)
class _Model:
    session: Any  # onnxruntime has no types
    tokenizer: Tokenizer
    prompts: dict[str, str]
    window: int
    """The most tokens of a text."""
    dimension: int
    by_first_token: bool
    """Whether a text's row is its first token's, instead of the mean over all tokens."""

    @classmethod
    def load(cls, folder: Path, device: str) -> _Model:
        config = _read(folder, "config.json")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        longest = config.get("max_position_embeddings", 512)
        return cls(
            _session(folder, device),
            tokenizer,
            _read(folder, "config_sentence_transformers.json").get("prompts", {}),
            _read(folder, "sentence_bert_config.json").get("max_seq_length") or longest,
            config["hidden_size"],
            _read(folder, "1_Pooling/config.json").get("pooling_mode_cls_token", False),
        )

    def encode(self, texts: list[str]) -> Vectors:
        """Return one row of length 1 per text, none longer than the window."""
        rows: Vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = [self.tokenizer.encode(text) for text in texts]
        # Texts of like length together: shorter ones are padded to the longest of their batch.
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i].ids))
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            rows[batch] = self._run([tokens[i] for i in batch])
        return rows

    def _run(self, batch: Sequence[Any]) -> Vectors:
        """Run the graph once. Padded positions are masked, so padding with 0 suits every model."""
        longest = max(len(tokens.ids) for tokens in batch)
        feed = {
            name: np.array(
                [
                    [*getattr(tokens, theirs), *[0] * (longest - len(tokens.ids))]
                    for tokens in batch
                ],
                dtype=np.int64,
            )
            for name, theirs in _INPUTS.items()
        }
        wanted = {one.name for one in self.session.get_inputs()}
        hidden = self.session.run(None, {k: v for k, v in feed.items() if k in wanted})[0]
        kept = feed["attention_mask"][:, :, None].astype(np.float32)
        pooled = hidden[:, 0] if self.by_first_token else (hidden * kept).sum(1) / kept.sum(1)
        rows: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return rows


def _folder(name: str) -> Path:
    """Return the model's folder, from disk if possible; otherwise ask the hub, then download."""
    if found := find_folder(name):
        return Path(found)
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(
            huggingface_hub.snapshot_download(
                repository, allow_patterns=_FILES, local_files_only=True
            )
        )
    except OSError:
        check_hub(name)
        return Path(huggingface_hub.snapshot_download(repository, allow_patterns=_FILES))


def _session(folder: Path, device: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = psutil.cpu_count(logical=False) or 1
    # Threads that spin while waiting starve each other; see sentence_embedder.py.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    graph = next(path for path in (folder / name for name in _GRAPHS) if path.exists())
    return onnxruntime.InferenceSession(str(graph), options, providers=_providers(device))


def _providers(wanted: str) -> list[str]:
    has_gpu = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if wanted == "cuda" and not has_gpu:
        log.warning("embedding.device is cuda, but ONNX Runtime has no GPU: using the CPU")
    gpu = ["CUDAExecutionProvider"] if has_gpu and wanted != "cpu" else []
    return [*gpu, "CPUExecutionProvider"]


def _read(folder: Path, name: str) -> dict[str, Any]:
    """Return a JSON file's object, or an empty one if there is no such file."""
    path = folder / name
    settings: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return settings
