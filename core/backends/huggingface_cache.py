"""This file looks into what was downloaded from the Hugging Face hub, and asks nobody."""

from __future__ import annotations

from pathlib import Path

# The hub's library loads its parts when they are used; this one takes 10 ms.
from huggingface_hub import constants


def is_offline() -> bool:
    """Whether the environment forbids downloads (HF_HUB_OFFLINE)."""
    return bool(constants.HF_HUB_OFFLINE)


def find_downloaded(repository: str) -> Path | None:
    """The folder of one whole version of `org/name`."""
    own = Path(constants.HF_HUB_CACHE, f"models--{repository.replace('/', '--')}", "snapshots")
    return next((version for version in own.glob("*") if has_weights(version)), None)


def has_weights(folder: Path) -> bool:
    """Whether a transformers model lies there, not only its description."""
    return any(next(folder.rglob(kind), None) for kind in ("*.safetensors", "pytorch_model*.bin"))
