"""Query the Ollama server: its version and loaded models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult

import httpx
from ollama import AsyncClient

from core.errors import OllamaTooOld
from core.language_model.server_address import is_loopback, login, without_login

MINIMUM = "0.17.1"
"""The first version without CVE-2026-7482, which lets anybody read the server's memory."""
RECOMMENDED = "0.31.2"
"""Before it, a JSON schema could be ignored while thinking is off."""
CONNECT_S, DEFAULT_PORT = 5.0, 11434
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-rc\d*)?")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts about the server and the model. `context_length`: the model's maximum, 0 if unknown.
    `size_vram`: its bytes on the GPU."""

    version: str
    context_length: int
    is_loaded: bool
    size_vram: int
    is_loopback: bool


def connect(address: SplitResult) -> AsyncClient:
    """Create a client without a read timeout. Sends nothing yet."""
    return AsyncClient(
        host=without_login(address),
        auth=login(address),
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        trust_env=not is_loopback(address),  # a proxy cannot reach our loopback
    )


async def look(client: AsyncClient, address: SplitResult, model: str) -> ModelFacts:
    """Query the version and the model. Raises OllamaTooOld and the client's errors."""
    answer = await client._request_raw("GET", "/api/version")  # type: ignore[no-untyped-call]
    version = str(answer.json()["version"])
    if not is_at_least(version, MINIMUM):
        raise OllamaTooOld(version, MINIMUM)
    about = (await client.show(model)).modelinfo or {}
    size_vram = await loaded(client, model)
    return ModelFacts(
        version=version,
        context_length=int(about.get(f"{about.get('general.architecture')}.context_length", 0)),
        is_loaded=size_vram is not None,
        size_vram=size_vram or 0,
        is_loopback=is_loopback(address),
    )


async def loaded(client: AsyncClient, model: str) -> int | None:
    """Return the model's bytes on the GPU, or None if it is not in memory."""
    names = (model, f"{model}:latest")
    sizes = [int(m.size_vram or 0) for m in (await client.ps()).models if m.model in names]
    return sum(sizes) if sizes else None


def is_at_least(version: str, minimum: str) -> bool:
    """A release candidate is older than its release; an unreadable version is too old.

    >>> [is_at_least(version, "0.17.1") for version in ("0.33.0-rc2", "0.17.1-rc0", "0.9.5")]
    [True, False, False]
    """
    found = _VERSION.match(version)
    if found is None:
        return False
    numbers, least = tuple(map(int, found.groups()[:3])), tuple(map(int, minimum.split(".")))
    return numbers > least or (numbers == least and not found[4])
