"""Files that strangers send read no other file, and take no more memory than ordinary ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import pytest

from core.backends.whisper.audio import open_audio
from core.errors import NotMedia, VideoTooLong
from core.sandbox import forbid_files
from tests.harness.audio_files import RATE, read_samples, write_wav
from tests.harness.hostile_audio import playlists, write_bombs

ROOT = Path(__file__).resolve().parents[2]
MOST = 1.2
"""Memory for the worst file / for an ordinary one."""


@pytest.fixture(scope="module")
def secret(tmp_path_factory, examples) -> Path:
    """Somebody else's recording."""
    folder = tmp_path_factory.mktemp("others")
    with av.open(str(folder / "voice.mp3"), "w") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, RATE), dtype=np.int16), format="s16p", layout="mono"
        )
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return folder / "voice.mp3"


def read(audio: Path) -> np.ndarray:
    return read_samples(audio)


def test_a_playlist_opens_no_other_file(secret):
    opened_without_guard = 0
    for name, text in playlists(secret).items():
        playlist = secret.parent / name
        playlist.write_text(text)
        with pytest.raises(NotMedia):
            read(playlist)
        try:
            with av.open(f"file:{playlist}", options={"protocol_whitelist": "file"}) as container:
                opened_without_guard += any(True for _ in container.demux())
        except av.FFmpegError:
            continue
    assert opened_without_guard >= 3, "the playlists are no test of the guard"


def test_a_thread_that_decodes_may_open_no_file(secret, tmp_path):
    found: list[object] = []
    with secret.open("rb") as opened:

        def look() -> None:
            if not forbid_files():
                found.append("no Landlock")
                return
            for path in (
                secret,
                tmp_path,
                Path("/proc/self/environ"),
                "/dev/stdin",
            ):
                try:
                    os.close(os.open(path, os.O_RDONLY))
                    found.append(path)
                except PermissionError:
                    continue
            found.append(opened.read(3))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found in (["no Landlock"], [b"ID3"])
    assert secret.read_bytes(), "other threads keep their rights"


def test_audio_longer_than_the_limit_is_refused_whatever_its_header_says(tmp_path):
    path = write_wav(tmp_path / "long.wav", np.zeros(RATE * 150))
    with open_audio(path, max_minutes=1) as opened, pytest.raises(VideoTooLong) as refused:
        list(opened)
    assert refused.value.minutes == 2


def test_no_small_file_takes_much_more_memory_than_an_ordinary_one(tmp_path, examples):
    """An ordinary file lasts twenty minutes. Two of its minutes are speech, to save time."""
    ordinary = tmp_path / "ordinary.wav"
    speech = read_samples(examples / "lecture-2min-us.flac")
    write_wav(ordinary, np.concatenate([speech, np.zeros(18 * 60 * RATE)]))
    bombs = tmp_path / "bombs"
    bombs.mkdir()
    assert len(write_bombs(bombs)) == 40
    told = subprocess.run(
        [
            *(sys.executable, "-m", "tests.harness.hostile_audio"),
            *(examples / "whisper-toy-en", ordinary, bombs, "240"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    first, most = map(int, told.stdout.split())
    shutil.rmtree(bombs)
    assert most <= MOST * first, f"{most / first:.2f}"
