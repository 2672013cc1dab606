"""The command `eval`: the evaluation of the tests, which a wheel does not hold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from bot.cli.exit_codes import NO_CLONE

CLONE = Path(__file__).parents[2]


def evaluate(arguments: Sequence[str], clone: Path = CLONE) -> int:
    """Run the evaluation with these arguments; return its exit code."""
    if not (clone / "tests" / "eval" / "__main__.py").exists():
        typer.echo(
            "The evaluation and its texts are in a clone of the repository, not in this package."
            " Run `make setup` in a clone, then this command there.",
            err=True,
        )
        return NO_CLONE
    command = [sys.executable, "-m", "tests.eval", *arguments]
    return subprocess.run(command, cwd=clone, check=False).returncode
