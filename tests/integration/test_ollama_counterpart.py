"""The Ollama counterpart refuses and truncates what Ollama does, so tests against it are valid."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.counterparts.ollama.server import Break, Model, OllamaServer, lecture, running

LONG = [{"role": "user", "content": "bees dance " * 3000}]


async def chat(server: OllamaServer, **fields: Any) -> httpx.Response:
    body = {"model": "qwen3:8b", "messages": [{"role": "user", "content": "Bees?"}], **fields}
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.post("/api/chat", json=body)


def parts(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"keep_alive": "300"}, "missing unit"),
        ({"keep_alive": "-1"}, "missing unit"),
        ({"think": True}, "does not support thinking"),
        ({"messages": [{"role": "user", "content": 3}]}, "is not of type"),
        ({"messages": [{"role": "bee", "content": "x"}]}, "is not one of"),
        ({"options": {"num_ctx": "2048"}}, "is not of type"),
        ({"model": "llama9"}, "not found"),
        ({"messages": LONG, "truncate": False}, "exceeds the available context size"),
        ({"messages": LONG, "shift": False}, "the prompt is longer than the context length"),
    ],
)
async def test_it_refuses(fields: dict[str, Any], told: str) -> None:
    async with OllamaServer(lecture) as server:
        response = await chat(server, **fields)
    assert response.status_code == (404 if "model" in fields else 400)
    assert told in response.json()["error"]


@pytest.mark.parametrize("kept", ["5m", "1h30m", "-1m", "0", 300, -1, 0])
async def test_it_takes_every_form_of_keep_alive_that_ollama_takes(kept: object) -> None:
    async with OllamaServer(lecture) as server:
        assert (await chat(server, keep_alive=kept)).status_code == 200
    assert server.breaches == []


async def test_an_unknown_key_passes_but_is_a_breach() -> None:
    async with OllamaServer(lecture) as server:
        response = await chat(server, num_ctx=2048, options={"numctx": 2048})
        assert response.status_code == 200
    assert server.breaches == ["/api/chat: unknown key num_ctx", "/api/chat: unknown option numctx"]


async def test_a_long_prompt_is_cut_to_half_the_context_without_a_word() -> None:
    seen: list[str] = []

    def listen(messages: list[dict[str, Any]], _: object) -> str:
        seen.append(messages[-1]["content"])
        return "Fine."

    async with OllamaServer(listen) as server:
        response = await chat(server, messages=LONG)
    assert response.status_code == 200
    assert parts(response)[-1]["prompt_eval_count"] in range(2048, 2056)
    assert LONG[0]["content"].endswith(seen[0])


async def test_old_messages_go_first_and_system_stays() -> None:
    told = [{"role": "system", "content": "Be short."}, *LONG, {"role": "user", "content": "Bees?"}]
    async with OllamaServer(lecture) as server:
        response = await chat(server, messages=told)
    assert parts(response)[-1]["prompt_eval_count"] < 30


async def test_a_thinking_model_thinks_unless_told_not_to() -> None:
    async with OllamaServer(["Yes.", "Yes."], {"qwen3:8b": Model(thoughts="Hm.")}) as server:
        thought = [p["message"].get("thinking") for p in parts(await chat(server))]
        silent = [p["message"].get("thinking") for p in parts(await chat(server, think=False))]
    assert thought[0] == "Hm"
    assert set(silent) == {None}


async def test_a_stream_may_end_with_an_error_or_without_an_end() -> None:
    async with OllamaServer([Break("error", "Be"), Break("end", "Be")]) as server:
        broken, ended = parts(await chat(server)), parts(await chat(server))
    assert list(broken[-1]) == ["error"]
    assert [part["done"] for part in ended] == [False]


async def test_more_chats_than_replies_are_a_breach() -> None:
    async with OllamaServer([]) as server:
        assert (await chat(server)).status_code == 500
    assert len(server.breaches) == 1


def test_in_a_thread_it_answers_from_the_numbered_lines() -> None:
    told = [
        {"role": "system", "content": "Else reply with the single word NONE."},
        {"role": "user", "content": "[1] Bees dance in Verona.\n[2] The Amber froze in May."},
    ]
    with running(OllamaServer(lecture)) as server:
        for question, answer in (
            ("When did the Amber freeze?", "The Amber froze in May. [2]"),
            ("Who won the chess match?", "NONE"),
        ):
            asked = {"role": "user", "content": f"Question: {question}\n\nAnswer in English."}
            body = {"model": "qwen3:8b", "messages": [*told, asked]}
            response = httpx.post(f"{server.url}/api/chat", json=body)
            said = "".join(part["message"]["content"] for part in parts(response))
            assert said == answer
    first, second = server.prompts
    assert first.partition("When")[0] == second.partition("Who")[0]


def test_by_itself_it_prints_its_address() -> None:
    command = [sys.executable, "-m", "tests.counterparts.ollama.server", "--model", "llama9"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
            told = httpx.get(f"{url}/api/tags").json()
            assert told["models"][0]["name"] == "llama9"
        finally:
            process.terminate()
