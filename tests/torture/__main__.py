"""`make torture`: faults by the hundred, each from a printed seed.

    python -m tests.torture [NAME …] [--rounds N] [--seed N]

A module of this folder offers `async def round(folder, seed) -> str`: it injects faults in an empty
folder, raises if a promise is broken, and returns what it did. CI runs one round of each: the tests
with their names. A whole run (neither --rounds nor --seed) writes the module's section of
docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from tests.bench import reliability_page

RELIABILITY = Path(__file__).parents[2] / "docs" / "reliability.md"
ROUNDS = 10


def main() -> int:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(prog="make torture", description="Breaks what it can.")
    parser.add_argument("names", nargs="*", choices=[*names, []], metavar="NAME")
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS}, or as many as the module says")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    asked = parser.parse_args()
    logging.disable()
    failed = 0
    for name in asked.names or names:
        rounds = asked.rounds or getattr(_module(name), "ROUNDS", ROUNDS)
        began = time.monotonic()
        outcomes = [_round(name, seed) for seed in range(asked.seed, asked.seed + rounds)]
        failed += sum(outcome.startswith("FAILED") for outcome in outcomes)
        if not (asked.rounds or asked.seed):
            _write(name, outcomes, time.monotonic() - began)
    return int(bool(failed))


def _round(name: str, seed: int) -> str:
    """Return what was done; "FAILED" and why where a promise was broken."""
    module = _module(name)
    with tempfile.TemporaryDirectory(prefix="tubethread-torture-") as folder:
        try:
            outcome = str(asyncio.run(module.round(Path(folder), seed)))
        except Exception as error:  # noqa: BLE001  (whatever fails, the rounds continue)
            outcome = f"FAILED {error!r} {' '.join(getattr(error, '__notes__', ()))}"
    print(f"{name} --seed {seed}: {outcome}", flush=True)
    return outcome


def _write(name: str, outcomes: list[str], seconds: float) -> None:
    page = RELIABILITY.read_text("utf-8") if RELIABILITY.exists() else ""
    about = _module(name).__doc__ or ""
    page = reliability_page.document(page, name, about, outcomes, seconds=seconds)
    RELIABILITY.write_text(page, encoding="utf-8")


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"tests.torture.{name}")


if __name__ == "__main__":
    sys.exit(main())
