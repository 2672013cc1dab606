"""Read the replies of real models that the evaluation recorded, each with what it was about."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from core.model import Passage, Transcript, Video
from tests.eval import datasets, ingests
from tests.eval.datasets import DATA, Recording

_QUESTION = re.compile(r"Question: (.*)")


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """`kind`: Answer, or a class of core/language_model/replies.py. `passages`: of the prompt, in
    its order; a video of a whole recording has the recording's id."""

    kind: str
    model: str
    passages: tuple[Passage, ...]
    task: str
    text: str

    @property
    def question(self) -> str:
        """The question of an answer."""
        found = _QUESTION.match(self.task)
        assert found, self.task
        return found[1]

    @property
    def video(self) -> Video:
        return self.passages[0].video

    @property
    def transcript(self) -> Transcript:
        """The first passage as a video of its own."""
        return Transcript(self.video.id, "en", "captions", self.passages[0].segments)


@cache
def recorded_replies(kind: str = "") -> tuple[RecordedReply, ...]:
    """Return all replies, or those of one kind. The first call takes seconds (it cuts every
    meeting into sentences), so a module calls this inside its tests."""
    if kind:
        return tuple(reply for reply in recorded_replies() if reply.kind == kind)
    recordings = _recordings()
    return tuple(
        _read(json.loads(line), recordings)
        for file in sorted((DATA / "replies").glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    )


def _recordings() -> dict[str, Recording]:
    talks = datasets.short_talks()
    whole = [*talks, *ingests.parts(talks), *datasets.lectures(), *datasets.meetings()]
    return {recording.video.id: recording for recording in whole}


def _read(line: dict, recordings: dict[str, Recording]) -> RecordedReply:
    recording = recordings[line["recording"]]
    passages = tuple(
        Passage(recording.video, recording.sentences[first:after])
        for first, after in line["sentences"]
    )
    return RecordedReply(line["kind"], line["model"], passages, line["task"], line["reply"])


def mutated(text: str, random: Random) -> str:
    """Return the reply after one to four faults of the kinds that models and servers make."""
    for _ in range(random.randint(1, 4)):
        text = random.choice(_FAULTS)(text, random)
    return text


def _cut(text: str, random: Random) -> str:
    return text[: random.randint(0, len(text))]


def _without_a_piece(text: str, random: Random) -> str:
    first = random.randint(0, len(text))
    return text[:first] + text[first + random.randint(1, 9) :]


def _looping(text: str, random: Random) -> str:
    first = random.randint(0, len(text))
    return text[:first] + text[first : first + random.randint(1, 80)] * random.randint(2, 30)


def _with_junk(text: str, random: Random) -> str:
    at = random.randint(0, len(text))
    return text[:at] + random.choice(JUNK) + text[at:]


def _with_other_numbers(text: str, random: Random) -> str:
    return re.sub(r"\d+", lambda found: random.choice((found[0], *NUMBERS)), text)


def _shuffled(text: str, random: Random) -> str:
    words = text.split(" ")
    first = random.randint(0, len(words))
    middle = words[first : first + 12]
    random.shuffle(middle)
    return " ".join([*words[:first], *middle, *words[first + 12 :]])


def _with_another(text: str, random: Random) -> str:
    other = random.choice(recorded_replies()).text
    return text + other if random.random() < 0.5 else other[: random.randint(0, len(other))] + text


JUNK = (
    *('"', "\\", "{", "}", "[", "]", "],", "null", "\n", "\n\n", "```json\n", "```", "<think>"),
    *("[0]", "[-1]", "[999999]", "[1-9]", "[1][2][3][4]", "[²]", "(12:30)", "NONE", "None."),
    *("https://evil.example/x", "[here](https://evil.example)", "@everyone", "<@1234>", "**", "# "),
    *(
        "\x00",
        "\u202e",
        "\ud7ff",
        "�",
        "춤을 춥니다. ",
        "質問は何ですか。",
        "<|im_end|>",
        "TRANSCRIPT>>>",
    ),
    *(
        "In 1987 Ada Lovelace flew to Peru. ",
        "1. ",
        "- ",
        "e.g. ",
        "...",
        "?!",
        " " * 50,
        "a" * 600,
    ),
)
NUMBERS = ("0", "-1", "7", "41", "1e9", "99999999999999999999", "3.5", "12:30", "null", '"x"', "[]")
_FAULTS: Sequence[Callable[[str, Random], str]] = (
    _cut,
    _without_a_piece,
    _looping,
    _with_junk,
    _with_other_numbers,
    _shuffled,
    _with_another,
)
