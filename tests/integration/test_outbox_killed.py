"""Kill a process with kill -9 while it posts messages, and check what users see in the end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from core.backends.storage.store import sqlite_url
from tests.harness.file_chat import KillAt, events, posts, texts
from tests.harness.forks import fork_context
from tests.harness.outbox_process import SAID, speak

MOMENTS = ("after adding", "before posting", "after posting", "after saving", "after editing")


@contextmanager
def speaking(
    folder: Path, moment: str = "never", n: int = 0, *, deduplicates: bool
) -> Iterator[BaseProcess]:
    process = fork_context().Process(
        target=speak,
        args=(sqlite_url(folder / "db"), folder / "chat", KillAt(moment, n)),
        kwargs={"deduplicates": deduplicates},
    )
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def end(process: BaseProcess) -> int | None:
    """Wait for the process and return its exit code; a negative one is the signal."""
    process.join()
    return process.exitcode


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_once_at_any_moment_people_see_everything_once(tmp_path, moment):
    with speaking(tmp_path, moment, 2, deduplicates=True) as process:
        assert end(process) == -signal.SIGKILL
    with speaking(tmp_path, deduplicates=True) as process:
        assert end(process) == 0
    assert texts(tmp_path / "chat") == SAID


def test_without_keys_a_kill_between_sending_and_storing_shows_one_message_twice(tmp_path):
    with speaking(tmp_path, "after posting", 2, deduplicates=False) as process:
        assert end(process) == -signal.SIGKILL
    with speaking(tmp_path, deduplicates=False) as process:
        assert end(process) == 0
    assert texts(tmp_path / "chat") == ["Message 0", "Message 1", "Message 1", *SAID[2:]]


@pytest.mark.parametrize("deduplicates", [True, False])
def test_killed_again_and_again_at_no_chosen_moment_nothing_is_lost(tmp_path, deduplicates):
    kills = 0
    for lines in range(1, 8, 2):
        with speaking(tmp_path, deduplicates=deduplicates) as process:
            while process.is_alive() and len(events(tmp_path / "chat")) < lines:
                time.sleep(0.001)
            process.kill()
            kills += end(process) != 0
    assert kills > 1
    with speaking(tmp_path, deduplicates=deduplicates) as process:
        assert end(process) == 0
    said = texts(tmp_path / "chat")
    assert [text for text in dict.fromkeys(said) if text in SAID] == SAID
    twice = len(posts(tmp_path / "chat")) - len(SAID)
    assert twice <= (0 if deduplicates else kills)
