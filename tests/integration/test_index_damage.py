"""After a kill or damage, an index is correct, or reports itself broken and is refilled."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import chromadb
import psutil
import pytest

from core.backends.chroma.graph_files import note
from core.backends.chroma.vector_index import Chroma
from core.backends.fts5 import Fts5
from core.errors import IndexBroken
from tests.harness.forks import fork_context
from tests.harness.index_process import (
    CHANNEL,
    chunks_of,
    find,
    look,
    put,
    put_without_end,
    vectors_of,
)

Kind = type[Chroma] | type[Fts5]
Damage = Callable[[Path], None]
OPEN_S = 10.0


def _run(target: Callable[..., None], *arguments: object) -> Any:
    """Return what the child sent, or None if it died first."""
    ours, theirs = fork_context().Pipe(duplex=False)
    child = fork_context().Process(target=target, args=(*arguments, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(60) else None
    except EOFError:
        return None
    finally:
        child.kill()
        child.join()


# Kills during a put


@pytest.mark.parametrize("kind", [Chroma, Fts5])
@pytest.mark.parametrize("after", [1, 7, 24])
def test_after_a_kill_nothing_is_half_there(tmp_path, kind, after):
    path = tmp_path / "index"
    ours, theirs = fork_context().Pipe(duplex=False)
    child = fork_context().Process(target=put_without_end, args=(kind, path, theirs))
    child.start()
    put_whole = [ours.recv() for _ in range(after)]
    os.kill(child.pid, signal.SIGKILL)
    child.join()

    with closing(kind(path)) as index:
        try:
            held = index.holdings(CHANNEL)
        except IndexBroken:  # the interrupted call; never for FTS5
            assert kind is Chroma
            index.drop(CHANNEL)
            held = index.holdings(CHANNEL)
            assert held == {}
        else:
            assert held.keys() >= set(put_whole)
        for video in {put_whole[0], put_whole[-1]}:
            put(index, video)
            assert find(index, video)[0] == f"{video}:7"


def test_a_channel_whose_last_call_never_came_back_is_not_opened_again(tmp_path):
    with closing(Chroma(tmp_path)) as index:
        put(index, "v1")
    (folder,) = tmp_path.iterdir()
    (folder / "in-use").touch()

    with closing(Chroma(tmp_path)) as index:
        for call in (lambda: index.holdings(CHANNEL), lambda: find(index, "v1")):
            with pytest.raises(IndexBroken):
                call()
        with pytest.raises(IndexBroken):
            put(index, "v1")
        index.drop(CHANNEL)
        put(index, "v1")
        assert find(index, "v1")[0] == "v1:7"


# Damaged files


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _scribble(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(range(256)) * 256)


FILES = [
    ("chroma.sqlite3", _halve),
    ("chroma.sqlite3", _scribble),
    ("chroma.sqlite3", _empty),
    ("chroma.sqlite3", Path.unlink),
    ("*/header.bin", _halve),
    ("*/data_level0.bin", _halve),
    ("*/data_level0.bin", _scribble),
    ("*/link_lists.bin", Path.unlink),
    ("*/index_metadata.pickle", _halve),
    ("*/index_metadata.pickle", Path.unlink),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a channel that Chroma has written to disk, which it does every thousand rows."""
    folder = tmp_path_factory.mktemp("whole")
    with closing(Chroma(folder)) as index:
        for number in range(30):
            put(index, f"v{number}")
    return folder


@pytest.mark.parametrize(("name", "damage"), FILES)
def test_a_damaged_channel_is_broken_or_right_but_never_wrong(tmp_path, whole, name, damage):
    path = tmp_path / "index"
    shutil.copytree(whole, path)
    (folder,) = path.iterdir()
    (file,) = folder.glob(name)
    damage(file)

    seen = _run(look, path, OPEN_S)
    if seen is None:  # the file crashed the process; the next one must not try again
        assert _run(look, path, OPEN_S) == "broken"
        seen = "broken"
    if seen != "broken":
        assert all(found[0] == f"{video}:7" for video, found in seen.items())

    with closing(Chroma(path)) as index:
        index.drop(CHANNEL)
        put(index, "v1")
        assert index.holdings(CHANNEL) == {"v1": "digest of v1"}
        assert find(index, "v1")[0] == "v1:7"


