"""Read a lecture's reference data: its sentences, topics and facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import av

from core.model import Citation, Passage, Segment, Transcript, Video

LECTURES = ("examples/lecture-2min-us", "assets/lecture-10min-us", "assets/lecture-10min-f2")
_KOREAN = (
    "안녕하세요, 오늘은 꿀벌에 대해 이야기하겠습니다.",
    "꿀벌은 벌집에서 춤을 춥니다.",
    "춤은 꽃이 있는 방향을 알려 줍니다.",
    "카를 폰 프리슈는 1944년에 춤을 해독했습니다.",
    "여왕벌은 하루에 알을 이천 개 낳습니다.",
    "벌집의 온도는 삼십오 도입니다.",
    "말벌은 종이로 집을 짓습니다.",
    "들어 주셔서 감사합니다.",
)
KOREAN_VIDEO = Video("beesbeesbee", "꿀벌의 춤", hashtags=("#꿀벌",))
KOREAN_SEGMENTS = tuple(Segment(10.0 * i, 10.0 * i + 9, text) for i, text in enumerate(_KOREAN))
KOREAN_PASSAGE = Passage(KOREAN_VIDEO, KOREAN_SEGMENTS)


@dataclass(frozen=True)
class Fact:
    """A question that the lecture answers, and the gold sentences in which a citation counts as a
    hit."""

    question: str
    answer: str
    gold: tuple[Segment, ...]

    def is_hit_by(self, citations: tuple[Citation, ...], slack_s: float = 0.1) -> bool:
        """Whether any citation lies inside a gold sentence."""
        return any(
            sentence.start_s - slack_s <= citation.start_s
            and citation.end_s <= sentence.end_s + slack_s
            for citation in citations
            for sentence in self.gold
        )


@dataclass(frozen=True)
class Lecture:
    """A lecture with a perfect transcript, one segment per sentence."""

    video: Video
    transcript: Transcript
    facts: tuple[Fact, ...]
    topics: tuple[tuple[str, float], ...]
    """(topic, start second), without the greeting at the start and the thanks at the end."""

    @property
    def passage(self) -> Passage:
        return Passage(self.video, self.transcript.segments)


def read_lecture(path: Path) -> Lecture:
    """Read a lecture. `path`: the .json file beside the recording."""
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


def read_lectures(examples: Path, assets: Path) -> dict[str, Lecture]:
    """Read the English lectures, keyed by their names in LECTURES."""
    folders = {"examples": examples, "assets": assets}
    parts = {name: name.split("/") for name in LECTURES}
    return {name: read_lecture(folders[at] / f"{file}.json") for name, (at, file) in parts.items()}


def write_beginning(recording: Path, folder: Path, topics: int) -> Path:
    """Write the recording and its reference data up to the end of the first topics, and return the
    new recording. It has the same name and is as good as heard: the packets are copied."""
    truth = json.loads(recording.with_suffix(".json").read_text("utf-8"))
    parts = truth["parts"][: topics + 1]
    after = truth["parts"][topics + 1]
    truth["parts"] = [*parts, after | {"topic": "end"}]
    truth["sentences"] = truth["sentences"][: after["first"]]
    truth["facts"] = [fact for fact in truth["facts"] if max(fact["gold"]) < after["first"]]
    end_s = (parts[-1]["end"] + after["start"]) / 2
    truth["duration"] = end_s
    written = folder / recording.name
    with av.open(str(recording)) as source, av.open(str(written), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.pts is None or packet.pts * packet.time_base >= end_s:
                break
            packet.stream = stream
            copy.mux(packet)
    written.with_suffix(".json").write_text(json.dumps(truth), "utf-8")
    return written
