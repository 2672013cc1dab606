"""SIGTERM stops the program at any point: cleanly, within ten seconds, with all its children."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing

import psutil
import pytest

from tests.counterparts.ollama.server import OllamaServer, lecture, running

STOPPED = 130
LIMIT_S = 10


def stop(process: subprocess.Popen[str]) -> str:
    """Stop the process and return what it still printed."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=LIMIT_S)  # raises if it takes longer
    _, alive = psutil.wait_procs(children, timeout=LIMIT_S)
    assert process.returncode == STOPPED
    assert not alive
    assert "Traceback" not in out + err
    return out


def wait_for(process: subprocess.Popen[str], *words: str) -> None:
    """Read the output until the words have appeared, in order."""
    for word in words:
        assert any(word in line for line in process.stdout), f"never said: {word}"


def is_whole(terminal) -> bool:
    with closing(sqlite3.connect(terminal.data / "tubethread.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_while_it_waits_for_somebody_to_type(terminal):
    process = terminal.start("chat")
    assert "Paste" in process.stderr.readline()
    stop(process)
    assert is_whole(terminal)


@pytest.mark.parametrize("words", [('"transcribe"',), ('"summarise"', '"load"'), ('"index"',)])
def test_while_it_takes_a_video_in(terminal, recordings, words):
    """While it transcribes, loads the embedder, and embeds."""
    process = terminal.start("ingest", recordings["lecture-2min-us"], "--json")
    wait_for(process, *words)
    stop(process)
    assert is_whole(terminal)
    assert not any((terminal.data / "scratch").iterdir())


def test_while_the_language_model_answers(library, recordings):
    with running(OllamaServer(lecture, pause_s=2)) as server:
        library.configure(llm={"engine": "ollama", "url": server.url})
        process = library.start("ask", "Who invented the brown glass of Fenwick?", "--json")
        wait_for(process, '"text"')
        stop(process)
    assert is_whole(library)


def test_while_a_channels_caches_are_filled(library):
    """The answer has been printed; the program keeps running briefly to fill the empty caches."""
    shutil.rmtree(library.data / "cache")
    (library.data / "cache").mkdir()
    process = library.start("search", "glass", "--json")
    wait_for(process, '"hits"')
    if process.poll() is None:  # it may have finished already
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode in (0, STOPPED)
    ran = library.run("search", "glass", "--json")
    assert ran.only("hits")["hits"]
