"""A Telegram counterpart with faults for each test file, and a bot that must not leak its token."""

from __future__ import annotations

import logging

import pytest

from bot.cli.run_command import silence_libraries
from tests.counterparts.telegram.server import TOKEN, TelegramServer
from tests.harness.telegram_visit import staged

THEIRS = ("aiohttp.access",)
"""The counterpart's own logger."""


@pytest.fixture(scope="module")
def platform():
    with TelegramServer(chat_s=0, group_s=0, overall_s=0, retry_s=0.02, conflict_s=0.1) as platform:
        yield platform
        assert platform.refused == []


@pytest.fixture(autouse=True)
def no_token(platform, caplog, tmp_path):
    """Check that the token is in no log, no message and no file."""
    caplog.set_level(logging.DEBUG)
    silence_libraries()
    before = len(platform.calls)
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call"), *caplog.records]
    logged = [logging.Formatter().format(one) for one in records if one.name not in THEIRS]
    sent = [str((call.given, call.files)) for call in platform.calls[before:]]
    kept = [str(path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()]
    assert sent
    secret = TOKEN.partition(":")[2]
    assert [one for one in (*logged, *sent, *kept) if secret in one] == []


@pytest.fixture
async def stage(platform, tmp_path):
    async with staged(platform, tmp_path) as stage:
        yield stage
