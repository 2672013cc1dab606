"""The command `doctor`: the core's checks, and those of each chat platform with a token."""

from __future__ import annotations

from bot.cli.output import Output
from bot.config import Config
from core.doctor.run_checks import examine
from core.model import Check


async def doctor(config: Config, output: Output) -> int:
    """Output the results of all checks. Return 1 if one failed, otherwise 0."""
    checks = [*await examine(config), check_tokens(config), *await _platforms(config)]
    output.checks(checks)
    return int(any(check.status == "fail" for check in checks))


async def _platforms(config: Config) -> list[Check]:
    """Checks of the platforms that have a token."""
    checks = []
    # Imported here because each import takes 0.5 s.
    if config.discord.token.get_secret_value():
        from bot.discord_adapter.doctor_checks import check_discord

        checks += await check_discord(config.discord)
    if config.telegram.token.get_secret_value():
        from bot.telegram_adapter.doctor_checks import check_telegram

        checks += await check_telegram(config.telegram)
    return checks


def check_tokens(config: Config) -> Check:
    """Check which platforms have a token. The check never contains the token."""
    platforms = {"Discord": config.discord.token, "Telegram": config.telegram.token}
    names = [name for name, token in platforms.items() if token.get_secret_value()]
    if not names:
        return Check("tokens", "warn", "none")
    return Check("tokens", "ok", facts={"platforms": ", ".join(names)})
