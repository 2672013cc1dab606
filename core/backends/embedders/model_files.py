"""Where an embedding model's files are, and the prompts that it was trained with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import huggingface_hub

from core.errors import EmbedderMissing
from core.ports import Kind

_PACKAGE = "package:"
_HUB_TIMEOUT_S = 5.0
_PROMPTS: dict[Kind, tuple[str, ...]] = {
    "question": ("query",),
    "passage": ("passage", "document", "corpus"),
}
_E5_PROMPTS: dict[Kind, str] = {"question": "query: ", "passage": "passage: "}


def find_folder(name: str) -> str | None:
    """Return the model's folder, or None for a name on the hub.

    `package:NAME` is a folder inside the installed Python package NAME.
    Raises FileNotFoundError."""
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


def check_hub(name: str) -> str:
    """Ask the hub, in one bounded request, whether it has the model; return its repository there.

    The libraries themselves retry for minutes. Raises what huggingface_hub raises."""
    repository = name if "/" in name else f"sentence-transformers/{name}"
    huggingface_hub.HfApi().model_info(repository, timeout=_HUB_TIMEOUT_S)
    return repository


def ask_hub(name: str) -> None:
    """Ask the hub whether it has the model, unless that is a folder. Raises EmbedderMissing within
    seconds."""
    try:
        if find_folder(name) is None:
            check_hub(name)
    except Exception as error:  # errors of the hub, the network and the disk
        raise EmbedderMissing(name) from error


def choose_prompt(prompts: Mapping[str, str], name: str, kind: Kind) -> str:
    """Return the prefix that the model was trained with: one of its own `prompts`, or E5's."""
    own = next((prompts[key] for key in _PROMPTS[kind] if prompts.get(key)), "")
    is_e5 = re.search(r"\be5-(?!.*instruct)", Path(name).name.lower())
    return own or (_E5_PROMPTS[kind] if is_e5 and not any(prompts.values()) else "")
