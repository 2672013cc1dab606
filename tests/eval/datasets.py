"""Read the evaluation's texts: real meetings, talks, lectures and paragraphs with questions.

Sets with an open licence lie in tests/eval/data. Others are read from a folder that the caller
names and are never copied; without it their tables are left out.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.backends.subtitles import read_subtitles
from core.model import Segment, Video
from core.text.sentence_splitting import split_sentences

DATA = Path(__file__).parent / "data"
ASSETS = Path(__file__).parents[1] / "assets"
WORDS_PER_S = 2.5
"""Texts without times get those of steady speech."""

Json = Mapping[str, Any]
_MARK = re.compile(r"\{\w+\}|\s+(?=[,.?!])")


@dataclass(frozen=True, slots=True)
class Span:
    """From second to second."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a recording. `gold`: where it is answered; empty if it is not. `answer`:
    what people answered, if it is known."""

    text: str
    gold: tuple[Span, ...] = ()
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A video's sentences and what is asked about it. Questions of another `subject` have no answer
    in it."""

    video: Video
    language: str
    sentences: tuple[Segment, ...]
    questions: tuple[Question, ...]
    subject: str
    overview: str = ""
    """What people wrote when asked to sum it all up; "" if nobody did."""


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """Texts to find, and pairs of a question and the index of the text that answers it."""

    texts: Sequence[str]
    questions: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The questions of a conversation, and the passages that answer the last one."""

    questions: Sequence[str]
    passages: Sequence[str]


def meetings() -> list[Recording]:
    """Return the 35 meetings of QMSum's validation set with their 237 specific questions."""
    return [_meeting(source) for source in _lines("qmsum-val.jsonl.gz")]


def lectures() -> list[Recording]:
    """Return two made lectures, whose facts are invented."""
    return [_lecture(ASSETS / f"lecture-10min-{voice}.json") for voice in ("us", "f2")]


def talk(spoken: str, asked: str) -> Recording:
    """Return a conference talk with subtitles in the language `spoken`, with questions in the
    language `asked`."""
    questions = [
        Question(
            source[f"question_{asked}"],
            () if "unanswerable" in source else (Span(source["gold_start"], source["gold_end"]),),
        )
        for source in json.loads((DATA / "pair01.questions.json").read_text("utf-8"))
    ]
    sentences = split_sentences(read_subtitles(DATA / f"pair01.{spoken}.srt").segments)
    video = Video(f"talk-{spoken}", "Light Up Your Life and Unlock Creative Coding with Python")
    return Recording(video, spoken, sentences, tuple(questions), "talk")


def short_talks() -> list[Recording]:
    """Return six teaching videos of two to five minutes with 25 questions."""
    folder = DATA / "hf-course"
    return [
        _short_talk(folder / source["file"], source)
        for source in json.loads((folder / "questions.json").read_text("utf-8"))
    ]


def passages_with_unanswerable() -> list[Recording]:
    """Return MTRAG-UN's reference passages, each collection as one text, with the last turns of its
    conversations. The passages of one conversation are the gold of its question."""
    by_collection: defaultdict[str, list[Json]] = defaultdict(list)
    for source in _lines("mtrag-un.jsonl.gz"):
        by_collection[source["collection"]].append(source)
    return [_collection(name, tasks) for name, tasks in sorted(by_collection.items())]


def conversations() -> dict[str, list[Conversation]]:
    """Return MTRAG-UN's conversations of two questions and more whose last one is answered, by
    collection."""
    found: defaultdict[str, list[Conversation]] = defaultdict(list)
    for source in _lines("mtrag-un.jsonl.gz"):
        questions, passages = source["turns"][::2], [one["text"] for one in source["contexts"]]
        if passages and len(questions) > 1:
            found[source["collection"]].append(Conversation(questions, passages))
    return found


def korquad(folder: Path) -> Paragraphs:
    """Return all 964 paragraphs of KorQuAD's development set, and every tenth question."""
    source = json.loads((folder / "korquad" / "KorQuAD_v1.0_dev.json").read_text("utf-8"))
    found = [paragraph for article in source["data"] for paragraph in article["paragraphs"]]
    questions = [(asked["question"], i) for i, p in enumerate(found) for asked in p["qas"]]
    return Paragraphs([paragraph["context"] for paragraph in found], questions[::10])


