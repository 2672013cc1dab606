"""Check that the speech model and the embedding model are on disk."""

from __future__ import annotations

import unicodedata
from importlib.util import find_spec
from pathlib import Path

from core.backends.huggingface_cache import find_downloaded, has_weights, is_offline
from core.config import Core
from core.doctor.probes import open_child
from core.errors import EmbedderMissing, SpeechModelMissing
from core.model import Check
from core.workers.limits import SPEECH

_PACKAGE = "package:"
_KOREAN_PIECES = ("에서", "하는")
"""Pieces that any vocabulary learned from Korean texts has whole."""


async def speech_model(config: Core) -> Check:
    """Check that the model is on disk or downloadable. Raises SpeechModelMissing if neither."""
    model = config.speech.model
    async with open_child(SPEECH, config) as worker:
        if await worker.call("is_downloaded"):
            return Check("speech_model", "ok", facts={"model": model})
    if is_offline() or Path(model).is_dir():
        raise SpeechModelMissing(model)
    return Check("speech_model", "warn", "later", {"model": model})


async def embedder(config: Core) -> Check:
    """Check that the model is on disk or downloadable, and reads the configured language. Search
    works without it, by keywords."""
    model = config.embedding.model
    if folder := find_embedder(model):
        is_korean = "ko" in (config.language, config.speech.language)
        if is_korean and not reads_korean(folder):
            return Check("embedder", "warn", "english", {"model": model})
        return Check("embedder", "ok", facts={"model": model})
    if model.startswith(_PACKAGE):
        package = model.removeprefix(_PACKAGE)
        return Check("embedder", "warn", "no_package", {"package": package})
    if is_offline() or Path(model).expanduser().is_dir():
        return Check("embedder", "warn", error=EmbedderMissing(model))
    return Check("embedder", "warn", "later", {"model": model})


def find_embedder(model: str) -> Path | None:
    """Return the folder with the files: a named one, an installed package, or in the hub's cache.

    Does not ask the index child, whose libraries take seconds to import."""
    if model.startswith(_PACKAGE):
        package = model.removeprefix(_PACKAGE)
        spec = find_spec(package) if package.isidentifier() else None
        folders = map(Path, (spec and spec.submodule_search_locations) or ())
        return next(filter(has_weights, folders), None)
    if (folder := Path(model).expanduser()).is_dir():
        return folder if has_weights(folder) else None
    return find_downloaded(model if "/" in model else f"sentence-transformers/{model}")


def reads_korean(folder: Path) -> bool:
    """Whether the model's vocabulary has Korean words. True if there is none to look at.

    One that was learned from English texts, as all-MiniLM's, has single letters at most."""
    vocabularies = list(folder.rglob("tokenizer.json"))
    texts = (path.read_text("utf-8", errors="replace") for path in vocabularies)
    return not vocabularies or any(piece in text for text in texts for piece in _spellings())


def _spellings() -> list[str]:
    """Return Korean pieces as vocabularies write them: whole, in single letters, or as bytes."""
    whole = list(_KOREAN_PIECES)
    letters = [unicodedata.normalize("NFD", piece) for piece in whole]
    return [*whole, *letters, *("".join(map(_byte_letter, piece.encode())) for piece in whole)]


def _byte_letter(byte: int) -> str:
    """Return the letter for a byte of Korean in a byte-level vocabulary (GPT-2): printable Latin-1
    letters stand for themselves, 0x7F to 0xA0 and 0xAD for those from U+0121 on."""
    if 0x7F <= byte <= 0xA0:
        return chr(0x121 + byte - 0x7F)
    return chr(0x143) if byte == 0xAD else chr(byte)
