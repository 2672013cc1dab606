"""A small YouTube for whole-program tests: lectures, and links that fail."""

from __future__ import annotations

from pathlib import Path

from tests.counterparts.youtube.pages import DOWN, Answer, Recording, Track, json3
from tests.counterparts.youtube.site import Site, tone

LECTURE, PRIVATE, LIVE = "lecture0001", "private0001", "livestream1"
WHALES = "lecture0002"
CAPTIONED, HUM, CUT_SHORT = "captioned01", "justahum001", "cutshort001"
REMOVED = "removed0001"
QUESTION = "Who invented the brown glass of Fenwick?"
ANSWER = "The brown glass of Fenwick was invented by Laura Foster."
"""Said in LECTURE, at second 11."""

_EXAMPLES = Path(__file__).parents[3] / "examples"
_LECTURE_FILE = _EXAMPLES / "lecture-2min-us.flac"
_WHALES_FILE = Path(__file__).parents[2] / "assets" / "lecture-10min-us.opus"
_FIFTH = 350_000
"""Bytes of the first two minutes; an Ogg file can be cut anywhere."""
_HUM = tone("webm")
_SAID = (
    (0, 4000, "Bees dance to show where the flowers are."),
    (4000, 4000, "The angle of the dance is the direction of the food."),
    (8000, 4000, "The longer the dance, the further away the food."),
)

SITE = Site(
    {
        LECTURE: Recording(
            title="A short lecture",
            duration_s=120,
            # yt-dlp takes the extension from YouTube; the content decides how it is decoded.
            media=_LECTURE_FILE.read_bytes() if _LECTURE_FILE.exists() else b"",
        ),
        WHALES: Recording(
            title="A lecture about whales",
            duration_s=119,
            media=_WHALES_FILE.read_bytes()[:_FIFTH] if _WHALES_FILE.exists() else b"",
        ),
        PRIVATE: Recording(playability={"status": "LOGIN_REQUIRED", "reason": "Private video"}),
        REMOVED: Recording(playability={"status": "ERROR", "reason": "Video unavailable"}),
        LIVE: Recording(details={"isLive": True}, media=_HUM),
        # The audio is blocked; only the captions remain.
        CAPTIONED: Recording(
            duration_s=12,
            tracks=(
                Track(".en", "en", json3(*_SAID)),
                Track(".de.DLpTm1EsEcg", "de", json3((0, 900, "Biene"))),
                Track("a.en", "en", json3((0, 900, "B"))),
            ),
            translations=("de", "en", "fr"),
            media=_HUM,
            faults={"media": Answer(status=403)},
        ),
        HUM: Recording(media=_HUM),
        CUT_SHORT: Recording(media=_HUM, faults={"media": DOWN}),
    }
)
