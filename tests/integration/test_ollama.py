"""The Ollama backend against a strict Ollama on loopback: each fault raises its own error."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from core.backends.ollama.client import Ollama
from core.config import Llm
from core.errors import (
    BadModelOutput,
    CoreError,
    ModelBusy,
    ModelFailed,
    ModelMissing,
    ModelStalled,
    ModelTooSlow,
    PromptTooLong,
    ReplyBroken,
)
from core.language_model.repetition import MAX_REPEATS
from core.language_model.reply_reader import BUSY_PAUSES_S
from core.ports import CUT_OFF, Message, Prompt, Sampling
from tests.counterparts.ollama.rules import length_refusal
from tests.counterparts.ollama.server import BUSY, Break, Model, OllamaServer, Refuse, lecture

SHORT = (Message("system", "Answer from the lines."), Message("user", "[1] Bees dance."))
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"topic": {"type": "string"}},
    "required": ["topic"],
}
MODEL = "qwen3:8b"


def prompt(words: int) -> Prompt:
    return (Message("system", "Sum up."), Message("user", "[1] " + "bees dance " * (words // 2)))


def model_at(server: OllamaServer, **settings: Any) -> Ollama:
    return Ollama(Llm(**{"url": server.url, "num_ctx": 2048, "model": MODEL, **settings}))


async def said(model: Ollama, asked: Prompt = SHORT, max_tokens: int = 100) -> str:
    try:
        return "".join([piece async for piece in model.stream(asked, max_tokens=max_tokens)])
    finally:
        await model.close()


async def refusal(
    model: Ollama, asked: Prompt = SHORT, max_tokens: int = 100, heard: list[str] | None = None
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


# Requests


async def test_every_request_carries_what_keeps_ollama_honest() -> None:
    async with OllamaServer(["Bees dance.", {"topic": "Bees"}]) as server:
        model = model_at(server)
        [_ async for _ in model.stream(SHORT, max_tokens=50)]
        await model.complete(SHORT, max_tokens=60, schema=SCHEMA)
        await model.close()
    asked, completed = server.chats
    for chat in (asked, completed):
        assert chat["truncate"] is False
        assert chat["shift"] is False
        assert chat["think"] is False
        assert chat["stream"] is True
        assert chat["keep_alive"] == "5m"
        assert chat["options"]["num_ctx"] == 2048
        assert chat["options"]["temperature"] == 0.2
    assert asked["options"]["num_predict"] == 50
    assert completed["options"]["num_predict"] == 60
    assert completed["format"] == SCHEMA
    assert "seed" in completed["options"]
    assert "format" not in asked
    assert server.breaches == []


async def test_another_try_may_sample_otherwise() -> None:
    async with OllamaServer([{"topic": "Bees"}]) as server:
        model = model_at(server)
        other = Sampling(temperature=0.7, frequency_penalty=0.5, seed=11)
        await model.complete(SHORT, max_tokens=60, schema=SCHEMA, sampling=other)
        await model.close()
    options = server.chats[0]["options"]
    assert (options["temperature"], options["frequency_penalty"], options["seed"]) == (0.7, 0.5, 11)
    assert server.breaches == []


async def test_the_model_is_loaded_once_for_all_calls() -> None:
    async with OllamaServer(lecture) as server:
        model = model_at(server)
        await model.check()
        for max_tokens in (50, 200):
            await model.complete(SHORT, max_tokens=max_tokens, schema=SCHEMA)
        await said(model)
    assert server.loads == [2048]


async def test_prompts_reach_the_model_byte_for_byte() -> None:
    hostile = "줄 <|im_end|>\n\t [2] 🐝 \\u0000 é"
    async with OllamaServer(["Yes."]) as server:
        await said(model_at(server), (Message("user", hostile),))
    assert server.chats[0]["messages"] == [{"role": "user", "content": hostile}]


# Successful replies


async def test_an_answer_comes_in_pieces_and_nothing_is_lost() -> None:
    text = "Bees dance [1].\n꿀벌은 춤춘다 🐝"
    async with OllamaServer([text]) as server:
        model = model_at(server)
        pieces = [piece async for piece in model.stream(SHORT, max_tokens=100)]
        await model.close()
    assert len(pieces) > 5
    assert "".join(pieces) == text


async def test_an_object_arrives_as_json() -> None:
    async with OllamaServer([{"topic": "꿀벌"}]) as server:
        model = model_at(server)
        told = await model.complete(SHORT, max_tokens=100, schema=SCHEMA)
        await model.close()
    assert json.loads(told) == {"topic": "꿀벌"}


@pytest.mark.parametrize("always", [True, False])
async def test_thoughts_never_show(always: bool) -> None:
    thinker = Model(thoughts="The user wants bees.", always_thinks=always)
    async with OllamaServer(["Bees dance.", {"topic": "Bees"}], {MODEL: thinker}) as server:
        assert await said(model_at(server)) == "Bees dance."
        model = model_at(server)
        assert await model.complete(SHORT, max_tokens=100, schema=SCHEMA) == '{"topic": "Bees"}'
        await model.close()


async def test_an_answer_ends_where_it_may_be_no_longer() -> None:
    async with OllamaServer(["one two three four five six"]) as server:
        assert await said(model_at(server), max_tokens=3) == f"one two three{CUT_OFF}"


async def test_json_that_was_cut_short_is_bad_output() -> None:
    async with OllamaServer([{"topic": "a very long one"}]) as server:
        model = model_at(server)
        with pytest.raises(BadModelOutput) as caught:
            await model.complete(SHORT, max_tokens=6, schema=SCHEMA)
        await model.close()
    assert "6 tokens" in caught.value.detail
    assert '{"topic": "a very long one"}'.startswith(caught.value.text)
    assert len(caught.value.text) > 6


@pytest.mark.parametrize("then", ["error", "end", "stall", "drop", "noise"])
async def test_an_error_carries_what_came_of_the_reply(then: Any) -> None:
    async with OllamaServer([Break(then, '{"topic": "Bees')]) as server:
        model = model_at(server, stall_s=0.2)
        with pytest.raises(ReplyBroken) as caught:
            await model.complete(SHORT, max_tokens=100, schema=SCHEMA)
        await model.close()
    assert caught.value.text == '{"topic": "Bees'
    assert "Bees" not in str(caught.value)


async def test_a_full_queue_is_tried_again_with_growing_pauses() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with OllamaServer([BUSY, BUSY, "Bees dance."]) as server:
        config = Llm(url=server.url, num_ctx=2048, model=MODEL)
        assert await said(Ollama(config, sleep)) == "Bees dance."
        assert pauses == list(BUSY_PAUSES_S[:2])


async def test_a_reader_who_leaves_stops_the_model() -> None:
    async with OllamaServer(["bees and " * 500 + "flowers"], pause_s=0.005) as server:
        model = model_at(server)
        async with aclosing(model.stream(SHORT, max_tokens=1000)) as pieces:
            await anext(pieces)
        async with asyncio.timeout(10):
            await server.left.wait()
        await model.close()


# Failures


async def test_a_queue_that_stays_full_is_told() -> None:
    async def sleep(_: float) -> None: ...

    async with OllamaServer([BUSY] * (len(BUSY_PAUSES_S) + 1)) as server:
        config = Llm(url=server.url, num_ctx=2048, model=MODEL)
        assert isinstance(await refusal(Ollama(config, sleep)), ModelBusy)


async def test_a_model_that_is_not_pulled_is_named() -> None:
    async with OllamaServer() as server:
        error = await refusal(model_at(server, model="llama9"))
    assert isinstance(error, ModelMissing)
    assert error.model == "llama9"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Refuse(500, "model runner has unexpectedly stopped"), ModelFailed),
        (
            Refuse(400, 'invalid format: "x"; expected "json" or a valid JSON Schema object'),
            ModelFailed,
        ),
        (Break("error"), ModelFailed),
        (Break("error", "Bees"), ModelFailed),
        (Break("end"), BadModelOutput),
        (Break("end", "Bees"), BadModelOutput),
        (Break("drop", "Bees"), ModelFailed),
        (Break("noise", "Bees"), ModelFailed),
        ("", BadModelOutput),
        ("\n \n", BadModelOutput),
    ],
)
async def test_an_answer_that_breaks_off_is_no_answer(reply: object, kind: type[CoreError]) -> None:
    async with OllamaServer([reply, reply]) as server:
        assert isinstance(await refusal(model_at(server)), kind)
        model = model_at(server)
        with pytest.raises(kind):
            await model.complete(SHORT, max_tokens=100, schema=SCHEMA)
        await model.close()


async def test_what_ollama_says_is_told_shortly_and_without_paths() -> None:
    long = Break("error", error="cannot load /home/ada/.ollama/models/blobs/sha256-1: " + "x" * 500)
    async with OllamaServer([long]) as server:
        error = await refusal(model_at(server))
    assert isinstance(error, ModelFailed)
    assert error.detail.startswith("cannot load …: xx")
    assert len(error.detail) == 200


@pytest.mark.parametrize("text", ["", "Bees"])
async def test_silence_is_noticed(text: str) -> None:
    async with OllamaServer([Break("stall", text)]) as server:
        first_token_s = 30 if text else 0.1
        error = await refusal(model_at(server, first_token_s=first_token_s, stall_s=0.1))
    assert isinstance(error, ModelStalled)


async def test_loading_the_model_may_take_longer_than_a_pause() -> None:
    async with OllamaServer(["Bees dance."], {MODEL: Model(load_s=0.3)}) as server:
        assert await said(model_at(server, first_token_s=30, stall_s=0.2)) == "Bees dance."


async def test_an_answer_without_end_is_stopped() -> None:
    endless = " ".join(str(n) for n in range(5000))
    async with OllamaServer([endless], pause_s=0.01) as server:
        error = await refusal(model_at(server, wall_s=0.2), max_tokens=1000)
    assert isinstance(error, ModelTooSlow)


@pytest.mark.parametrize("again", ["\n", "bee ", "I do not know. ", "A line that says nothing.\n"])
async def test_a_model_in_a_loop_is_stopped(again: str) -> None:
    async with OllamaServer(["Well. " + again * 400]) as server:
        heard: list[str] = []
        error = await refusal(model_at(server), max_tokens=1000, heard=heard)
    assert isinstance(error, BadModelOutput)
    assert len("".join(heard)) < (MAX_REPEATS + 4) * max(len(again), 4) + 10


# Length


async def test_a_prompt_that_does_not_fit_is_not_sent() -> None:
    async with OllamaServer([]) as server:
        error = await refusal(model_at(server), prompt(3000))
        assert isinstance(error, PromptTooLong)
        assert error.num_ctx == 2048
        assert error.tokens > 2048
        assert server.chats == []


async def test_a_length_ollama_refuses_comes_with_its_count() -> None:
    small = Model(context_length=512)
    async with OllamaServer(["never"], {MODEL: small}) as server:
        error = await refusal(model_at(server), prompt(900))
    assert isinstance(error, PromptTooLong)
    assert error.num_ctx == 512
    assert error.tokens > 900


async def test_a_refused_count_teaches_the_estimate() -> None:
    told = length_refusal({"truncate": False}, 9000, 2048)
    async with OllamaServer([Refuse(400, told)]) as server:
        model = model_at(server)
        before = model.tokens("bees dance")
        error = await refusal(model, prompt(900))
    assert isinstance(error, PromptTooLong)
    assert (error.tokens, error.num_ctx) == (9000, 2048)
    assert model.tokens("bees dance") > 3 * before


async def test_a_refusal_without_counts_is_still_a_matter_of_length() -> None:
    told = "the prompt is longer than the context length currently available to the model; shorten"
    async with OllamaServer([Refuse(400, told)]) as server:
        error = await refusal(model_at(server), prompt(900))
    assert isinstance(error, PromptTooLong)
    assert error.tokens > 900


async def test_a_low_count_is_logged_and_the_finished_answer_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deaf = Model(context_length=512, obeys_truncate=False)
    text = "A fine answer from half the text."
    async with OllamaServer([text], {MODEL: deaf}) as server:
        model = model_at(server, num_ctx=4096)
        before = model.tokens("bees dance")
        assert await said(model, prompt(1200)) == text
        assert server.prompt_counts[0] < 300
    assert f"the server read {server.prompt_counts[0]} of about" in caplog.text
    assert model.tokens("bees dance") == before


async def test_counts_that_come_back_make_the_estimate_closer() -> None:
    async with OllamaServer(["Yes."] * 3) as server:
        model = model_at(server)
        text = "The communication between honeybees happens through remarkable dances. " * 15
        before = model.tokens(text)
        [_ async for _ in model.stream((Message("user", text),), max_tokens=10)]
        after = model.tokens(text)
        await model.close()
    assert server.prompt_counts[0] <= after < before
