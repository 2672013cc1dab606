"""A child that is taken over can use what its work needs, and no other file of ours."""

from __future__ import annotations

import ctypes
import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.config import Core, Embedding, Speech, YouTube
from core.errors import NotMedia, SpeechModelMissing, WorkerFailed
from core.workers.child_settings import make_supervisor
from core.workers.limits import FETCH, INDEX, MODELS, SPEECH
from core.workers.remote_backends import ModelDownloads, RemoteEmbedder, RemoteTranscriber
from tests.counterparts.model_hub import hub_environment, running
from tests.harness.audio_files import RATE, write_wav
from tests.harness.onnx_model import onnx_minilm

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.harness.misbehaving_child"


def has_landlock() -> bool:
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0


needs_landlock = pytest.mark.skipif(
    sys.platform != "linux" or not has_landlock(), reason="Landlock"
)


@pytest.fixture
def config(tmp_path, monkeypatch) -> Core:
    """Settings of a program whose folders all hold something."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")  # numpy starts a thread when it is imported
    for file in (
        *("config.yaml", "cookies.txt", "data/tubethread.db", "data/uploads/files/anothers"),
        *("data/cache/vectors", "data/scratch/7/audio", "speech/model.bin", "embedder/config.json"),
        *("huggingface/hub/blob", "huggingface/token"),
    ):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{file} holds this")
    (tmp_path / "speech" / "linked.bin").symlink_to(tmp_path / "elsewhere.bin")
    (tmp_path / "elsewhere.bin").write_text("weights")
    return Core(
        data_dir=tmp_path / "data",
        youtube=YouTube(cookies_file=tmp_path / "cookies.txt"),
        speech=Speech(model=str(tmp_path / "speech")),
        embedding=Embedding(model=str(tmp_path / "embedder")),
    )


MAY_READ = {
    "fetch": {"cookies.txt", "data/scratch/7/audio"},
    "speech": {"speech/model.bin", "speech/linked.bin", "elsewhere.bin", "huggingface/hub/blob"},
    "index": {"data/cache/vectors", "embedder/config.json", "huggingface/hub/blob"},
    "models": {"embedder/config.json", "huggingface/hub/blob", "huggingface/token"},
}
MAY_WRITE = {
    "fetch": {"data/scratch", "data/scratch/7"},
    "speech": set(),
    "index": {"data/cache"},
    "models": {"huggingface/hub"},
}


ALWAYS = {"/proc/self/comm", "/etc/hosts"}
NEVER = {str(ROOT / "README.md"), "/etc", "/run", "/root", "/home", "/tmp"}


@needs_landlock
@pytest.mark.parametrize("role", [FETCH, SPEECH, INDEX, MODELS], ids=lambda role: role.name)
async def test_a_child_uses_the_files_of_its_work_and_no_others(role, config, tmp_path):
    files = {str(path) for path in tmp_path.rglob("*") if path.is_file()}
    folders = {str(path) for path in tmp_path.rglob("*") if path.is_dir()}
    with socket.create_server(("127.0.0.1", 0)) as server, (ROOT / "README.md").open() as given:
        asked = {"read": [*files, *ALWAYS, *NEVER], "written": [*folders]}
        asked |= {"port": server.getsockname()[1]}
        async with make_supervisor(role, config, MODULE) as child:
            allowed = await child.call("allowed", **asked)
            assert all(await child.call("threads")), "a thread that began earlier is free"
            [text] = [text async for text in child.stream("read_given", file=given)]
            assert text == (ROOT / "README.md").read_text()
    assert set(allowed["read"]) == {str(tmp_path / file) for file in MAY_READ[role.name]} | ALWAYS
    assert set(allowed["written"]) == {str(tmp_path / folder) for folder in MAY_WRITE[role.name]}
    assert allowed["connect"] == (role in (FETCH, MODELS))


@needs_landlock
def test_our_folder_is_left_out_of_the_systems_folder_that_holds_it():
    hidden = Path(json.__file__)
    program = (
        "from pathlib import Path\n"
        "from core.sandbox import confine\n"
        f"confine([], [], [Path({str(hidden.parent)!r})])\n"
        f"Path({str(hidden.parents[1] / 'os.py')!r}).open()\n"
        f"Path({str(hidden)!r}).open()"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"PermissionError: [Errno 13] Permission denied: {str(hidden)!r}" in ran.stderr


@needs_landlock
async def test_what_the_fetch_child_starts_is_confined_too(config, tmp_path):
    async with make_supervisor(FETCH, config, MODULE) as child:
        assert await child.call("runs", program=[sys.executable, "-c", "import yt_dlp; print(1)"])
        deno = Path(sys.executable).with_name("deno")
        if deno.exists():
            assert await child.call("runs", program=[str(deno), "eval", "console.log(1)"])
        program = [sys.executable, "-c", f"open({str(tmp_path / 'config.yaml')!r})"]
        with pytest.raises(WorkerFailed, match="CalledProcessError"):
            await child.call("runs", program=program)


async def test_a_missing_speech_model_is_downloaded_by_a_child_that_reads_no_audio(
    examples, tmp_path, monkeypatch
):
    model = {path.name: path.read_bytes() for path in (examples / "whisper-toy-en").iterdir()}
    audio = write_wav(tmp_path / "silence.wav", np.zeros(RATE))
    config = Core(data_dir=tmp_path / "data", speech=Speech(model="org/toy", device="cpu"))
    with running(model) as url:
        for name, value in hub_environment(url, tmp_path / "hub").items():
            monkeypatch.setenv(name, value)
        async with (
            make_supervisor(SPEECH, config) as speech,
            make_supervisor(MODELS, config) as models,
        ):
            offline = RemoteTranscriber(speech, ModelDownloads(models, is_offline=True))
            with pytest.raises(SpeechModelMissing):
                [*_] = [window async for window in offline.transcribe(audio, "")]
            online = RemoteTranscriber(speech, ModelDownloads(models, is_offline=False))
            for _ in range(2):
                windows = [window async for window in online.transcribe(audio, "")]
                assert windows[-1].heard_s == 1
            assert (speech.starts, models.starts) == (1, 1)
            with pytest.raises(NotMedia) as refused:
                [*_] = [window async for window in online.transcribe(tmp_path / "no", "")]
            assert refused.value.name == "no"


async def test_a_missing_embedding_model_is_downloaded_likewise(tmp_path, monkeypatch):
    folder = Path(onnx_minilm())
    model = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    config = Core(data_dir=tmp_path, embedding=Embedding(engine="onnx", model="org/minilm"))
    with running(model) as url:
        for name, value in hub_environment(url, tmp_path / "hub").items():
            monkeypatch.setenv(name, value)
        async with (
            make_supervisor(INDEX, config) as index,
            make_supervisor(MODELS, config) as models,
        ):
            embedder = RemoteEmbedder(index, "org/minilm", ModelDownloads(models, is_offline=False))
            await embedder.load()
            assert (await embedder.embed(["Bees dance."], "passage")).shape == (1, 384)
            assert (index.starts, models.starts) == (1, 1)
