"""This file checks what YouTube needs: a fresh yt-dlp, its solver, and a JavaScript runtime.

yt-dlp itself is not imported: only the fetch child does that.
"""

from __future__ import annotations

import re
import shutil
import sysconfig
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path

from core.config import Core
from core.doctor.probes import ask_program
from core.model import Check, Fact

DENO = (2, 3)
"""yt-dlp's own minimum. Node and Bun do not count: yt-dlp takes them only where it is told to, and
youtube/options.py does not."""

OLD_DAYS, TOO_OLD_DAYS = 90, 180
"""Nearly every release repairs YouTube, but for up to 84 days there was none: until then there may
be nothing to update to, and yt-dlp itself first complains at 90. Half a year is a dozen missed."""


async def javascript(config: Core) -> Check:
    """Deno, found where yt-dlp finds it: beside Python, then on the PATH."""
    own = Path(sysconfig.get_path("scripts"), "deno")
    found = str(own) if own.is_file() else shutil.which("deno")
    return judge_deno(await ask_program(found, "--version") if found else None)


def judge_deno(told: str | None) -> Check:
    """`told`: what `deno --version` prints, None where there is none that runs."""
    minimum = ".".join(map(str, DENO))
    found = re.match(r"deno (\d+)\.(\d+)\S*", told or "")
    if found is None:
        return Check("javascript", "fail", "missing", {"minimum": minimum})
    facts = {"version": found[0].removeprefix("deno "), "minimum": minimum}
    if (int(found[1]), int(found[2])) < DENO:
        return Check("javascript", "fail", "too_old", facts)
    return Check("javascript", "ok", facts=facts)


async def yt_dlp(config: Core) -> Check:
    """Its age, and whether the solver it asks for is beside it."""
    try:
        version = metadata.version("yt-dlp")
    except metadata.PackageNotFoundError:
        return Check("yt_dlp", "fail", "missing")
    try:
        solver = metadata.version("yt-dlp-ejs")
    except metadata.PackageNotFoundError:
        solver = ""
    asked = " ".join(metadata.requires("yt-dlp") or ())
    wanted = re.search(r"yt-dlp-ejs==([\d.]+)", asked)
    return judge_yt_dlp(version, solver, wanted[1] if wanted else solver, datetime.now(UTC).date())


def judge_yt_dlp(version: str, solver: str, wanted: str, today: date) -> Check:
    """`version` is yt-dlp's, a date. A `solver` serves if its first two numbers are `wanted`'s."""
    year, month, day = map(int, version.split(".")[:3])
    days = max((today - date(year, month, day)).days, 0)
    facts: dict[str, Fact] = {
        "version": version,
        "days": days,
        "solver": solver,
        "wanted": wanted,
    }
    if not solver:
        return Check("yt_dlp", "fail", "no_solver", facts)
    if solver.split(".")[:2] != wanted.split(".")[:2]:
        return Check("yt_dlp", "fail", "other_solver", facts)
    return _judge_age(days, facts)


def _judge_age(days: int, facts: dict[str, Fact]) -> Check:
    if days > TOO_OLD_DAYS:
        return Check("yt_dlp", "fail", "too_old", facts)
    if days > OLD_DAYS:
        return Check("yt_dlp", "warn", "old", facts)
    return Check("yt_dlp", "ok", facts=facts)
