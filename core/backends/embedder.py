"""Embed texts with sentence-transformers. Only the index child imports it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

# Set before torch reads it. Threads that spin while waiting starve each other as soon as another
# process needs a core: embedding a question took 424 ms instead of 12 (2 cores, MiniLM).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import huggingface_hub
import numpy as np
import psutil
import torch
from huggingface_hub.utils.tqdm import disable_progress_bars as disable_download_bars
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar as disable_loading_bars

from core.config import Embedding
from core.errors import EmbedderMissing
from core.ports import Kind, Vectors

_PACKAGE = "package:"
_HUB_TIMEOUT_S = 5.0
_BATCH = 16
_PROMPTS: dict[Kind, tuple[str, ...]] = {
    "question": ("query",),
    "passage": ("passage", "document", "corpus"),
}
_E5_PROMPTS: dict[Kind, str] = {"question": "query: ", "passage": "passage: "}

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
        """Return shape (n, d), with rows of length 1.

        A text longer than the model's window is split; its row is the mean of its pieces' rows,
        weighted by their tokens."""
        model = self._loaded()
        prompt = _prompt(model, self.name, kind)
        window = model.max_seq_length or 10**9

        def tokens(text: str) -> int:
            return len(model.tokenizer(prompt + text, truncation=False)["input_ids"])

        cut = [_pieces(text, tokens, window) for text in texts]
        pieces = [piece for its_pieces in cut for piece in its_pieces]
        owners = [i for i, its_pieces in enumerate(cut) for _ in its_pieces]
        rows = model.encode(pieces, prompt=prompt, batch_size=_BATCH, show_progress_bar=False)
        rows = rows.reshape(
            len(pieces), model.get_embedding_dimension()
        )  # also for no pieces at all
        weights = np.array([tokens(piece) for piece in pieces], dtype=np.float32)
        pooled: Vectors = np.zeros((len(texts), rows.shape[1]), dtype=np.float32)
        np.add.at(pooled, owners, rows * weights[:, None])
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            _silence_libraries()
            torch.set_num_threads(psutil.cpu_count(logical=False) or 1)
            self._model = _load(self.name, _device(self._device))
        return self._model


def _load(name: str, device: str) -> SentenceTransformer:
    """Load from disk if possible; otherwise ask the hub once, then download."""
    try:
        if folder := _folder(name):
            return SentenceTransformer(folder, device=device, local_files_only=True)
        try:
            return SentenceTransformer(name, device=device, local_files_only=True)
        except (OSError, ValueError):
            # The libraries retry for minutes: first check with one bounded request whether to try.
            repository = name if "/" in name else f"sentence-transformers/{name}"
            huggingface_hub.HfApi().model_info(repository, timeout=_HUB_TIMEOUT_S)
            return SentenceTransformer(name, device=device)
    except Exception as error:  # four libraries raise their own errors and those of others
        raise EmbedderMissing(name) from error


def _folder(name: str) -> str | None:
    """Return the model's folder, or None for a name on the hub."""
    if not name.startswith(_PACKAGE):
        folder = Path(name).expanduser()
        return str(folder) if folder.is_dir() else None
    package = name.removeprefix(_PACKAGE)
    spec = find_spec(package) if package.isidentifier() else None  # does not import it
    inside = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    marks = ("modules.json", "config.json")
    found = [file for mark in marks for place in inside for file in sorted(place.rglob(mark))]
    if not found:
        raise FileNotFoundError(name)
    return str(found[0].parent)


def _device(wanted: str) -> str:
    if wanted == "cpu" or torch.cuda.is_available():
        return "cuda" if wanted == "auto" else wanted
    if wanted == "cuda":
        log.warning("embedding.device is cuda, but no GPU is available: using the CPU")
    return "cpu"


def _prompt(model: SentenceTransformer, name: str, kind: Kind) -> str:
    """Return the prefix that the model was trained with: its own prompt, or E5's."""
    own = next((model.prompts[key] for key in _PROMPTS[kind] if model.prompts.get(key)), "")
    is_e5 = re.search(r"\be5-(?!.*instruct)", Path(name).name.lower())
    return own or (_E5_PROMPTS[kind] if is_e5 and not any(model.prompts.values()) else "")


def _pieces(text: str, tokens: Callable[[str], int], window: int) -> list[str]:
    """Halve the text until every piece fits, at a blank in its second quarter if there is one."""
    if tokens(text) <= window or len(text) < 2:
        return [text]
    quarter, middle = len(text) // 4, len(text) // 2
    blank = max(text.rfind(" ", quarter, middle), text.rfind("\n", quarter, middle))
    cut = blank if blank > 0 else middle
    return [*_pieces(text[:cut], tokens, window), *_pieces(text[cut:], tokens, window)]


def _silence_libraries() -> None:
    """Keep the libraries' progress bars and advice off the user's screen."""
    disable_download_bars()
    disable_loading_bars()  # type: ignore[no-untyped-call]
    for library in ("transformers", "huggingface_hub", "sentence_transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
