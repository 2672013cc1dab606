"""The contract of `LanguageModel`, on the fake, on both backends, and on `YieldingModel`
over `MeasuredModel`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import pytest

from core.backends.ollama.client import Ollama
from core.backends.openai.client import OpenAi
from core.config import Llm
from core.errors import PromptTooLong
from core.language_model.question_priority import QuestionPriority, YieldingModel
from core.metrics.instruments import Instruments
from core.metrics.measured_ports import MeasuredModel
from core.ports import CUT_OFF, LanguageModel, Message
from tests.counterparts.ollama.server import OllamaServer
from tests.counterparts.openai.server import Model, OpenAiServer
from tests.fakes.language_model import ScriptedModel

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"topic": {"type": "string"}},
    "required": ["topic"],
}
PROMPT = (
    Message("system", "Answer from the lines."),
    Message("user", "[1] Bees dance.\n[2] 꿀벌은 춤춘다."),
    Message("user", "Question: What do bees do?"),
)
Open = Callable[[Sequence[str]], AbstractAsyncContextManager[LanguageModel]]


@asynccontextmanager
async def ollama(replies: Sequence[str]) -> AsyncIterator[LanguageModel]:
    async with OllamaServer(replies) as server:
        model = Ollama(Llm(url=server.url, model="qwen3:8b", num_ctx=2048))
        yield model
        await model.close()
        assert server.breaches == []


@asynccontextmanager
async def openai(replies: Sequence[str]) -> AsyncIterator[LanguageModel]:
    async with OpenAiServer(replies, {"qwen3-8b": Model(context_length=2048)}) as server:
        model = OpenAi(Llm(url=server.url, model="qwen3-8b", num_ctx=2048))
        yield model
        await model.close()
        assert server.breaches == []


@asynccontextmanager
async def scripted(replies: Sequence[str]) -> AsyncIterator[LanguageModel]:
    yield ScriptedModel(list(replies), num_ctx=2048)


@asynccontextmanager
async def patient(replies: Sequence[str]) -> AsyncIterator[LanguageModel]:
    async with scripted(replies) as model:
        yield YieldingModel(MeasuredModel(model, Instruments()), QuestionPriority())


@pytest.fixture(params=[ollama, openai, scripted, patient])
def opened(request: pytest.FixtureRequest) -> Open:
    open_model: Open = request.param
    return open_model


async def test_it_has_a_name_and_a_context(opened: Open) -> None:
    async with opened([]) as model:
        assert model.name
        assert model.num_ctx > 0


async def test_an_answer_in_pieces_is_whole(opened: Open) -> None:
    text = "Bees dance [1].\n꿀벌은 춤춘다 [2]."
    async with opened([text]) as model:
        pieces = [piece async for piece in model.stream(PROMPT, max_tokens=100)]
        assert len(pieces) > 1
        assert "".join(pieces) == text


async def test_an_answer_that_is_cut_says_so(opened: Open) -> None:
    text = "Bees dance in the hive, and the others fly to the flowers. " * 9
    async with opened([text]) as model:
        cut = "".join([piece async for piece in model.stream(PROMPT, max_tokens=20)])
        assert len(cut) < len(text)
        assert cut.endswith(CUT_OFF)


async def test_replies_come_one_after_the_other(opened: Open) -> None:
    async with opened(["One.", json.dumps({"topic": "Two"}), "Three."]) as model:
        assert "".join([p async for p in model.stream(PROMPT, max_tokens=100)]) == "One."
        told = await model.complete(PROMPT, max_tokens=100, schema=SCHEMA)
        assert json.loads(told) == {"topic": "Two"}
        assert "".join([p async for p in model.stream(PROMPT, max_tokens=100)]) == "Three."


async def test_one_may_stop_listening(opened: Open) -> None:
    async with opened(["Bees dance and dance.", "Next."]) as model:
        async with aclosing(model.stream(PROMPT, max_tokens=100)) as pieces:
            await anext(pieces)
        assert "".join([p async for p in model.stream(PROMPT, max_tokens=100)]) == "Next."


async def test_tokens_grow_with_the_text(opened: Open) -> None:
    async with opened([]) as model:
        assert model.tokens("") == 0
        assert 0 < model.tokens("bees") <= model.tokens("bees dance") < model.tokens("꿀벌 " * 99)


async def test_a_prompt_longer_than_the_context_is_refused_and_not_cut(opened: Open) -> None:
    async with opened(["never", "never"]) as model:
        long = (Message("user", "bees dance " * model.num_ctx),)
        with pytest.raises(PromptTooLong) as caught:
            [_ async for _ in model.stream(long, max_tokens=100)]
        assert caught.value.tokens > caught.value.num_ctx
        with pytest.raises(PromptTooLong):
            await model.complete(long, max_tokens=100, schema=SCHEMA)
