"""A terminal, and three lectures that are ingested once for all tests.

Of the two long ones only the first topics are: a minute of speech costs three seconds of CPU, and
`make bench` and `make eval` take them whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness.lectures import write_beginning
from tests.harness.shared import once_a_run
from tests.harness.terminal import Ran, Terminal

LECTURES = ("lecture-2min-us", "lecture-10min-us", "lecture-10min-f2")
TOPICS = 3
"""Topics of a long lecture, of seven; more than four minutes."""


@pytest.fixture
def terminal(tmp_path) -> Terminal:
    """Return a terminal over an empty data folder."""
    return Terminal(tmp_path)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory, examples, assets) -> dict[str, str]:
    """Return the lectures' files by name, each with its reference data beside it."""
    long = [assets / f"{name}.opus" for name in LECTURES[1:]]

    def cut(folder: Path) -> list[Path]:
        return [write_beginning(recording, folder, TOPICS) for recording in long]

    _, written = once_a_run(tmp_path_factory, "beginnings", cut)
    return {path.stem: str(path) for path in (examples / "lecture-2min-us.flac", *written)}


@pytest.fixture(scope="session")
def ingested(tmp_path_factory, recordings) -> tuple[Terminal, Ran]:
    """Return the data folder of the three lectures (read only), and what `ingest` printed."""

    def ingest(folder: Path) -> Ran:
        files = [recordings[name] for name in LECTURES]
        ran = Terminal(folder).run("ingest", *files, "--json")
        assert ran.code == 0, ran.err
        return ran

    folder, ran = once_a_run(tmp_path_factory, "lectures", ingest)
    return Terminal(folder), ran


@pytest.fixture
def library(tmp_path, ingested) -> Terminal:
    """Return a terminal over a copy of the lectures' data, which the test may change."""
    terminal = Terminal(tmp_path)
    shutil.copytree(ingested[0].data, terminal.data)
    return terminal


@pytest.fixture
def mill(tmp_path) -> Path:
    """Return a subtitle file of two sentences: for tests that do not care how it was heard."""
    path = tmp_path / "mill.srt"
    path.write_text(
        "1\n00:00:01,000 --> 00:00:04,000\nThe old mill in Arden was built by Nora Lee.\n\n"
        "2\n00:00:05,000 --> 00:00:08,000\nIt burned down in nineteen ten.\n",
        encoding="utf-8",
    )
    return path
