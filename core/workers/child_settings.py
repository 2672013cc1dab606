"""Each kind of child process with its own part of the settings."""

from __future__ import annotations

from core.config import Core
from core.workers.limits import ChildLimits, ChildName
from core.workers.supervisor import ChildSupervisor

_MEGABYTE = 1024 * 1024
_MODEL_OR_INDEX_BYTES = 8 * 1024 * _MEGABYTE


def make_supervisor(limits: ChildLimits, config: Core) -> ChildSupervisor:
    """Make the supervisor of a child that knows the settings of its kind and no others.

    `max_file_bytes` bounds every file that the child writes."""
    settings: dict[ChildName, dict[str, object]] = {
        "fetch": {
            "youtube": config.youtube,
            "limits": config.limits,
            "max_file_bytes": (config.limits.max_megabytes + 1) * _MEGABYTE,
        },
        # It may download its model.
        "speech": {
            "speech": config.speech,
            "limits": config.limits,
            "max_file_bytes": _MODEL_OR_INDEX_BYTES,
        },
        "index": {
            "embedding": config.embedding,
            "cache": config.data_dir / "cache",
            "max_file_bytes": _MODEL_OR_INDEX_BYTES,
        },
    }
    return ChildSupervisor(limits, settings[limits.name])
