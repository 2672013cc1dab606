"""Start-up and hand-over: which server answers at Ollama's address, and who frees the GPU."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from core.backends.ollama.client import Ollama
from core.backends.ollama.server import MINIMUM, is_at_least
from core.config import Llm
from core.errors import ConfigInvalid, ModelFailed, ModelMissing, OllamaTooOld, OllamaUnreachable
from core.ports import Message
from tests.counterparts.ollama.server import Model, OllamaServer

MODEL = "qwen3:8b"
PROMPT = (Message("user", "Do bees dance?"),)


def model_at(server: OllamaServer, **settings: Any) -> Ollama:
    return Ollama(Llm(**{"url": server.url, "num_ctx": 2048, "model": MODEL, **settings}))


async def say(model: Ollama) -> str:
    return "".join([piece async for piece in model.stream(PROMPT, max_tokens=50)])


async def test_a_check_tells_what_is_there() -> None:
    async with OllamaServer(["Yes."], {MODEL: Model(context_length=32_768)}) as server:
        model = model_at(server)
        facts = await model.check()
        assert (facts.version, facts.context_length) == ("0.33.0-rc2", 32_768)
        assert (facts.is_loaded, facts.size_vram, facts.is_loopback) == (False, 0, True)
        await say(model)
        facts = await model.check()
        assert (facts.is_loaded, facts.size_vram) == (True, 5_000_000_000)
        await model.close()
    assert server.breaches == []


async def test_the_context_is_never_larger_than_the_model_was_made_for() -> None:
    async with OllamaServer(["Yes."], {MODEL: Model(context_length=1024)}) as server:
        model = model_at(server)
        await model.check()
        assert model.num_ctx == 1024
        await say(model)
        await model.close()
    assert server.loads == [1024]


async def test_a_model_without_a_tag_is_the_latest() -> None:
    async with OllamaServer(["Yes."], {"qwen3:latest": Model()}) as server:
        model = model_at(server, model="qwen3")
        await say(model)
        assert (await model.check()).is_loaded
        await model.close()


async def test_a_check_refuses_an_old_ollama() -> None:
    async with OllamaServer(version="0.17.0") as server:
        model = model_at(server)
        with pytest.raises(OllamaTooOld) as caught:
            await model.check()
        await model.close()
    assert (caught.value.version, caught.value.minimum) == ("0.17.0", "0.17.1")


@pytest.mark.parametrize(
    ("version", "is_good"),
    [
        ("0.17.1", True),
        ("v0.17.2", True),
        ("0.33.0-rc2", True),
        ("1.0.0", True),
        ("0.17.1-rc0", False),
        ("0.9.5", False),
        ("0.5.13-6-g1a2b3c", False),
        ("", False),
        ("new", False),
    ],
)
def test_versions_are_compared_as_numbers(version: str, is_good: bool) -> None:
    assert is_at_least(version, MINIMUM) is is_good


async def test_a_check_names_a_missing_model() -> None:
    async with OllamaServer() as server:
        model = model_at(server, model="llama9")
        with pytest.raises(ModelMissing):
            await model.check()
        await model.close()


async def test_a_check_of_nobody_is_quick(unused_tcp_port: int) -> None:
    model = Ollama(Llm(url=f"http://127.0.0.1:{unused_tcp_port}"))
    with pytest.raises(OllamaUnreachable):
        await model.check()
    await model.close()


@pytest.fixture
async def stranger() -> AsyncIterator[str]:
    """Serve something at Ollama's address that is not Ollama."""

    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="<html>It works!</html>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/api/version", greet), web.post("/api/chat", greet)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_somebody_else_at_the_address_is_not_ollama(stranger: str) -> None:
    model = Ollama(Llm(url=stranger))
    with pytest.raises(OllamaUnreachable):
        await model.check()
    with pytest.raises(ModelFailed):
        await say(model)
    await model.close()
    lost = Ollama(Llm(url=f"{stranger}/elsewhere"))
    with pytest.raises(OllamaUnreachable):
        await say(lost)
    await lost.close()


async def test_unloading_frees_the_gpu() -> None:
    async with OllamaServer(["Yes."]) as server:
        model = model_at(server)
        await say(model)
        assert MODEL in server.loaded
        await model.unload()
        assert server.loaded == {}
        await model.unload()
        await model.close()
    assert server.breaches == []


async def test_nobody_at_the_address_is_told_without_the_password(unused_tcp_port: int) -> None:
    address = f"http://bee:hive@127.0.0.1:{unused_tcp_port}"
    model = Ollama(Llm(url=address))
    with pytest.raises(OllamaUnreachable) as caught:
        await say(model)
    await model.close()
    assert caught.value.url == f"http://127.0.0.1:{unused_tcp_port}"


async def test_a_name_in_the_address_logs_in() -> None:
    async with OllamaServer(["Yes."]) as server:
        model = model_at(server, url=server.url.replace("//", "//bee:h%40ve@"))
        await say(model)
        await model.close()
    assert server.authorizations == {"Basic YmVlOmhAdmU="}


@pytest.mark.parametrize("url", ["http://h:99999", "ftp://h", "http://"])
def test_an_address_that_is_none_is_a_setting_to_correct(url: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        Ollama(Llm(url=url))
    assert caught.value.key == "llm.url"
