"""This file gives tests a terminal, and three lectures that were taken in once for all of them."""

from __future__ import annotations

import shutil

import pytest

from tests.harness.terminal import Ran, Terminal

LECTURES = ("lecture-2min-us", "lecture-10min-us", "lecture-10min-f2")


@pytest.fixture
def terminal(tmp_path) -> Terminal:
    """Over an empty data folder."""
    return Terminal(tmp_path)


@pytest.fixture(scope="session")
def recordings(examples, assets) -> dict[str, str]:
    """The lectures' files by name."""
    folders = [*examples.iterdir(), *assets.iterdir()]
    return {p.stem: str(p) for p in folders if p.stem in LECTURES and p.suffix != ".json"}


@pytest.fixture(scope="session")
def ingested(tmp_path_factory, recordings) -> tuple[Terminal, Ran]:
    """What was printed while they were taken in, and where they are: look, do not touch."""
    terminal = Terminal(tmp_path_factory.mktemp("lectures"))
    ran = terminal.run("ingest", *(recordings[name] for name in LECTURES), "--json")
    assert ran.code == 0, ran.err
    return terminal, ran


@pytest.fixture
def library(tmp_path, ingested) -> Terminal:
    """A terminal over a copy of the lectures' data, to do with as one likes."""
    terminal = Terminal(tmp_path)
    shutil.copytree(ingested[0].data, terminal.data)
    return terminal
