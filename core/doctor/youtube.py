"""Check what YouTube needs: a recent yt-dlp, its solver, and a JavaScript runtime.

Only the fetch child imports yt-dlp.
"""

from __future__ import annotations

import re
import shutil
import sysconfig
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path

from core.config import Core
from core.doctor.probes import run_program
from core.model import Check, Fact

DENO = (2, 3)
"""yt-dlp's own minimum. Node and Bun don't count: yt-dlp uses them only if told to, and
youtube/options.py does not tell it to."""

OLD_DAYS, TOO_OLD_DAYS = 90, 180
"""Nearly every release repairs YouTube, but gaps between releases reach 84 days, and yt-dlp itself
first warns at 90. Half a year means a dozen missed releases."""


async def javascript(config: Core) -> Check:
    """Check Deno where yt-dlp looks for it: beside Python, then on the PATH."""
    own = Path(sysconfig.get_path("scripts"), "deno")
    found = str(own) if own.is_file() else shutil.which("deno")
    return judge_deno(await run_program(found, "--version") if found else None)


def judge_deno(output: str | None) -> Check:
    """Judge the output of `deno --version`; None means that Deno did not run."""
    minimum = ".".join(map(str, DENO))
    found = re.match(r"deno (\d+)\.(\d+)\S*", output or "")
    if found is None:
        return Check("javascript", "fail", "missing", {"minimum": minimum})
    facts = {"version": found[0].removeprefix("deno "), "minimum": minimum}
    if (int(found[1]), int(found[2])) < DENO:
        return Check("javascript", "fail", "too_old", facts)
    return Check("javascript", "ok", facts=facts)


async def yt_dlp(config: Core) -> Check:
    """Check the age of yt-dlp, and that the solver it requires is installed."""
    try:
        version = metadata.version("yt-dlp")
    except metadata.PackageNotFoundError:
        return Check("yt_dlp", "fail", "missing")
    try:
        solver = metadata.version("yt-dlp-ejs")
    except metadata.PackageNotFoundError:
        solver = ""
    required = " ".join(metadata.requires("yt-dlp") or ())
    wanted = re.search(r"yt-dlp-ejs==([\d.]+)", required)
    return judge_yt_dlp(version, solver, wanted[1] if wanted else solver, datetime.now(UTC).date())


def judge_yt_dlp(version: str, solver: str, wanted: str, today: date) -> Check:
    """Judge yt-dlp by its `version`, a date. The solver must match `wanted` in two numbers."""
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
