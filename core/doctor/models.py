"""Check that the speech model and the embedding model are on disk."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from core.backends.huggingface_cache import find_downloaded, has_weights, is_offline
from core.config import Core
from core.doctor.probes import open_child
from core.errors import EmbedderMissing, SpeechModelMissing
from core.model import Check
from core.workers.limits import SPEECH

_PACKAGE = "package:"


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
    """Check that the model is on disk or downloadable. Search works without it, by keywords."""
    model = config.embedding.model
    if find_embedder(model):
        return Check("embedder", "ok", facts={"model": model})
    if model.startswith(_PACKAGE):
        package = model.removeprefix(_PACKAGE)
        return Check("embedder", "warn", "no_package", {"package": package})
    if is_offline() or Path(model).expanduser().is_dir():
        return Check("embedder", "warn", error=EmbedderMissing(model))
    return Check("embedder", "warn", "later", {"model": model})


def find_embedder(model: str) -> bool:
    """Whether the files are in a folder, an installed package, or the hub's cache.

    Does not ask the index child, whose libraries take seconds to import."""
    if model.startswith(_PACKAGE):
        package = model.removeprefix(_PACKAGE)
        spec = find_spec(package) if package.isidentifier() else None
        return any(has_weights(Path(p)) for p in (spec and spec.submodule_search_locations) or ())
    if (folder := Path(model).expanduser()).is_dir():
        return has_weights(folder)
    return bool(find_downloaded(model if "/" in model else f"sentence-transformers/{model}"))
