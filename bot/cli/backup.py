"""The commands `backup` and `restore`, which work even if the core can't be opened."""

from __future__ import annotations

from pathlib import Path

from bot.cli.commands import Outcome
from bot.config import Config
from core.backup import backup_restore


async def backup(config: Config, outcome: Outcome, target: Path) -> int:
    """Back up the store to `target`. Return the exit code."""
    with outcome.reporting_errors():
        outcome.output.backed_up(target.name, await backup_restore.back_up(config, target))
    return outcome.exit_code


async def restore(config: Config, outcome: Outcome, source: Path | None) -> int:
    """Restore `source`, or the newest automatic backup. Return the exit code."""
    with outcome.reporting_errors():
        outcome.output.restored(*await backup_restore.restore(config, source))
    return outcome.exit_code
