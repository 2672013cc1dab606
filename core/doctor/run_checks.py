"""This file has every check made, each within its limit of time, and none stopping another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.config import Core
from core.doctor.language_model import language_model, ollama
from core.doctor.machine import data_folder, disk, gpu, python
from core.doctor.models import embedder, speech_model
from core.doctor.store import caches, store
from core.doctor.youtube import javascript, yt_dlp
from core.errors import CoreError
from core.model import Check

log = logging.getLogger(__name__)

LIMIT_S = 15.0
"""Most take a blink, the children one or two seconds, reading a store of gigabytes some more."""

Checking = Callable[[Core], Awaitable[Check | None]]

ROUNDS: tuple[dict[str, Checking], ...] = (
    {
        "python": python,
        "javascript": javascript,
        "yt_dlp": yt_dlp,
        "gpu": gpu,
        "speech_model": speech_model,
        "embedder": embedder,
        "ollama": ollama,
        "language_model": language_model,
        "data_folder": data_folder,
        "disk": disk,
        "store": store,
    },
    {"caches": caches},  # later: only one at a time brings a new store into shape
)


async def examine(
    config: Core, rounds: Sequence[Mapping[str, Checking]] = ROUNDS, limit_s: float = LIMIT_S
) -> list[Check]:
    """What was found, in the order of the checks; those of one round are made at once."""
    found: list[Check] = []
    for checks in rounds:
        made = (_within(limit_s, check(config)) for check in checks.values())
        results = await asyncio.gather(*made, return_exceptions=True)
        judged = map(_judge, checks, results)
        found += [check for check in judged if check is not None]
    return found


async def _within(limit_s: float, check: Awaitable[Check | None]) -> Check | None:
    async with asyncio.timeout(limit_s):
        return await check


def _judge(name: str, result: Check | BaseException | None) -> Check | None:
    """A check that raised has failed, and so has one without an end: others would wait as well."""
    if not isinstance(result, BaseException):
        return result
    if isinstance(result, TimeoutError):
        return Check(name, "fail", "slow")
    if not isinstance(result, CoreError):
        log.error("unforeseen in the check of %s", name, exc_info=result)
    return Check(name, "fail", error=result)
