"""This file is the commands `backup` and `restore`: they must work where no core can be opened."""

from __future__ import annotations

from pathlib import Path

from bot.cli.commands import Outcome
from bot.config import Config
from core.backup import backup_restore


async def backup(config: Config, outcome: Outcome, target: Path) -> int:
    """The exit code, after the store was copied into `target`."""
    with outcome.telling():
        outcome.output.backed_up(target.name, await backup_restore.back_up(config, target))
    return outcome.exit_code


async def restore(config: Config, outcome: Outcome, source: Path | None) -> int:
    """The exit code, after `source`, or the newest copy kept, was put back."""
    with outcome.telling():
        outcome.output.restored(*await backup_restore.restore(config, source))
    return outcome.exit_code
