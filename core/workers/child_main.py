"""A child process's program: give up rights, then serve requests by the backends of one role.

    python -m core.workers.child_main fetch | speech | index | models

The first line of standard input holds the settings, every further line one request. At the end of
the input the process ends, with every process that it started. See child_server.py.

It imports nothing large: libraries such as numpy start threads, and a thread that runs before
`confine` keeps all rights.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.log_records import LineFormatter
from core.sandbox import confine

log = logging.getLogger(__name__)

_BACKENDS = "core.workers.child_backends"


def main(role: str, module: str = _BACKENDS) -> None:
    """Serve what `module.build(role, setup)` makes."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    _lower_priority()
    # Libraries print to standard output, which must not mix with replies: send that to stderr.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    setup = json.loads(sys.stdin.buffer.readline())
    limit = setup["max_file_bytes"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # Chroma once grew a file to 470 GB
    if places := setup.get("places"):
        _confine(places, module)
    server = import_module("core.workers.child_server")
    server.serve(role, setup, lambda: import_module(module).build(role, setup), out)


def _lower_priority() -> None:
    """Nice the child and make it the OOM killer's first choice."""
    os.nice(5)
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text("500")


def _confine(places: dict[str, Any], module: str) -> None:
    """Leave the child only the files that it needs. `places`: see child_settings.py."""
    if not places["network"]:
        os.environ["HF_HUB_OFFLINE"] = "1"  # do not try, and do not wait
    read, write = _folders(places)
    package = find_spec(module.partition(".")[0])
    read += map(Path, (package and package.submodule_search_locations) or ())
    if write:
        os.environ["TMPDIR"] = str(write[0])
    try:
        if not confine(read, write, map(Path, places["hidden"]), network=places["network"]):
            log.info("this kernel has no Landlock")
    except OSError:  # a container may forbid it; without it the child is as it always was
        log.warning("not confined", exc_info=True)


def _folders(places: dict[str, Any]) -> tuple[list[Path], list[Path]]:
    """Return where the child may read, and where it may also write."""
    read, write = (list(map(Path, places[right])) for right in ("read", "write"))
    # A model's folder often holds links to the hub's files.
    read += [link.resolve() for path in read for link in path.rglob("*") if link.is_symlink()]
    if places["hub"]:
        # Imported here: it reads HF_HUB_OFFLINE.
        hub = import_module("core.backends.huggingface_cache")
        folders = hub.folders()
        for folder in folders:  # what is not there yet could not be read later
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
        links = (entry for folder in folders if folder.is_dir() for entry in folder.iterdir())
        folders += [link.resolve() for link in links if link.is_symlink()]
        if places["hub"] == "write":
            return read + hub.tokens(), write + folders
        read += folders
    return read, write


if __name__ == "__main__":
    main(*sys.argv[1:])
