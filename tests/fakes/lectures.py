"""This file reads a recorded lecture's known truth: its sentences, topics and facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from core.model import Citation, Passage, Segment, Transcript, Video


@dataclass(frozen=True)
class Fact:
    """A question the lecture answers, and the sentences a citation may lie in."""

    question: str
    answer: str
    gold: tuple[Segment, ...]

    def is_hit_by(self, citations: tuple[Citation, ...], slack_s: float = 0.1) -> bool:
        """Whether a citation lies inside a gold sentence."""
        return any(
            sentence.start_s - slack_s <= citation.start_s
            and citation.end_s <= sentence.end_s + slack_s
            for citation in citations
            for sentence in self.gold
        )


@dataclass(frozen=True)
class Lecture:
    """What was said, as if heard without a mistake, one segment a sentence."""

    video: Video
    transcript: Transcript
    facts: tuple[Fact, ...]
    topics: tuple[tuple[str, float], ...]
    """(topic, second it begins), without the greeting at the start and the thanks at the end."""

    @property
    def passage(self) -> Passage:
        return Passage(self.video, self.transcript.segments)


def read_lecture(path: Path) -> Lecture:
    """`path`: the .json beside the recording."""
    truth = json.loads(path.read_text("utf-8"))
    said = tuple(Segment(s["start"], s["end"], s["text"]) for s in truth["sentences"])
    video = Video(
        f"file-{path.stem[-11:]}", path.stem, "Lectures", truth["duration"], file_name=path.stem
    )
    facts = tuple(
        Fact(fact["question"], fact["answer"], tuple(said[i] for i in fact["gold"]))
        for fact in truth["facts"]
    )
    topics = tuple((part["topic"], part["start"]) for part in truth["parts"][1:-1])
    return Lecture(video, Transcript(video.id, "en", "whisper", said), facts, topics)
