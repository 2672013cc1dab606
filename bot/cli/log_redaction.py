"""Remove secrets from the log. Libraries put tokens into URLs, and URLs into error messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bot.config import Config


class RedactingFormatter(logging.Formatter):
    """Replace each non-empty secret with `…`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = tuple(filter(None, secrets))

    def format(self, record: logging.LogRecord) -> str:
        written = super().format(record)
        for secret in self._secrets:
            written = written.replace(secret, "…")
        return written


def secrets_of(config: Config) -> tuple[str, ...]:
    """The configured secrets: tokens, and the database URL with its password."""
    kept = (config.discord.token, config.telegram.token, config.database_url)
    return tuple(secret.get_secret_value() for secret in kept)
