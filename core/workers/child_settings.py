"""Each kind of child process with its own part of the settings."""

from __future__ import annotations

from pathlib import Path

from core.config import Core
from core.workers.limits import ChildLimits, ChildName
from core.workers.supervisor import ChildSupervisor

_MEGABYTE = 1024 * 1024
_MODEL_OR_INDEX_BYTES = 8 * 1024 * _MEGABYTE


def make_supervisor(limits: ChildLimits, config: Core, module: str = "") -> ChildSupervisor:
    """Make the supervisor of a child that knows the settings of its kind and no others.

    `max_file_bytes` bounds every file that the child writes."""
    settings: dict[ChildName, dict[str, object]] = {
        "fetch": {
            "youtube": config.youtube,
            "limits": config.limits,
            "max_file_bytes": (config.limits.max_megabytes + 1) * _MEGABYTE,
        },
        "speech": {
            "speech": config.speech,
            "limits": config.limits,
            "max_file_bytes": _MODEL_OR_INDEX_BYTES,
        },
        "index": {
            "embedding": config.embedding,
            "cache": config.data_dir.absolute() / "cache",
            "max_file_bytes": _MODEL_OR_INDEX_BYTES,
        },
        "models": {"embedding": config.embedding, "max_file_bytes": _MODEL_OR_INDEX_BYTES},
    }
    setup = {**settings[limits.name], "places": _places(limits.name, config)}
    return ChildSupervisor(limits, setup, module)


def _places(name: ChildName, config: Core) -> dict[str, object]:
    """Return the only files of ours that a child may use, and whether it may use the network.

    `hub`: whether it may read or write the folders of downloaded models. None that reads what
    strangers send may write there, or a child that is taken over would change what others load."""
    data = config.data_dir.absolute()
    rights: dict[ChildName, dict[str, object]] = {
        "fetch": {
            "read": [config.youtube.cookies_file] if config.youtube.cookies_file else [],
            "write": [data / "scratch"],
            "network": True,
        },
        "speech": {"read": _folder(config.speech.model), "hub": "read"},
        "index": {
            "read": _folder(config.embedding.model),
            "write": [data / "cache"],
            "hub": "read",
        },
        "models": {"read": _folder(config.embedding.model), "hub": "write", "network": True},
    }
    without = {"read": [], "write": [], "hub": "", "network": False, "hidden": [data]}
    return {**without, **rights[name]}


def _folder(model: str) -> list[Path]:
    """A model's folder, if it is one rather than a name on the hub."""
    folder = Path(model).expanduser().absolute()
    return [folder] if folder.is_dir() else []
