"""This file holds that no secret gets into the log."""

from __future__ import annotations

import logging
import sys

from pydantic import SecretStr

from bot.cli.log_redaction import RedactingFormatter, secrets_of
from bot.config import Config, Discord, Telegram
from core.config import Llm, YouTube

TOKENS = ("123:abc", "t0ken")
CONFIG = Config(
    discord=Discord(token=SecretStr(TOKENS[1])), telegram=Telegram(token=SecretStr(TOKENS[0]))
)


def test_neither_a_message_nor_the_error_below_it_tells_a_secret():
    try:
        raise OSError(f"https://api.example/bot{TOKENS[0]}/getMe")
    except OSError:
        failed = sys.exc_info()
    record = logging.LogRecord("x", logging.INFO, "", 1, "as %s", (TOKENS[1],), failed)
    written = RedactingFormatter(secrets_of(CONFIG)).format(record)
    assert not any(token in written for token in TOKENS)
    assert "as …" in written
    assert "bot…/getMe" in written


def test_passwords_in_addresses_are_left_out():
    config = Config(
        youtube=YouTube(proxy="socks5://ada:p%40ss@proxy.example:1080"),
        llm=Llm(url="http://key-of-ada@llm.example:8000/v1", api_key=SecretStr("sk-1")),
        database_url=SecretStr("postgresql+psycopg://bot:db-word@db.example/bot"),
    )
    proxies = {"https_proxy": "http://ada:of-the-house@proxy.example", "NO_PROXY": "localhost"}
    message = (
        "via socks5://ada:p%40ss@proxy.example:1080 (p@ss) and of-the-house, "
        "http://key-of-ada@llm.example:8000/v1 with sk-1, password db-word, not localhost"
    )
    record = logging.LogRecord("x", logging.INFO, "", 1, message, (), None)
    written = RedactingFormatter(secrets_of(config, proxies)).format(record)
    assert written.endswith(
        "via socks5://…@proxy.example:1080 (…) and …, "
        "http://…@llm.example:8000/v1 with …, password …, not localhost"
    )


def test_without_secrets_nothing_is_left_out():
    record = logging.LogRecord("x", logging.INFO, "", 1, "all of it", (), None)
    assert RedactingFormatter(secrets_of(Config(), {})).format(record).endswith("INFO x all of it")
