"""The OpenAI backend against strict counterparts on loopback: each fault raises its own error."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web

from core.backends.openai.client import OpenAi
from core.config import Llm
from core.errors import (
    BadModelOutput,
    ConfigInvalid,
    CoreError,
    ModelBusy,
    ModelFailed,
    ModelKeyRefused,
    ModelNotServed,
    ModelServerUnreachable,
    ModelStalled,
    ModelTooSlow,
    PromptTooLong,
    ReplyBroken,
)
from core.language_model.repetition import MAX_REPEATS
from core.language_model.reply_reader import BUSY_PAUSES_S
from core.ports import CUT_OFF, Message, Prompt, Sampling
from tests.counterparts.openai.server import (
    BUSY,
    RATE_LIMITED,
    Break,
    Model,
    OpenAiServer,
    Refuse,
)

SHORT = (Message("system", "Answer from the lines."), Message("user", "[1] Bees dance."))
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"topic": {"type": "string"}},
    "required": ["topic"],
    "additionalProperties": False,
}
MODEL, KEY = "qwen3-8b", "sk-s3cret-bees"


def prompt(words: int) -> Prompt:
    return (Message("system", "Sum up."), Message("user", "[1] " + "bees dance " * (words // 2)))


def model_at(server: OpenAiServer, **settings: Any) -> OpenAi:
    return OpenAi(Llm(**{"url": server.url, "num_ctx": 2048, "model": MODEL, **settings}))


async def said(model: OpenAi, asked: Prompt = SHORT, max_tokens: int = 100) -> str:
    try:
        return "".join([piece async for piece in model.stream(asked, max_tokens=max_tokens)])
    finally:
        await model.close()


async def completed(model: OpenAi, max_tokens: int = 100) -> str:
    try:
        return await model.complete(SHORT, max_tokens=max_tokens, schema=SCHEMA)
    finally:
        await model.close()


async def refusal(
    model: OpenAi, asked: Prompt = SHORT, max_tokens: int = 100, heard: list[str] | None = None
) -> CoreError:
    """Return the error; `heard` collects what was streamed before it."""
    pieces = heard if heard is not None else []
    try:
        async for piece in model.stream(asked, max_tokens=max_tokens):
            pieces.append(piece)
    except CoreError as error:
        return error
    finally:
        await model.close()
    return pytest.fail("no error")


async def check_error(model: OpenAi) -> CoreError:
    """Return the error of a check."""
    try:
        await model.check()
    except CoreError as error:
        return error
    finally:
        await model.close()
    return pytest.fail("no error")


# Requests


@pytest.mark.parametrize("flavour", ["llamacpp", "vllm", "openai"])
async def test_every_server_gets_requests_that_it_accepts(flavour: Any) -> None:
    async with OpenAiServer(["Bees dance.", {"topic": "Bees"}], flavour=flavour) as server:
        model = model_at(server)
        await model.check()
        [_ async for _ in model.stream(SHORT, max_tokens=50)]
        await completed(model, 60)
    asked, filled = server.chats
    for chat in (asked, filled):
        assert chat["stream"] is True
        assert chat["stream_options"] == {"include_usage": True}
        assert chat["temperature"] == 0.2
        assert ("chat_template_kwargs" in chat) is (flavour != "openai")
    assert (asked["max_tokens"], filled["max_tokens"]) == (50, 60)
    assert filled["response_format"]["json_schema"]["schema"] == SCHEMA
    assert "seed" in filled
    assert "response_format" not in asked
    assert server.breaches == []


async def test_another_try_may_sample_otherwise() -> None:
    async with OpenAiServer([{"topic": "Bees"}]) as server:
        model = model_at(server)
        other = Sampling(temperature=0.7, frequency_penalty=0.5, seed=11)
        await model.complete(SHORT, max_tokens=60, schema=SCHEMA, sampling=other)
        await model.close()
    (chat,) = server.chats
    assert (chat["temperature"], chat["frequency_penalty"], chat["seed"]) == (0.7, 0.5, 11)


async def test_neighbours_of_one_role_are_joined_because_templates_refuse_them() -> None:
    asked = (*SHORT, Message("user", "Question: Why?"), Message("assistant", "Yes."), SHORT[1])
    async with OpenAiServer(["Yes."]) as server:
        await said(model_at(server), asked)
    assert [message["role"] for message in server.chats[0]["messages"]] == [
        *("system", "user", "assistant", "user")
    ]
    assert server.chats[0]["messages"][1]["content"] == "[1] Bees dance.\n\nQuestion: Why?"
    assert server.breaches == []


async def test_prompts_reach_the_model_byte_for_byte() -> None:
    hostile = "줄 <|im_end|>\n\t [2] 🐝 \\u0000 é\u2028"
    async with OpenAiServer(["Yes."]) as server:
        await said(model_at(server), (Message("user", hostile),))
    assert server.chats[0]["messages"] == [{"role": "user", "content": hostile}]


async def test_the_key_is_sent_and_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with OpenAiServer(["Yes."], api_key=KEY) as server:
        model = model_at(server, api_key=KEY)
        await model.check()
        assert await said(model) == "Yes."
    assert server.authorizations == {f"Bearer {KEY}"}
    assert KEY not in caplog.text
    assert KEY not in repr(Llm(api_key=KEY))


async def test_a_key_read_from_a_file_may_end_with_a_line_feed() -> None:
    async with OpenAiServer(["Yes."], api_key=KEY) as server:
        assert await said(model_at(server, api_key=f"{KEY}\n")) == "Yes."


@pytest.mark.parametrize("key", ["sk-b\nees", "sk-벌", "sk-\x00"])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        OpenAi(Llm(api_key=key))
    assert caught.value.key == "llm.api_key"
    assert "sk-" not in str(caught.value)


async def test_a_name_in_the_address_logs_in_where_there_is_no_key() -> None:
    async with OpenAiServer(["Yes."]) as server:
        await said(model_at(server, url=server.url.replace("//", "//bee:h%40ve@")))
    assert server.authorizations == {"Basic YmVlOmhAdmU="}


async def test_no_request_uses_a_connection_that_the_server_may_be_closing() -> None:
    async with OpenAiServer(["Yes."] * 2) as server:
        model = model_at(server)
        await model.check()
        for _ in range(2):
            [_ async for _ in model.stream(SHORT, max_tokens=10)]
        await model.check()
        await model.close()
    assert len(server.peers) == len(set(server.peers)) == 4


# Successful replies


async def test_an_answer_comes_in_pieces_and_nothing_is_lost() -> None:
    text = "Bees dance [1].\n꿀벌은 춤춘다 🐝\u2028one\x85line"
    async with OpenAiServer([text]) as server:
        model = model_at(server)
        pieces = [piece async for piece in model.stream(SHORT, max_tokens=100)]
        await model.close()
    assert len(pieces) > 5
    assert "".join(pieces) == text


async def test_an_object_arrives_as_json() -> None:
    async with OpenAiServer([{"topic": "꿀벌"}]) as server:
        assert json.loads(await completed(model_at(server))) == {"topic": "꿀벌"}


@pytest.mark.parametrize("where", ["field", "content"])
@pytest.mark.parametrize("flavour", ["llamacpp", "openai"])
async def test_thoughts_never_show(where: Any, flavour: Any) -> None:
    thinker = Model(thoughts="The user wants bees.", thinks_in=where)
    replies = ["Bees dance.", {"topic": "Bees"}]
    async with OpenAiServer(replies, {MODEL: thinker}, flavour=flavour) as server:
        assert await said(model_at(server)) == "Bees dance."
        assert await completed(model_at(server)) == '{"topic": "Bees"}'


@pytest.mark.parametrize("text", ["<", "<th", "<thing> one", " <think", "I <think> so"])
async def test_what_only_begins_like_a_thought_shows(text: str) -> None:
    async with OpenAiServer([text]) as server:
        assert await said(model_at(server)) == text


async def test_an_answer_ends_where_it_may_be_no_longer() -> None:
    async with OpenAiServer(["one two three four five six"]) as server:
        assert await said(model_at(server), max_tokens=3) == f"one two three{CUT_OFF}"


async def test_json_that_was_cut_short_is_bad_output_and_kept() -> None:
    async with OpenAiServer([{"topic": "a very long one"}]) as server:
        with pytest.raises(BadModelOutput) as caught:
            await completed(model_at(server), 6)
    assert "6 tokens" in caught.value.detail
    assert len(caught.value.text) > 6
    assert '{"topic": "a very long one"}'.startswith(caught.value.text)


@pytest.mark.parametrize("busy", [BUSY, RATE_LIMITED])
async def test_a_busy_server_is_tried_again_with_growing_pauses(busy: Refuse) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with OpenAiServer([busy, busy, "Bees dance."]) as server:
        config = Llm(url=server.url, num_ctx=2048, model=MODEL)
        assert await said(OpenAi(config, sleep)) == "Bees dance."
    assert pauses == list(BUSY_PAUSES_S[:2])


async def test_a_reader_who_leaves_stops_the_model() -> None:
    async with OpenAiServer(["bees and " * 500 + "flowers"], pause_s=0.005) as server:
        model = model_at(server)
        async with aclosing(model.stream(SHORT, max_tokens=1000)) as pieces:
            await anext(pieces)
        async with asyncio.timeout(10):
            await server.left.wait()
        await model.close()


async def test_the_tokens_that_the_cache_held_are_told() -> None:
    async with OpenAiServer(["Yes."] * 2) as server:
        model = model_at(server)
        for question in ("Do bees dance?", "Do wasps dance?"):
            asked = (*prompt(400), Message("user", question))
            [_ async for _ in model.stream(asked, max_tokens=10)]
        await model.close()
    assert model.cached_tokens == server.cached_counts[1] > 0.9 * server.prompt_counts[1]


# Failures


async def test_a_server_that_stays_busy_is_told() -> None:
    async def sleep(_: float) -> None: ...

    async with OpenAiServer([BUSY] * (len(BUSY_PAUSES_S) + 1)) as server:
        config = Llm(url=server.url, num_ctx=2048, model=MODEL)
        assert isinstance(await refusal(OpenAi(config, sleep)), ModelBusy)


async def test_a_limit_that_no_waiting_lifts_is_not_tried_again() -> None:
    told = {"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}
    async with OpenAiServer([Refuse(429, told)]) as server:
        error = await refusal(model_at(server))
    assert error.facts == {"detail": "You exceeded your quota."}


@pytest.mark.parametrize("flavour", ["llamacpp", "vllm", "openai"])
@pytest.mark.parametrize("key", ["", "sk-wrong"])
async def test_a_refused_key_is_for_the_operator(flavour: Any, key: str) -> None:
    async with OpenAiServer(["never"], flavour=flavour, api_key=KEY) as server:
        error = await refusal(model_at(server, api_key=key))
        assert isinstance(await check_error(model_at(server, api_key=key)), ModelKeyRefused)
    assert isinstance(error, ModelKeyRefused)
    assert error.facts == {"url": f"{server.url}/v1"}


async def test_a_model_that_is_not_served_is_named_with_those_that_are() -> None:
    async with OpenAiServer(models={MODEL: Model(), "gemma": Model()}) as server:
        error = await check_error(model_at(server, model="llama9"))
        assert isinstance(await refusal(model_at(server, model="llama9")), ModelNotServed)
    assert isinstance(error, ModelNotServed)
    assert (error.model, error.served) == ("llama9", (MODEL, "gemma"))


async def test_nobody_at_the_address_is_told_without_the_password(unused_tcp_port: int) -> None:
    llm = Llm(url=f"http://bee:hive@127.0.0.1:{unused_tcp_port}/v1")
    for error in (await refusal(OpenAi(llm)), await check_error(OpenAi(llm))):
        assert isinstance(error, ModelServerUnreachable)
        assert error.url == f"http://127.0.0.1:{unused_tcp_port}/v1"


@pytest.fixture
async def stranger() -> AsyncIterator[str]:
    """Serve something at the address that is no model server."""

    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="<html>It works!</html>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/v1/models", greet), web.post("/v1/chat/completions", greet)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_somebody_else_at_the_address_is_no_model_server(stranger: str) -> None:
    assert isinstance(await check_error(OpenAi(Llm(url=stranger))), ModelServerUnreachable)
    assert isinstance(await refusal(OpenAi(Llm(url=stranger))), ModelFailed)
    lost = Llm(url=f"{stranger}/elsewhere")
    assert isinstance(await check_error(OpenAi(lost)), ModelServerUnreachable)
    assert isinstance(await refusal(OpenAi(lost)), ModelServerUnreachable)


@pytest.mark.parametrize("url", ["http://h:99999", "ftp://h", "http://"])
def test_an_address_that_is_none_is_a_setting_to_correct(url: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        OpenAi(Llm(url=url))
    assert caught.value.key == "llm.url"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Refuse(500, {"error": {"message": "compute error"}}), ModelFailed),
        (Refuse(400, {"error": {"message": "unrecognized type strin"}}), ModelFailed),
        (Refuse(400, "<html>Bad Request</html>"), ModelFailed),
        (Break("error"), ModelFailed),
        (Break("error", "Bees"), ModelFailed),
        (Break("error_line", "Bees"), ModelFailed),
        (Break("end"), BadModelOutput),
        (Break("end", "Bees"), BadModelOutput),
        (Break("drop", "Bees"), ModelFailed),
        (Break("noise", "Bees"), ModelFailed),
        (Break("filter", "Bees"), ModelFailed),
        ("", BadModelOutput),
        ("\n \n", BadModelOutput),
    ],
)
async def test_an_answer_that_breaks_off_is_no_answer(reply: object, kind: type[CoreError]) -> None:
    async with OpenAiServer([reply, reply]) as server:
        assert isinstance(await refusal(model_at(server)), kind)
        with pytest.raises(kind) as caught:
            await completed(model_at(server))
    begun = reply.text if isinstance(reply, Break) else ""
    assert caught.value.text.strip() == begun


async def test_what_the_server_says_is_told_shortly_and_without_paths_or_the_key() -> None:
    told = f"cannot load /home/ada/models/qwen.gguf for {KEY}: " + "x" * 500
    async with OpenAiServer([Break("error", error={"message": told})]) as server:
        error = await refusal(model_at(server, api_key=KEY))
    assert isinstance(error, ModelFailed)
    assert error.detail.startswith("cannot load … for …: xx")
    assert len(error.detail) == 200


@pytest.mark.parametrize("text", ["", "Bees"])
async def test_silence_is_noticed(text: str) -> None:
    async with OpenAiServer([Break("stall", text)]) as server:
        first_token_s = 30 if text else 0.1
        error = await refusal(model_at(server, first_token_s=first_token_s, stall_s=0.1))
    assert isinstance(error, ModelStalled)
    assert isinstance(error, ReplyBroken)


async def test_an_answer_without_end_is_stopped() -> None:
    endless = " ".join(str(n) for n in range(5000))
    async with OpenAiServer([endless], pause_s=0.01) as server:
        error = await refusal(model_at(server, wall_s=0.2), max_tokens=1000)
    assert isinstance(error, ModelTooSlow)


@pytest.mark.parametrize("again", ["\n", "bee ", "I do not know. ", "A line that says nothing.\n"])
async def test_a_model_in_a_loop_is_stopped(again: str) -> None:
    async with OpenAiServer(["Well. " + again * 400]) as server:
        heard: list[str] = []
        error = await refusal(model_at(server), max_tokens=1000, heard=heard)
    assert isinstance(error, BadModelOutput)
    assert len("".join(heard)) < (MAX_REPEATS + 4) * max(len(again), 4) + 10


# Length


async def test_a_prompt_that_does_not_fit_is_not_sent() -> None:
    async with OpenAiServer([]) as server:
        error = await refusal(model_at(server), prompt(3000))
    assert isinstance(error, PromptTooLong)
    assert error.tokens > error.num_ctx == 2048
    assert server.chats == []


@pytest.mark.parametrize("flavour", ["llamacpp", "vllm", "openai"])
async def test_a_length_that_the_server_refuses_comes_with_its_count(flavour: Any) -> None:
    small = Model(context_length=512)
    async with OpenAiServer(["never"], {MODEL: small}, flavour=flavour) as server:
        error = await refusal(model_at(server), prompt(900))
    assert isinstance(error, PromptTooLong)
    assert error.num_ctx == 512
    assert 900 < error.tokens < 1000


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 512 tokens. However, your messages resulted in "
        "9000 tokens. Please reduce the length of the messages.",
        "You passed 9000 input tokens and requested 100 output tokens. However, the model's "
        "context length is only 512 tokens, resulting in a maximum input length of 412 tokens.",
    ],
)
async def test_other_words_for_the_same_refusal_are_understood(message: str) -> None:
    async with OpenAiServer([Refuse(400, {"error": {"message": message}})]) as server:
        model = model_at(server)
        before = model.tokens("bees dance")
        error = await refusal(model, prompt(900))
    assert error.facts == {"tokens": 9000, "num_ctx": 512}
    assert model.tokens("bees dance") > 3 * before, "a refused count teaches the estimate"


async def test_counts_that_come_back_make_the_estimate_closer() -> None:
    async with OpenAiServer(["Yes."]) as server:
        model = model_at(server)
        text = "The communication between honeybees happens through remarkable dances. " * 15
        before = model.tokens(text)
        [_ async for _ in model.stream((Message("user", text),), max_tokens=10)]
        after = model.tokens(text)
        await model.close()
    assert server.prompt_counts[0] <= after < before


# What a check finds


@pytest.mark.parametrize(
    ("flavour", "told", "settings", "num_ctx"),
    [
        ("llamacpp", True, {}, 4096),
        ("llamacpp", False, {}, 4096),
        ("vllm", True, {}, 4096),
        ("vllm", True, {"num_ctx": 2048}, 2048),
        ("vllm", True, {"num_ctx": 8192}, 4096),
        ("lmstudio", True, {}, 4096),
        ("openai", True, {}, 16_384),
        ("openai", True, {"num_ctx": 2048}, 2048),
    ],
)
async def test_the_context_is_the_servers_where_it_tells_it(
    flavour: Any, told: bool, settings: dict[str, int], num_ctx: int
) -> None:
    models = {MODEL: Model(context_length=4096)}
    async with OpenAiServer((), models, flavour=flavour, tells_n_ctx=told) as server:
        model = OpenAi(Llm(url=server.url, model=MODEL, **settings))
        facts = await model.check()
        await model.close()
    assert facts.context_length == (4096 if flavour != "openai" else 0)
    assert model.num_ctx == num_ctx


async def test_ollama_is_refused_here_because_it_would_truncate_prompts() -> None:
    async def version(_: web.Request) -> web.Response:
        return web.json_response({"version": "0.33.0"})

    async def models(_: web.Request) -> web.Response:
        card = {"id": MODEL, "object": "model", "owned_by": "library"}
        return web.json_response({"object": "list", "data": [card]})

    app = web.Application()
    app.add_routes([web.get("/api/version", version), web.get("/v1/models", models)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model = OpenAi(Llm(url=f"http://127.0.0.1:{runner.addresses[0][1]}", model=MODEL))
    with pytest.raises(ConfigInvalid) as caught:
        await model.check()
    assert caught.value.key == "llm.engine"
    await model.close()
    await runner.cleanup()


async def test_a_model_may_be_named_by_the_last_part_of_a_path() -> None:
    async with OpenAiServer(["Yes."], {"/models/qwen.gguf": Model()}) as server:
        model = model_at(server, model="qwen.gguf")
        await model.check()
        assert await said(model) == "Yes."
    assert (model.name, server.chats[0]["model"]) == ("qwen.gguf", "/models/qwen.gguf")


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
async def test_the_address_may_end_with_the_path_or_not(path: str) -> None:
    async with OpenAiServer(["Yes."]) as server:
        assert await said(model_at(server, url=server.url + path)) == "Yes."
