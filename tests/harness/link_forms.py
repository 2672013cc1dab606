"""The forms of YouTube's links that are known, and messages of every other kind."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
ALPHABET = string.ascii_letters + string.digits + "-_"
FORMS = tuple((ASSETS / "youtube-links.txt").read_text("utf-8").split())
"""Sixty, each with `{id}` in the place of the video's id."""
AROUND = (
    "{}",
    "look: {} please",
    "<{}>",
    "({})",
    "{} 요약해줘",
    "**{}**",
    "{}.",
    "“{}”",
    "a\n{}\nb",
)
ELSEWHERE = (
    "https://youtube.com.evil.example/watch?v={id}",
    "https://evil-youtube.com/watch?v={id}",
    "https://youtube.com@evil.example/watch?v={id}",
    "https://www.youtube.com:pass@evil.example/watch?v={id}",
    "https://evil.example/?u=https://youtu.be/{id}",
    "https://evil.example/youtu.be/{id}",
    "https://evil.example#youtu.be/{id}",
    "https://evil.example\\@youtube.com/watch?v={id}",
    "https://www.youtube.com/redirect?q=https%3A%2F%2Fevil.example&v={id}",
    "https://yоutube.com/watch?v={id}",
    "https://youtube.com:8080/watch?v={id}",
    "https://youtu.be.evil.example/{id}",
    "https://notyoutu.be/{id}",
    "https://vimeo.com/{id}",
    "file:///etc/passwd?v={id}",
    "file://youtu.be/{id}",
    "data:text/html,youtu.be.{id}",
    "ftp://youtube.com/watch?v={id}",
    "http://[::1]/watch?v={id}",
    "http://127.0.0.1:8080/watch?v={id}",
    "http://169.254.169.254/latest/meta-data/?v={id}",
    "http://2130706433/watch?v={id}",
    "ytsearch:{id}",
    "ytsearch10:{id} bees",
    ":ytfav",
    "smb://evil.example/{id}",
    "--exec=touch /tmp/{id}",
    "-o /tmp/x --batch-file /etc/passwd {id}",
    "https://www.youtube.com/playlist?list=PL{id}",
    "https://www.youtube.com/@{id}",
    "https://www.youtube.com/channel/UC{id}{id}",
    "https://www.youtube.com/results?search_query={id}",
    "https://www.youtube.com/embed/videoseries?list={id}",
    "https://www.douyu.com/{id}",
    "{id}",
)
"""What leads elsewhere, or to no video."""
INSERTED = (
    *("\u200b", "\u200d", "\u202e", "\u202c", "\u2066", "\ufeff", "\0", "\x1b[31m", "\n", "\r"),
    *("%00", "%2F", "..", "\\", "'", '"', "`", "$(id)", ";", "|", "&&", "<", ">", "한", "é", "𝕪"),
    *(
        "\ud800",
        "\N{HORIZONTAL ELLIPSIS}",
        "？",
        "／",
        "．",
        "。",
        "@evil.example",
        "://",
        "#",
        "?",
        "&v=",
    ),
)
PIECES = (
    *INSERTED,
    *"htps:/w.v=?&#@<>()[] ,",
    "youtu.be/",
    "https://",
    "youtube.com/watch?v=",
    "evil.example",
)
OPTION_LIKE = ("-rf--------", "--exec_____", "-----------", "___________", "0x000000000")
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Sample:
    """A message. `ids`: of the videos that it links to; None where only its words decide."""

    kind: str
    text: str
    ids: tuple[str, ...] | None


def samples(count: int, seed: int) -> Iterator[Sample]:
    """Messages of every kind, drawn by `seed`; each hundredth has a megabyte."""
    dice = random.Random(seed)
    kinds = (_link, _elsewhere, _elsewhere, _elsewhere, _broken, _noise, _noise)
    for number in range(count):
        yield _long(dice) if number % 100 == 99 else dice.choice(kinds)(dice)


def _id(dice: random.Random) -> str:
    if dice.random() < 0.1:
        return dice.choice(OPTION_LIKE)
    return "".join(dice.choices(ALPHABET, k=11))


def _link(dice: random.Random) -> Sample:
    video_id = _id(dice)
    link = dice.choice(FORMS).format(id=video_id)
    return Sample("link", dice.choice(AROUND).format(link), (video_id,))


def _elsewhere(dice: random.Random) -> Sample:
    text = dice.choice(ELSEWHERE).format(id=_id(dice))
    return Sample("elsewhere", dice.choice(AROUND).format(text), ())


def _broken(dice: random.Random) -> Sample:
    """A link with something in it."""
    text = dice.choice((*FORMS, *ELSEWHERE)).format(id=_id(dice))
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(INSERTED) + text[at:]
    return Sample("broken", text, None)


def _noise(dice: random.Random) -> Sample:
    pieces = dice.choices(PIECES, k=dice.randint(0, 40))
    letters = (chr(dice.randrange(0x20, 0x3000)) for _ in range(dice.randint(0, 20)))
    return Sample("noise", "".join(dice.sample([*pieces, *letters], len(pieces))), None)


def _long(dice: random.Random) -> Sample:
    piece = dice.choice(PIECES) + dice.choice(PIECES)
    return Sample("long", piece * (MEGABYTE // len(piece)), None)
