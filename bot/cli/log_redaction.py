"""This file keeps secrets out of the log, whoever writes them there, in whatever: libraries put a
token into addresses, and addresses into errors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bot.config import Config


class DiscreetFormatter(logging.Formatter):
    """Writes `…` for each secret. Empty ones are none."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = tuple(filter(None, secrets))

    def format(self, record: logging.LogRecord) -> str:
        written = super().format(record)
        for secret in self._secrets:
            written = written.replace(secret, "…")
        return written


def secrets_of(config: Config) -> tuple[str, ...]:
    """All that nobody may read."""
    kept = (config.discord.token, config.telegram.token, config.database_url)
    return tuple(secret.get_secret_value() for secret in kept)
