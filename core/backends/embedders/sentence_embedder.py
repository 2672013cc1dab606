"""Embed texts with sentence-transformers, on PyTorch."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

# Set before torch reads it. Threads that spin while waiting starve each other as soon as another
# process needs a core: embedding a question took 424 ms instead of 12 (2 cores, MiniLM).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import psutil
import torch
from huggingface_hub.utils.tqdm import disable_progress_bars as disable_download_bars
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar as disable_loading_bars

from core.backends.embedders.long_texts import embed_whole
from core.backends.embedders.model_files import check_hub, choose_prompt, find_folder
from core.config import Embedding
from core.errors import EmbedderMissing
from core.ports import Kind, Vectors

_BATCH = 16

log = logging.getLogger(__name__)


class SentenceEmbedder:
    """A synchronous `Embedder`.

    The model is a folder, a name on the Hugging Face hub, or `package:NAME`, a folder inside the
    installed Python package NAME."""

    def __init__(self, config: Embedding) -> None:
        self.name = config.model
        self._device = config.device
        self._model: SentenceTransformer | None = None

    def load(self) -> None:
        """Load the model into memory.

        Raises EmbedderMissing within seconds if it is not on disk and the hub does not answer."""
        self._loaded()

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Return shape (n, d), with rows of length 1. See `embed_whole` for long texts."""
        model = self._loaded()
        prompt = choose_prompt(model.prompts, self.name, kind)

        def count_tokens(text: str) -> int:
            return len(model.tokenizer(prompt + text, truncation=False)["input_ids"])

        def encode(pieces: list[str]) -> Vectors:
            rows: Vectors = model.encode(
                pieces, prompt=prompt, batch_size=_BATCH, show_progress_bar=False
            )
            return rows.reshape(len(pieces), model.get_embedding_dimension())  # also for none

        return embed_whole(texts, count_tokens, model.max_seq_length or 10**9, encode)

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            _silence_libraries()
            torch.set_num_threads(psutil.cpu_count(logical=False) or 1)
            self._model = _load(self.name, _device(self._device))
        return self._model


def _load(name: str, device: str) -> SentenceTransformer:
    """Load from disk if possible; otherwise ask the hub once, then download."""
    try:
        if folder := find_folder(name):
            return SentenceTransformer(folder, device=device, local_files_only=True)
        try:
            return SentenceTransformer(name, device=device, local_files_only=True)
        except (OSError, ValueError):
            check_hub(name)
            return SentenceTransformer(name, device=device)
    except Exception as error:  # four libraries raise their own errors and those of others
        raise EmbedderMissing(name) from error


def _device(wanted: str) -> str:
    if wanted == "cpu" or torch.cuda.is_available():
        return "cuda" if wanted == "auto" else wanted
    if wanted == "cuda":
        log.warning("embedding.device is cuda, but no GPU is available: using the CPU")
    return "cpu"


def _silence_libraries() -> None:
    """Keep the libraries' progress bars and advice off the user's screen."""
    disable_download_bars()
    disable_loading_bars()  # type: ignore[no-untyped-call]
    for library in ("transformers", "huggingface_hub", "sentence_transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
