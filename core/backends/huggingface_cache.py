"""Look for models already downloaded from the Hugging Face hub, without asking the hub."""

from __future__ import annotations

import os
from pathlib import Path

# huggingface_hub loads its parts at first use; this one takes 10 ms.
from huggingface_hub import constants


def is_offline() -> bool:
    """Whether the environment forbids downloads (HF_HUB_OFFLINE)."""
    return bool(constants.HF_HUB_OFFLINE)


def folders() -> list[Path]:
    """Return the folders of downloaded models, and of what downloads keep beside them."""
    places = [constants.HF_HUB_CACHE, constants.HF_XET_CACHE]
    places += filter(None, [os.environ.get("SENTENCE_TRANSFORMERS_HOME")])
    return [Path(place).expanduser().absolute() for place in places]


def tokens() -> list[Path]:
    """Return the files in which people keep their token for the hub."""
    return [Path(constants.HF_TOKEN_PATH)]


def find_downloaded(repository: str) -> Path | None:
    """Return the folder of a downloaded revision of `org/name` that has weights."""
    # Imported here: it takes 0.3 s, and only `doctor` needs it.
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cached = scan_cache_dir().repos
    except CacheNotFound:
        return None
    revisions = (
        revision.snapshot_path
        for repo in cached
        if repo.repo_type == "model" and repo.repo_id == repository
        for revision in repo.revisions
    )
    return next((folder for folder in revisions if has_weights(folder)), None)


def has_weights(folder: Path) -> bool:
    """Whether the folder holds a model's weights, not only its configuration."""
    kinds = ("*.safetensors", "pytorch_model*.bin", "*.onnx")
    return any(next(folder.rglob(kind), None) for kind in kinds)
