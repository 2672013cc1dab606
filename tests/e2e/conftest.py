"""A terminal, and three lectures that are ingested once for all tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness.shared import once_a_run
from tests.harness.terminal import Ran, Terminal

LECTURES = ("lecture-2min-us", "lecture-10min-us", "lecture-10min-f2")


@pytest.fixture
def terminal(tmp_path) -> Terminal:
    """Return a terminal over an empty data folder."""
    return Terminal(tmp_path)


@pytest.fixture(scope="session")
def recordings(examples, assets) -> dict[str, str]:
    """Return the lectures' files by name."""
    folders = [*examples.iterdir(), *assets.iterdir()]
    return {p.stem: str(p) for p in folders if p.stem in LECTURES and p.suffix != ".json"}


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
