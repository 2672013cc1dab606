"""The log's lines, without secrets: libraries put tokens into URLs, and URLs into error messages.

Both formats are the standard library's work: a package for JSON lines would escape a secret before
we could find it.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import unquote

from bot.config import Config
from core.log_records import about_record, log_line
from core.text.display import to_json

_USER_INFO = re.compile(r"(?:[\w+.-]+://)?([^/?#]+)@")


class RedactingFormatter(logging.Formatter):
    """Replace each non-empty secret with `…`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = tuple(filter(None, secrets))

    def format(self, record: logging.LogRecord) -> str:
        return self.redacted(super().format(record))

    def redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text


class JsonFormatter(RedactingFormatter):
    """One JSON object a line: `time` (UTC), `level`, `logger`, `event`, and where there is one
    `job`, `video`, `channel`, `child`, and `error`, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        values = {"time": time, **asdict(log_line(record)), **about_record(record)}
        # Before it is JSON, which would write a quotation mark in a secret in another way.
        return to_json({name: self.redacted(str(v)) for name, v in values.items() if v})


def secrets_of(config: Config, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The secrets of the settings and of the environment's proxies: tokens, keys, the database's
    URL, and user names and passwords in URLs. Longer ones stand first."""
    tokens = (config.discord.token, config.telegram.token, config.llm.api_key, config.database_url)
    secrets = {token.get_secret_value() for token in tokens}
    proxies = (value for name, value in environment.items() if name.lower().endswith("_proxy"))
    urls = (config.youtube.proxy, config.llm.url, config.database_url.get_secret_value(), *proxies)
    for url in urls:
        secrets.update(_credentials(url))
    return tuple(sorted(filter(None, secrets), key=len, reverse=True))


def _credentials(url: str) -> set[str]:
    """
    >>> sorted(_credentials("socks5://me:p%40ss@proxy.example:1080"))
    ['me:p%40ss', 'p%40ss', 'p@ss']
    """
    found = _USER_INFO.match(url)
    if not found:
        return set()
    password = found[1].partition(":")[2]
    return {found[1], password, unquote(password)}
