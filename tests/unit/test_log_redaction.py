"""This file holds that no secret gets into the log."""

from __future__ import annotations

import json
import logging
import sys

from pydantic import SecretStr

from bot.cli.log_redaction import JsonFormatter, RedactingFormatter, secrets_of
from bot.config import Config, Discord, Telegram
from core.config import Llm, YouTube
from core.log_records import LineFormatter, about, read_line

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


def read(record: logging.LogRecord, *secrets: str) -> dict[str, str]:
    """What the JSON log says of a record; one line of it."""
    written = JsonFormatter(secrets).format(record)
    assert len(written.splitlines()) == 1
    return json.loads(written)


def test_a_line_of_the_json_log_is_one_object_with_the_traceback_in_a_field():
    try:
        raise OSError("no\u2028space")
    except OSError:
        failed = sys.exc_info()
    said = read(logging.LogRecord("core.x", logging.WARNING, "", 1, "as %s", ("사과",), failed))
    assert said.keys() == {"time", "level", "logger", "event", "error"}
    assert said["time"].endswith("+00:00")
    assert (said["level"], said["logger"], said["event"]) == ("WARNING", "core.x", "as 사과")
    assert said["error"].startswith("Traceback")
    assert said["error"].endswith("OSError: no\u2028space")


def test_a_secret_that_json_writes_in_another_way_is_left_out_too():
    secret = 'p"a\\ss\n1'
    try:
        raise OSError(secret)
    except OSError:
        failed = sys.exc_info()
    record = logging.LogRecord("x", logging.INFO, "", 1, "with %s", (secret,), failed)
    said = read(record, secret)
    assert said["event"] == "with …"
    assert said["error"].endswith("OSError: …")


def test_what_a_job_is_about_stands_in_fields():
    record = logging.LogRecord("x", logging.INFO, "", 1, "slow", (), None)
    record.child = "speech"
    with about(job="abc-1", video="abc"):
        said = read(record)
    assert (said["job"], said["video"], said["child"]) == ("abc-1", "abc", "speech")
    assert not read(record).keys() & {"job", "video"}


def test_a_record_of_a_child_is_read_as_it_was_and_always_in_one_line():
    try:
        raise ValueError("x" * 9000)
    except ValueError:
        failed = sys.exc_info()
    record = logging.LogRecord("core.y", logging.ERROR, "", 1, "가" * 9000, (), failed)
    written = LineFormatter().format(record).encode()
    assert len(written) < 65_536
    line = read_line(written)
    assert line
    assert (line.level, line.logger, line.event[:1]) == ("ERROR", "core.y", "가")
    assert line.error.endswith("xxx")


def test_what_no_child_of_ours_has_logged_is_no_record():
    for line in (b"Loading weights", b"[" * 8000, b"7", b'{"level": 1}', b"\xff"):
        assert read_line(line) is None
