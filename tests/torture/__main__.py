"""`make torture`: faults by the hundred, each from a printed seed.

    python -m tests.torture [NAME …] [--rounds N] [--seed N]

A module of this folder offers `async def round(folder, seed) -> str`: it injects faults in an empty
folder, raises if a promise is broken, and returns what it did. CI runs one round of each: the tests
with their names.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import sys
import tempfile
from pathlib import Path
from types import ModuleType

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
        for seed in range(asked.seed, asked.seed + rounds):
            failed += not _round(name, seed)
    return int(bool(failed))


def _round(name: str, seed: int) -> bool:
    """Return whether all promises were kept."""
    module = _module(name)
    with tempfile.TemporaryDirectory(prefix="tubethread-torture-") as folder:
        try:
            print(f"{name} --seed {seed}: {asyncio.run(module.round(Path(folder), seed))}")
        except Exception as error:  # noqa: BLE001  (whatever fails, the rounds continue)
            notes = " ".join(getattr(error, "__notes__", ()))
            print(f"{name} --seed {seed}: FAILED {error!r} {notes}", flush=True)
            return False
    return True


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"tests.torture.{name}")


if __name__ == "__main__":
    sys.exit(main())
