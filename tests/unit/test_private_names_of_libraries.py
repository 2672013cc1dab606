"""The undocumented names of libraries that our code uses: an update that drops one fails here.

`PRIVATE` lists each name by the file that uses it. The last three tests read the source of `bot`
and `core` and fail for a name that the list lacks. They cannot see a name that is spelled inside a
string (aiosqlite's thread) or an undocumented attribute without an underscore, except below
`discord.Client.http`.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PRIVATE = {
    "bot/discord_adapter/command_registration.py": (
        "discord.http:Route",
        "discord.http:HTTPClient.request",
        "discord.http:HTTPClient.bulk_upsert_global_commands",
    ),
    "bot/discord_adapter/connect.py": (
        "discord.http:Route.BASE",
        "discord.http:HTTPClient.close",
        "discord.gateway:DiscordWebSocket.DEFAULT_GATEWAY",
    ),
    "bot/discord_adapter/doctor_checks.py": ("discord.http:HTTPClient.get_guilds",),
    "bot/discord_adapter/errors.py": ("discord.http:HTTPClient._global_over",),
    "bot/telegram_adapter/updates.py": ("telegram:Bot._post",),
    "core/backends/chroma/vector_index.py": (
        "chromadb.api.shared_system_client:SharedSystemClient.clear_system_cache",
    ),
    "core/backends/embedders/sentence_embedder.py": (
        "huggingface_hub.utils.tqdm:disable_progress_bars",
    ),
    "core/backends/ollama/client.py": ("ollama:AsyncClient._request",),
    "core/backends/ollama/server.py": ("ollama:AsyncClient._request_raw",),
    "core/backends/storage/database.py": ("aiosqlite.core:_connection_worker_thread",),
    "core/backends/storage/outbox.py": ("sqlalchemy:Row._mapping",),
    "core/backends/whisper/transcriber.py": (
        "faster_whisper.vad:VadOptions",
        "faster_whisper.vad:get_speech_timestamps",
    ),
    "core/backends/youtube/fetcher.py": ("yt_dlp.globals:plugin_dirs",),
}
DOCUMENTED_MODULES = {
    *("alembic.config", "alembic.util", "chromadb.config", "numpy.typing"),
    *("prometheus_client.core", "prometheus_client.registry"),
    *("rich.cells", "rich.console", "rich.live", "rich.progress", "rich.table", "rich.text"),
    *("sqlalchemy.dialects", "sqlalchemy.exc", "sqlalchemy.ext.asyncio", "sqlalchemy.types"),
    *("telegram.constants", "telegram.error", "telegram.request", "transformers.utils.logging"),
    *("yt_dlp.networking.exceptions", "yt_dlp.utils"),
}
STANDARD_LIBRARY = {"_exit", "_replace"}
"""`os._exit`, and `_replace` of named tuples."""


@pytest.mark.parametrize("name", sorted({name for names in PRIVATE.values() for name in names}))
def test_the_library_still_has_the_name(name: str) -> None:
    module, _, path = name.partition(":")
    *owners, last = path.split(".")
    owner: object = reduce(getattr, owners, importlib.import_module(module))
    assert hasattr(owner, last) or last in _set_in_init(owner)


@pytest.mark.parametrize("path", PRIVATE)
def test_the_file_still_uses_its_names(path: str) -> None:
    source = (ROOT / path).read_text()
    assert [name for name in PRIVATE[path] if _last(name) not in source] == []


def test_every_name_with_an_underscore_is_listed() -> None:
    found = {
        (path, node.attr)
        for path, node in _attributes()
        if node.attr.startswith("_") and not node.attr.startswith("__") and not _is_ours(node)
    }
    assert found
    assert {each for each in found if each[1] not in STANDARD_LIBRARY} <= _listed()


def test_every_call_below_discord_py_s_client_is_listed() -> None:
    found = {
        (path, node.attr)
        for path, node in _attributes()
        if isinstance(node.value, ast.Attribute) and node.value.attr == "http"
    }
    assert found
    assert found <= _listed()


def test_every_import_from_inside_a_library_is_listed_or_documented() -> None:
    listed = {(path, name.partition(":")[0]) for path, names in PRIVATE.items() for name in names}
    found = {
        (path, node.module)
        for path, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and "." in node.module
        if node.module.partition(".")[0] not in {"bot", "core", *sys.stdlib_module_names}
        if node.module not in DOCUMENTED_MODULES
    }
    assert found
    assert found <= listed


def _set_in_init(owner: object) -> tuple[str, ...]:
    code = getattr(owner.__init__, "__code__", None)  # type: ignore[misc]
    return code.co_names if code else ()


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("bot", "core"):
        for path in (ROOT / folder).rglob("*.py"):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def _attributes() -> Iterator[tuple[str, ast.Attribute]]:
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                yield path, node


def _is_ours(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _listed() -> set[tuple[str, str]]:
    return {(path, _last(name)) for path, names in PRIVATE.items() for name in names}


def _last(name: str) -> str:
    """
    >>> _last("telegram:Bot._post")
    '_post'
    """
    return name.rpartition(":")[2].rpartition(".")[2]
