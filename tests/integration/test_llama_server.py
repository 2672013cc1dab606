"""The OpenAI backend on a real llama.cpp server with a small real model.

What the model writes is nonsense; what counts is the protocol. Also checks that the counterpart
refuses with the server's own words.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

from core.backends.openai.client import OpenAi
from core.config import Llm
from core.errors import ModelKeyRefused, ModelNotServed, PromptTooLong
from core.language_model.replies import NotesDraft, parse, schema
from core.ports import CUT_OFF, Message
from tests.counterparts.openai import rules
from tests.harness.llama_server import ALIAS, llama_server
from tests.harness.real_models import FetchFailed, fetch

NUM_CTX, KEY = 1024, "sk-bees"
SAID = ("The bees of the old hive dance for their sisters", "and the sisters fly to the flowers")
LINES = "\n".join(f"[{n}] {SAID[n % 2]} where the river turns." for n in range(1, 17))
ASKED = (Message("system", "Answer from the lines."), Message("user", LINES))


def absent(reason: str) -> Any:
    """Skip; on CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the smallest real model; the first time, fetch it (98 MB)."""
    if find_spec("xllamacpp") is None:
        absent("no xllamacpp on this machine")
    try:
        folder = fetch("smollm2-135m")
    except FetchFailed as error:
        absent(f"no model: {error}")
    with llama_server(folder / "model.gguf", NUM_CTX, api_key=KEY) as url:
        yield url


async def ask(url: str, path: str, body: object, key: str = KEY) -> httpx.Response:
    """Ask the server without our backend."""
    async with httpx.AsyncClient(
        headers={"Authorization": f"Bearer {key}"} if key else {}
    ) as client:
        return await client.post(f"{url}/{path}", json=body)


def model_at(url: str, **settings: Any) -> OpenAi:
    return OpenAi(Llm(**{"url": url, "model": ALIAS, "api_key": KEY, **settings}))


async def test_a_reply_streams_and_the_next_prompt_is_read_from_the_cache(url: str) -> None:
    model = model_at(url)
    facts = await model.check()
    assert (model.num_ctx, facts.can_stop_thoughts, facts.is_private) == (NUM_CTX, True, True)
    before = model.tokens(LINES)
    *pieces, end = [piece async for piece in model.stream(ASKED, max_tokens=8)]
    assert 1 < len(pieces) <= 8
    assert end == CUT_OFF
    assert model.tokens(LINES) != before, "the count of the prompt teaches the estimate"
    follow_up = (*ASKED, Message("user", "Question: How long?"))
    assert [piece async for piece in model.stream(follow_up, max_tokens=4)]
    await model.close()
    counted = (await ask(url, "tokenize", {"content": LINES})).json()["tokens"]
    assert model.cached_tokens is not None
    assert model.cached_tokens >= len(counted) > 150


async def test_a_schema_is_obeyed(url: str) -> None:
    model = model_at(url)
    asked = (*ASKED, Message("user", "Take notes as JSON: two points, no chapters."))
    reply = await model.complete(asked, max_tokens=400, schema=small_notes())
    await model.close()
    draft = parse(reply, NotesDraft, [float(n) for n in range(16)])
    assert draft.points
    assert draft.chapters == []


def small_notes() -> dict[str, object]:
    """The notes' schema, so small that a weak model comes to its end."""
    asked = schema(NotesDraft)
    properties: Any = asked["properties"]
    definitions: Any = asked["$defs"]
    properties["points"] |= {"minItems": 1, "maxItems": 2}
    properties["chapters"] |= {"maxItems": 0}
    definitions["PointDraft"]["properties"]["text"] |= {"maxLength": 30}
    definitions["PointDraft"]["properties"]["segment"] |= {"minimum": 1, "maximum": 9}
    return asked


async def test_a_prompt_that_is_too_long_is_refused_with_the_servers_count(url: str) -> None:
    model = model_at(url, num_ctx=65_536)
    long = (Message("user", "bees dance " * 2000),)
    with pytest.raises(PromptTooLong) as caught:
        [_ async for _ in model.stream(long, max_tokens=8)]
    await model.close()
    assert caught.value.num_ctx == NUM_CTX
    assert caught.value.tokens > 2000
    body = {"model": ALIAS, "messages": [{"role": "user", "content": long[0].text}]}
    told = await ask(url, "v1/chat/completions", body)
    assert told.json() == rules.too_long("llamacpp", caught.value.tokens, 8, NUM_CTX)


async def test_a_wrong_key_and_a_model_that_is_not_served_are_refused(url: str) -> None:
    stranger = model_at(url, api_key="sk-wasps")
    with pytest.raises(ModelKeyRefused):
        await stranger.check()
    with pytest.raises(ModelKeyRefused):
        await stranger.complete(ASKED, max_tokens=8, schema=small_notes())
    await stranger.close()
    other = model_at(url, model="llama9")
    with pytest.raises(ModelNotServed) as caught:
        await other.check()
    await other.close()
    assert caught.value.served == (ALIAS,)
    told = await ask(url, "v1/chat/completions", {}, key="")
    assert (told.status_code, told.json()) == (401, rules.refused_key("llamacpp", ""))