def test_an_opening_that_never_ends_is_ended(tmp_path, whole):
    """Reading a pipe without a writer blocks forever, outside Python."""
    path = tmp_path / "index"
    shutil.copytree(whole, path)
    (folder,) = path.iterdir()
    (file,) = folder.glob("*/data_level0.bin")
    file.unlink()
    os.mkfifo(file)
    assert _run(look, path, 0.5) is None
    assert _run(look, path, 0.5) == "broken"


@pytest.mark.parametrize("damage", [_halve, _scribble, _empty, Path.unlink])
def test_a_damaged_word_file_is_broken_or_right_but_never_wrong(tmp_path, damage):
    path = tmp_path / "words.sqlite"
    with closing(Fts5(path)) as index:
        for number in range(30):
            put(index, f"v{number}")
    damage(path)

    with closing(Fts5(path)) as index:
        try:
            assert all(find(index, video)[0] == f"{video}:7" for video in index.holdings(CHANNEL))
        except IndexBroken:
            index.drop(CHANNEL)
        put(index, "v1")
        assert find(index, "v1")[0] == "v1:7"


@pytest.mark.parametrize("kind", [Chroma, Fts5])
def test_a_video_can_be_forgotten_even_if_its_index_is_broken(tmp_path, kind):
    path = tmp_path / "index"
    with closing(kind(path)) as index:
        put(index, "v1")
    _scribble(next(path.glob("*/chroma.sqlite3"), path))

    with closing(kind(path)) as index:
        index.drop(CHANNEL, "v1")
        index.drop(CHANNEL)
        put(index, "v2")  # the same process continues
        assert index.holdings(CHANNEL) == {"v2": "digest of v2"}
        assert find(index, "v2")[0] == "v2:7"


def test_damage_in_the_middle_of_the_word_file_shows_at_the_first_call(tmp_path):
    path = tmp_path / "words.sqlite"
    with closing(Fts5(path)) as index:
        for number in range(30):
            put(index, f"v{number}")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 20_000)

    with closing(Fts5(path)) as index, pytest.raises(IndexBroken):
        index.holdings(CHANNEL)


def test_holdings_leave_out_a_video_that_lost_a_row(tmp_path):
    with closing(Chroma(tmp_path)) as index:
        put(index, "v1")
        put(index, "v2")
    (folder,) = tmp_path.iterdir()
    client = chromadb.PersistentClient(folder)
    client.get_collection("chunks", embedding_function=None).delete(ids=["v1:3"])
    client.close()
    note(folder, {})  # make it look as if Chroma itself lost the row

    with closing(Chroma(tmp_path)) as index:
        assert index.holdings(CHANNEL) == {"v2": "digest of v2"}


def test_a_folder_that_cannot_be_written_is_a_broken_index(tmp_path):
    file = tmp_path / "file"
    file.touch()

    for kind in (Chroma, Fts5):
        with closing(kind(file / "below")) as index, pytest.raises(IndexBroken):
            put(index, "v1")


# What stays on disk


@pytest.mark.parametrize("video", [None, "quaggazebu1"])
def test_nothing_of_what_was_dropped_stays_on_the_disk(tmp_path, video):
    with closing(Chroma(tmp_path / "c")) as vectors, closing(Fts5(tmp_path / "words")) as words:
        for index in (vectors, words):
            put(index, "quaggazebu1")
            index.drop(CHANNEL, video)
        left = b"".join(path.read_bytes() for path in tmp_path.rglob("words*"))

    assert b"quagga" not in left
    assert video or not any((tmp_path / "c").iterdir())


def test_however_many_channels_there_are_few_are_held_open(tmp_path):
    chunks, vectors, handles = chunks_of("v1"), vectors_of("v1"), {}
    with closing(Chroma(tmp_path)) as index:
        for number in range(1, 22):
            index.put(f"channel {number}", "v1", "d", chunks[:number], vectors[:number])
            handles[number] = psutil.Process().num_fds()

        assert handles[21] - handles[16] < handles[16] - handles[11]
        for number in range(1, 22):
            assert len(index.nearest(f"channel {number}", vectors[0], 40)) == number
