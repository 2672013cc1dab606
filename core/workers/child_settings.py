"""Each kind of child process with its own part of the settings."""

from __future__ import annotations

from core.config import Core
from core.workers.limits import ChildLimits, ChildName
from core.workers.supervisor import MODULE, ChildSupervisor

_MEGABYTE = 1024 * 1024
_MODEL_OR_INDEX_BYTES = 8 * 1024 * _MEGABYTE


def make_supervisor(limits: ChildLimits, config: Core, module: str = MODULE) -> ChildSupervisor:
    """Make the supervisor of a child that knows the settings of its kind and no others.

    `max_file_bytes` bounds every file that the child writes. `places`: the only files that the
    fetch child, which speaks with the network, may use. The other two may download models, to
    places that their libraries choose, and the speech child is given files from anywhere; the
    thread in which it decodes them may read that one file."""
    settings: dict[ChildName, dict[str, object]] = {
        "fetch": {
            "youtube": config.youtube,
            "limits": config.limits,
            "max_file_bytes": (config.limits.max_megabytes + 1) * _MEGABYTE,
            "places": {
                "read": [config.youtube.cookies_file] if config.youtube.cookies_file else [],
                "write": [(config.data_dir / "scratch").absolute()],
            },
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
    return ChildSupervisor(limits, settings[limits.name], module)
