"""The store is copied, damaged and restored on the command line while a chat continues."""

from __future__ import annotations

import os

import pytest

QUESTION = "Who invented the brown glass of Fenwick?\n"


def ids(terminal) -> set[str]:
    [event] = terminal.run("videos", "--json").named("videos")
    return {video["id"] for video in event["videos"]}


def test_a_chat_that_goes_on_follows_the_store_that_is_put_back(library, tmp_path):
    """The chat compares its caches again, although nothing notified it."""
    copied = library.run("backup", str(tmp_path / "copy"), "--json").only("backup")
    assert copied == {
        "event": "backup",
        "file": "copy",
        "bytes": (tmp_path / "copy").stat().st_size,
    }
    all_ids = ids(library)
    chat = library.start("chat", "--json")

    def ask() -> str:
        chat.stdin.write(QUESTION)
        chat.stdin.flush()
        return next(line for line in chat.stdout if '"answer"' in line or '"error"' in line)

    assert "Laura Foster" in ask()
    for video_id in all_ids:
        library.run("forget", video_id)
    assert "nothing_to_ask" in ask()
    restored = library.run("restore", str(tmp_path / "copy"), "--json").only("restore")
    assert restored["file"] == "copy"
    assert (library.data / restored["kept"]).exists()
    assert "Laura Foster" in ask()
    chat.communicate(timeout=60)
    assert chat.returncode == 2, "one question had no answer"
    assert ids(library) == all_ids


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_damaged_store_is_told_with_the_copy_that_cures_it(library, tmp_path, language):
    library.configure(language=language)
    all_ids = ids(library)
    folder = library.data / "backups"
    folder.mkdir()
    library.run("backup", str(folder / "tubethread-2026-11-24.db"))
    os.truncate(library.data / "tubethread.db", 10_000)
    ran = library.run("videos", "--json")
    error = ran.only("error")
    assert (ran.code, error["code"]) == (75, "store_broken")
    assert "2026-11-24" in error["message"]
    assert "tubethread restore" in error["message"]
    ran = library.run("doctor", "--json")
    [store] = [check for check in ran.only("checks")["checks"] if check["name"] == "store"]
    assert "tubethread restore" in store["fix"]

    ran = library.run("restore")
    assert ran.code == 0
    assert "tubethread-2026-11-24.db" in ran.out
    assert str(library.data) not in ran.out
    assert ids(library) == all_ids


def test_what_cannot_be_put_back_is_told(terminal, tmp_path):
    (tmp_path / "words").write_text("Not a store.")
    assert terminal.run("videos").code == 0
    for arguments, code in (
        (("restore", str(tmp_path / "words")), "not_a_backup"),
        (("restore", str(tmp_path / "missing")), "not_a_backup"),
        (("restore",), "no_backup"),
        (("backup", str(tmp_path / "none" / "copy")), "cannot_write"),
    ):
        ran = terminal.run(*arguments, "--json")
        assert (ran.code, ran.only("error")["code"]) == (2, code)
    terminal.configure(database_url="postgresql+psycopg://u:secret@127.0.0.1:1/db")
    ran = terminal.run("backup", str(tmp_path / "copy"))
    assert ran.code == 2
    assert "pg_dump" in ran.err
    assert "secret" not in ran.err
