"""An invented talk: its transcript, and what a language model makes of it."""

from __future__ import annotations

from pathlib import Path

from core.model import Segment, Video
from core.ports import Prompt
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.language_model import ScriptedModel
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import FakeCore

TALK = Video(
    "waggledance",
    "How bees tell each other the way",
    "The Hive",
    582.0,
    hashtags=("#bees", "#waggledance", "#beekeeping"),
    thumbnail_url="https://i.ytimg.com/vi/waggledance/hqdefault.jpg",
)
_SAID = (
    (0, "A bee that has found flowers comes home and dances on the comb, in the dark."),
    (41, "Karl von Frisch watched these dances for forty years and read them first."),
    (78, "The dance is a straight run, in which the bee waggles, and a loop back to its start."),
    (124, "The angle of the run against gravity is the angle of the food against the sun."),
    (171, "Straight up means: fly towards the sun. Straight down means: fly away from it."),
    (214, "The length of the run is the distance: one second of waggling is about a kilometre."),
    (263, "The sun moves, and the bee that dances for an hour corrects its angle all the while."),
    (312, "Nobody sees anything in the hive: the others follow with their antennae."),
    (356, "Young bees that grow up without older dancers get the distance wrong all their lives."),
    (407, "So a part of this language is learnt, as a bird learns its song."),
    (451, "A swarm also dances when it looks for a new home, and the dances are a vote."),
    (498, "The scouts of a bad place soon stop, those of a good one dance on and win others."),
    (540, "When enough scouts meet at one place, the swarm flies: a quorum, not a queen, decides."),
)
SAID = tuple(
    Segment(float(start), float(end) - 2, text)
    for (start, text), end in zip(_SAID, [*(s for s, _ in _SAID[1:]), 582], strict=True)
)
QUESTION = "How do they know how far it is?"
_MAP = [
    {"text": "Karl von Frisch watched the dances for forty years.", "segment": 2},
    {"text": "The sun moves, and the bee corrects its angle all the while.", "segment": 7},
]
_LEARNT = [{"text": "A part of the language is learnt, as a bird learns its song.", "segment": 10}]
_SWARM = [{"text": "Scouts of a bad place soon stop, others win.", "segment": 12}]
_SUMMARY = {
    "topic": "How a bee that has found food dances the direction and the distance to the others.",
    "points": [
        {"text": "The angle of the run against gravity is the angle to the sun.", "segment": 4},
        {"text": "One second of waggling is about a kilometre.", "segment": 6},
        {"text": "The others follow the dance with their antennae, in the dark.", "segment": 8},
        {
            "text": "Bees without older dancers get the distance wrong for life.",
            "segment": 9,
        },
        {"text": "A swarm votes for its new home by dancing: a quorum decides.", "segment": 13},
    ],
    "chapters": [
        {"title": "A map, danced in the dark", "segment": 1, "points": _MAP},
        {"title": "What is learnt and what is not", "segment": 8, "points": _LEARNT},
        {"title": "A swarm decides", "segment": 11, "points": _SWARM},
    ],
    "hashtags": [],
    "questions": [
        "How does the dance show the direction?",
        "What must young bees learn?",
        "How does a swarm choose its home?",
    ],
}
_ANSWER = (
    "By the length of the straight run: one second of waggling is about a kilometre. [6] "
    "Bees that grow up without older dancers get it wrong all their lives, so a part of it is "
    "learnt. [9][10]"
)
_NEXT = {
    "questions": [
        "How do the others follow the dance?",
        "What if the sun moves?",
        "Who read the dance first?",
    ]
}


def model_says(prompt: Prompt) -> str | dict[str, object]:
    """Return what a model might reply, by its task."""
    task = prompt[-1].text
    if task.startswith("Question:"):
        return _ANSWER
    return _NEXT if "ask next" in task else _SUMMARY


def world(scratch: Path) -> FakeCore:
    """Return a core in which the talk is transcribed."""
    return FakeCore(
        scratch,
        fetcher=FakeFetcher(TALK),
        transcriber=FakeTranscriber(*SAID, duration_s=TALK.duration_s),
        model=ScriptedModel(model_says, name="qwen3:8b"),
    )
