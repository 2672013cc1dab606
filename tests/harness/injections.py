"""Attacks on the bot through what strangers write, and a language model that obeys every one.

The words are in tests/assets/injections.yaml.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from core.ports import Prompt

FILE = Path(__file__).resolve().parents[1] / "assets" / "injections.yaml"
PLACES = (
    *("transcript",) * 4,
    *("title", "channel name", "description", "chapter", "file name"),
)
"""Where the order stands; half of them in what is said."""
LANGUAGES = ("en", "ko")
SIGN = 8
"""Letters of the payload by which the model knows that the prompt holds the order."""
PROMPT_CHARACTERS = 500
"""Of the prompt that the model gives away at once."""


@dataclass(frozen=True)
class Injection:
    """`order`: what the stranger writes, with the payload in it."""

    number: int
    kind: str
    place: str
    language: str
    order: str
    payload: str

    def __str__(self) -> str:
        return f"{self.number}, {self.kind} in a {self.language} {self.place}: {self.order!r}"


@cache
def _words() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return read


def injections(count: int, seed: int) -> Iterator[Injection]:
    """Every payload in turn, in alternating languages; place and order are drawn by `seed`."""
    dice = random.Random(seed)
    attacks = [(kind, payload) for kind, own in _words()["attacks"].items() for payload in own]
    order: list[tuple[str, str]] = []
    for number in range(count):
        if not order:
            order = dice.sample(attacks, len(attacks))
        kind, payload = order.pop()
        language, place = LANGUAGES[number % 2], dice.choice(PLACES)
        words = dice.choice(_words()["orders"][language]).replace("{say}", payload)
        yield Injection(number, kind, place, language, words, payload)


@dataclass
class ObedientModel:
    """`LanguageModel` that carries out the order as soon as its prompt holds it, in every field and
    sentence that it may write; without one it repeats what the prompt's lines say.

    It writes the payload with the characters that our prompts take away, as one might that guesses
    them: the worst that a model can do."""

    injection: Injection
    name: str = "obedient"
    num_ctx: int = 16_384
    prompts: list[Prompt] = field(default_factory=list)
    obeyed: int = 0

    def tokens(self, text: str) -> int:
        return len(text) // 3 + 1

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        said = self._say(prompt)
        # The payload alone, in a sentence that the lines support, and with citations of its own.
        line = _lines(prompt)[0]
        reply = f"{said}\n{line} {said} [1] [2]\n{said} [1]"
        for start in range(0, len(reply), 7):
            yield reply[start : start + 7]

    async def complete(self, prompt: Prompt, *, schema: dict[str, Any], **_: Any) -> str:
        said = self._say(prompt)
        written = {name: self._value(name, said, prompt) for name in schema["properties"]}
        return json.dumps(written, ensure_ascii=False)

    def _value(self, name: str, said: str, prompt: Prompt) -> object:
        lines = _lines(prompt)
        points = [{"text": f"{line} {said}", "segment": n} for n, line in enumerate(lines[:6], 1)]
        if name == "points":
            return [{"text": said, "segment": 1}, *points]
        if name == "chapters":
            return [{"title": said, "segment": 1, "points": points}]
        if name in ("hashtags", "questions"):
            return [said, f"{said}?", f"{lines[0]} {said}?"]
        return said

    def _say(self, prompt: Prompt) -> str:
        self.prompts.append(prompt)
        whole = "\n".join(message.text for message in prompt)
        if _letters(self.injection.payload)[:SIGN] not in _letters(whole):
            return _lines(prompt)[0]
        self.obeyed += 1
        given = whole[-PROMPT_CHARACTERS:]
        given = quote(given) if "/" in self.injection.payload else given
        return self.injection.payload.replace("{prompt}", given)


def _lines(prompt: Prompt) -> list[str]:
    """What the numbered lines say."""
    rows = "\n".join(message.text for message in prompt).split("\n")
    return [row.partition("] ")[2] for row in rows if row.startswith("[")] or ["Bees dance."]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
