"""Receive and serve files: a bot can send 50 MB at most and download 20 MB."""

from __future__ import annotations

import mimetypes
from typing import Any

from tests.counterparts.telegram.api_check import ATTACHED
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.refusal import Refusal, breach
from tests.counterparts.telegram.world import Media, Stored, World

UPLOAD, DOWNLOAD, PHOTO = 50 * 2**20, 20 * 2**20, 10 * 2**20
PATH_S = 3600.0
"""How long a file's path stays valid."""


def sent(world: World, call: Call, kind: str) -> Media:
    """The file that the bot sends: an upload, a known id, or an address, which is recorded but
    never fetched. Raises Refusal."""
    given = call.given.get(kind, "")
    part = given.removeprefix(ATTACHED) if given.startswith(ATTACHED) else kind
    if part in call.files:
        name, content = call.files[part]
        _check_size(kind, len(content))
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Media(kind, world.store(name, content, kind, mime).id, "file")
    if given.startswith(("http://", "https://")):
        stored = world.store(given.rpartition("/")[2], b"", kind)
        return Media(kind, stored.id, "url", given)
    if given not in world.files:
        raise breach("wrong file identifier/HTTP URL specified")
    if world.files[given].kind != kind:
        raise breach("type of file mismatch")
    return Media(kind, given, "id")


def _check_size(kind: str, size: int) -> None:
    if not size:
        raise breach("file must be non-empty")
    if kind == "photo" and size > PHOTO:
        raise Refusal(f"too big for a photo: {size} bytes", 400, breach=True)
    if size > UPLOAD:
        raise Refusal("", 413, breach=True)


def get(world: World, call: Call) -> dict[str, Any]:
    """Handle getFile."""
    stored = world.files.get(call.given["file_id"])
    if stored is None:
        raise Refusal("wrong file_id or the file is temporarily unavailable")
    if stored.size > DOWNLOAD:
        raise Refusal("file is too big")
    stored.path_until = world.now() + PATH_S
    told = {"file_id": stored.id, "file_unique_id": stored.id[12:18], "file_size": stored.size}
    return {**told, "file_path": path(stored)}


def path(stored: Stored) -> str:
    number = int(stored.id[12:18])
    ending = stored.name.rpartition(".")[2] if "." in stored.name else "bin"
    return f"{stored.kind}s/file_{number}.{ending}"


def at_path(world: World, asked: str) -> Stored | None:
    for stored in world.files.values():
        if path(stored) == asked and world.now() < stored.path_until:
            return stored
    return None