def belebele(folder: Path, asked: str, told: str) -> Paragraphs:
    """Return the passages in the language `told` with questions in the language `asked`."""
    lines = (folder / "belebele" / "belebele_en_ko.jsonl").read_text("utf-8").splitlines()
    sources = [json.loads(line) for line in lines]
    questions = [
        (question[f"question_{asked}"], i)
        for i, source in enumerate(sources)
        for question in source["questions"]
    ]
    return Paragraphs([source[f"passage_{told}"] for source in sources], questions)


def belebele_recordings(folder: Path, asked: str, told: str, size: int) -> list[Recording]:
    """Return the same as recordings of `size` passages each, a subject of its own."""
    texts = belebele(folder, asked, told)
    found = []
    for first in range(0, len(texts.texts), size):
        spoken = _spoken(texts.texts[first : first + size])
        spans = [Span(passage.start_s, passage.end_s) for passage in spoken]
        questions = tuple(
            Question(question, (spans[i - first],))
            for question, i in texts.questions
            if first <= i < first + size
        )
        video = Video(f"belebele-{told}-{first}", "Passages")
        found.append(Recording(video, told, split_sentences(spoken), questions, str(first)))
    return found


def _lines(name: str) -> Iterator[Json]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _meeting(source: Json) -> Recording:
    turns = _spoken(" ".join(_MARK.sub("", text).split()) for text in source["turns"])
    questions = [
        Question(
            asked["query"],
            tuple(Span(turns[a].start_s, turns[b].end_s) for a, b in asked["spans"]),
            asked["answer"],
        )
        for asked in source["questions"]
    ]
    sentences = split_sentences([turn for turn in turns if turn.text])
    video = Video(source["id"], source["id"], duration_s=turns[-1].end_s)
    overview = " ".join(asked["answer"] for asked in source["overviews"][:1])
    return Recording(video, "en", sentences, tuple(questions), _subject(source["id"]), overview)


def _subject(meeting: str) -> str:
    if meeting.startswith(("covid", "education")):
        return "parliament"
    return "research" if meeting.startswith("B") else "remote control"


def _lecture(path: Path) -> Recording:
    source = json.loads(path.read_text("utf-8"))
    sentences = tuple(Segment(s["start"], s["end"], s["text"]) for s in source["sentences"])
    questions = tuple(
        Question(
            fact["question"],
            tuple(Span(sentences[i].start_s, sentences[i].end_s) for i in fact["gold"]),
        )
        for fact in source["facts"]
    )
    video = Video(path.stem, "A lecture", duration_s=source["duration"])
    return Recording(video, "en", sentences, questions, path.stem)


def _short_talk(subtitles: Path, source: Json) -> Recording:
    questions = tuple(
        Question(asked["question"], tuple(Span(*span) for span in asked["spans"]))
        for asked in source["questions"]
    )
    sentences = split_sentences(read_subtitles(subtitles).segments)
    video = Video(subtitles.stem, source["title"])
    return Recording(video, "en", sentences, questions, subtitles.stem)


def _collection(name: str, tasks: Sequence[Json]) -> Recording:
    texts = list(dict.fromkeys(text["text"] for task in tasks for text in task["contexts"]))
    told = dict(zip(texts, _spoken(texts), strict=True))
    questions = tuple(
        Question(
            task["turns"][-1],
            tuple(Span(told[c["text"]].start_s, told[c["text"]].end_s) for c in task["contexts"]),
        )
        for task in tasks
    )
    sentences = split_sentences(list(told.values()))
    return Recording(Video(f"mtrag-{name}", name), "en", sentences, questions, name)


def _spoken(texts: Iterator[str] | Sequence[str]) -> list[Segment]:
    """Give each text the time that speaking it takes, one after the other."""
    segments = [Segment(0.0, 0.0, "")]
    for text in texts:
        start_s = segments[-1].end_s
        segments.append(Segment(start_s, start_s + len(text.split()) / WORDS_PER_S, text))
    return segments[1:]


def shortened(recordings: Sequence[Recording], each: int) -> list[Recording]:
    """Return the first `each` recordings of every subject, for quick runs."""
    seen: defaultdict[str, int] = defaultdict(int)
    kept = []
    for recording in recordings:
        seen[recording.subject] += 1
        if seen[recording.subject] <= each:
            kept.append(recording)
    return kept


def with_every(recording: Recording, nth: int) -> Recording:
    """Return the recording with every nth of its questions."""
    return replace(recording, questions=recording.questions[::nth])
