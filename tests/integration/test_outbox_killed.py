"""This file kills a process that speaks, with kill -9, and looks at what people see in the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.backends.storage.store import sqlite_url
from tests.harness.file_chat import events, posts, texts

ROOT = Path(__file__).resolve().parents[2]
MOMENTS = ("after adding", "before posting", "after posting", "after saving", "after editing")

SPEAKER = """
import asyncio, sys
from pathlib import Path
from bot.chat import Draft
from bot.delivery.outbox import open_outbox
from core.backends.storage.store import open_store
from tests.harness.file_chat import FileChat, KillAt, KillableOutbox

async def main(url, path, deduplicates, moment, n):
    kill = KillAt(moment, int(n))
    chat = FileChat(Path(path), kill, deduplicates=deduplicates == "True")
    async with open_store(url) as store:
        async with open_outbox(chat, KillableOutbox(store.outbox_entries, kill)) as outbox:
            for n in range(3):
                await outbox.post("a", Draft((f"Message {n}",)), key=f"message-{n}")
            live = await outbox.grow("a", Draft(("0 %",)), key="progress", owner="job")
            await live.delivered()
            for share in ("30 %", "60 %"):
                live.show(Draft((share,)))
                await live.delivered()
            await live.finish(Draft(("Done",)))
            last = await outbox.post("a", Draft(("Last",)), key="last")
            await live.delivered(), await last.delivered()

asyncio.run(main(*sys.argv[1:]))
"""
SAID = ["Message 0", "Message 1", "Message 2", "Done", "Last"]


def speak(
    folder: Path, moment: str = "never", n: int = 0, *, deduplicates: bool
) -> subprocess.Popen[str]:
    arguments = (sqlite_url(folder / "db"), folder / "chat", deduplicates, moment, n)
    command = [sys.executable, "-W", "error", "-c", SPEAKER, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_once_at_any_moment_people_see_everything_once(tmp_path, moment):
    with speak(tmp_path, moment, 2, deduplicates=True) as process:
        assert process.wait() == -signal.SIGKILL
    with speak(tmp_path, deduplicates=True) as process:
        assert process.wait() == 0
    assert texts(tmp_path / "chat") == SAID


def test_without_keys_a_kill_between_sending_and_storing_shows_one_message_twice(tmp_path):
    with speak(tmp_path, "after posting", 2, deduplicates=False) as process:
        assert process.wait() == -signal.SIGKILL
    with speak(tmp_path, deduplicates=False) as process:
        assert process.wait() == 0
    assert texts(tmp_path / "chat") == ["Message 0", "Message 1", "Message 1", *SAID[2:]]


@pytest.mark.parametrize("deduplicates", [True, False])
def test_killed_again_and_again_at_no_chosen_moment_nothing_is_lost(tmp_path, deduplicates):
    kills = 0
    for lines in range(1, 8, 2):
        with speak(tmp_path, deduplicates=deduplicates) as process:
            while process.poll() is None and len(events(tmp_path / "chat")) < lines:
                time.sleep(0.001)
            process.kill()
            kills += process.wait() != 0
    assert kills > 1
    with speak(tmp_path, deduplicates=deduplicates) as process:
        assert process.wait() == 0
    said = texts(tmp_path / "chat")
    assert [text for text in dict.fromkeys(said) if text in SAID] == SAID
    twice = len(posts(tmp_path / "chat")) - len(SAID)
    assert twice <= (0 if deduplicates else kills)
