"""This file holds how we look on a chat platform: within its limits, whatever a video is like, and
never as somebody else would have us look.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from bot.chat import Button, Draft
from bot.discord_adapter.markdown import DiscordMarkdown
from bot.handlers.buttons import button_id
from bot.rendering.chat_messages import MessageRenderer
from bot.words import Words
from core import errors
from core.chat_records import ChatSettings
from core.config import Language
from core.errors import CoreError
from core.model import (
    ELSEWHERE,
    Answer,
    Chapter,
    Citation,
    Job,
    Order,
    Place,
    Point,
    Progress,
    Ready,
    SearchResult,
    Segment,
    Summary,
    Transcript,
    Video,
)
from tests.fakes.chat import FakeChat
from tests.harness.virtual_loop import run_virtually

HOSTILE = [
    "How bees dance",
    "",
    "@everyone " * 12,
    "[free](https://evil.example) **bold** <@1> <#2> :bee:",
    "# Heading\n> quote\n```code```",
    "😀" * 100,
    "꿀벌은 왜 8자로 춤을 출까요? " * 8,
    "\x00\x1b[31m\u202e\ud800 title",
    "_" * 100,
]
titled = pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))


class DiscordLike(FakeChat):
    style = DiscordMarkdown()


def renderer(chat: FakeChat | None = None, language: Language = "en") -> MessageRenderer:
    return MessageRenderer(chat or FakeChat(), Words(language))


def shown(*drafts: Draft) -> str:
    """What people read of them, after a strict platform took each."""
    chat = FakeChat()

    async def post_all() -> None:
        for n, draft in enumerate(drafts):
            await chat.post("a", draft, str(n))

    run_virtually(post_all())
    return "\n".join(chat.texts("a"))


def ready(title: str = "How bees dance", chapters: int = 3, hours: float = 12, **changes) -> Ready:
    step = hours * 3600 / max(chapters, 1)
    video = Video("aaaaaaaaaaa", title, title, hours * 3600)
    parts = tuple(
        Chapter(title, n * step, (n + 1) * step, (Point(title * 3, n * step),) * 3)
        for n in range(chapters)
    )
    summary = Summary(
        title, (Point(title, 0.0),) * 5, parts, (title, "bees"), ("Why?",) * 3, "en", 60.0, title
    )
    said = (Segment(0.0, 4.0, "Bees dance."), Segment(5.0, hours * 3600, "They do."))
    transcript = Transcript(video.id, "en", "whisper", said)
    return Ready(video, transcript, replace(summary, **changes))


def buttons(count: int) -> list[Button]:
    return [Button(str(n), f"Button {n}") for n in range(count)]


@pytest.mark.parametrize("style", [FakeChat, DiscordLike])
@pytest.mark.parametrize("chapters", [0, 3, 200])
@titled
def test_every_summary_is_taken_by_the_platform_and_is_whole(style, chapters, title):
    drafts = renderer(style()).summary(ready(title, chapters), buttons(6))
    text = shown(*drafts)
    assert [len(draft.buttons) for draft in drafts] == [0] * (len(drafts) - 1) + [6]
    assert [draft.card is not None for draft in drafts] == [True] + [False] * (len(drafts) - 1)
    step = 12 * 3600 / max(chapters, 1)
    for n in range(chapters):
        assert f"?t={int(n * step)}" in text
    assert "Covers 1:00 of 12:00:00" in text.replace("\\", "")
    assert "Spoken language: English" in text


def test_a_summary_tells_who_heard_and_who_wrote():
    [draft] = renderer(language="ko").summary(ready(engine="extractive"), [])
    words = Words("ko")
    assert words("sources.whisper") in draft.text
    assert words("engines.extractive") in draft.text
    assert words("chat.values.en") in draft.text


def test_an_empty_summary_still_tells_what_stands_behind_it():
    empty = ready("", 0, topic="", points=(), hashtags=(), questions=())
    text = shown(*renderer().summary(empty, []))
    assert text.startswith("Covers")


@titled
def test_a_summary_is_sent_in_pieces_that_a_message_without_a_card_takes(title):
    first, *others = renderer().summary(ready(title, 100), [])
    assert others
    assert len(first.text) > FakeChat.text_limit


@titled
@pytest.mark.parametrize("style", [FakeChat, DiscordLike])
def test_lists_of_hostile_titles_fit_and_lose_none(title, style):
    ours = renderer(style())
    videos = [Video(f"{n:011}", title, duration_s=3600) for n in range(10)]
    places = tuple(Place(video, (Segment(0, 9, title * 20),), 1.0) for video in videos)
    order = Order("k", videos[0].id, "", "a", "en")
    jobs = [Job(str(n), order, Progress("wait")) for n in range(30)]
    listed = shown(ours.videos(videos, 2, 7))
    assert all(f"/{video.id}" in listed for video in videos)
    assert "Page 2 of 7" in listed
    found = shown(ours.hits(title, SearchResult(places[:5], places[5:8])))
    assert found.count("•") == 8
    told = shown(ours.jobs(jobs, {videos[0].id: title}))
    assert told.count("•") == 10
    assert "20 more" in told


def test_a_long_sentence_that_was_found_is_shown_where_it_says_the_words():
    video = Video("aaaaaaaaaaa", "Bees")
    text = "and so on " * 40 + "a queen of the hive."
    found = shown(
        renderer().hits("queen hive", SearchResult((Place(video, (Segment(7, 9, text),), 1),)))
    )
    assert "a queen of the hive" in found
    assert "t=7" in found


@titled
def test_no_title_pings_or_becomes_markup_on_discord(title):
    ours = renderer(DiscordLike())
    answer = Answer("", title + " [1]", (cited(title),), (), grounded=True, engine="x")
    place = Place(Video("aaaaaaaaaaa", title), (Segment(0, 9, title),), 1.0)
    text = shown(
        *ours.summary(ready(title), []),
        *ours.answer(answer, {"aaaaaaaaaaa": title}, []),
        ours.asked(title or "Ada", title + "?"),
        ours.videos([Video("aaaaaaaaaaa", title)], 1, 1),
        ours.hits(title, SearchResult((place,), (place,), (title,), ("keyword_only",))),
    )
    assert "@everyone" not in text
    assert "evil.example)" not in re.sub(r"\\.", "", text)
    assert not re.search(r"(?<!\\)<[@#]", text)
    assert not re.search(r"(?m)^(?:#|>|```)", text)
    assert not re.search(r"[\x00-\x08\x1b\u202e\ud800]", text)


@titled
def test_a_thread_has_a_title_within_the_limit(title):
    assert 0 < len(renderer().title(Video("aaaaaaaaaaa", title * 3))) <= 100
    assert renderer().title(None) == "Video"


def cited(quote: str, video_id: str = "aaaaaaaaaaa", n: int = 1) -> Citation:
    return Citation(n, video_id, 5.0, 9.0, quote, f"https://youtu.be/{video_id}?t=5")


def test_each_citation_of_an_answer_is_linked_to_its_second_and_names_its_video():
    citations = (cited("One.", n=1), cited("Two.", "bbbbbbbbbbb", n=2))
    answer = Answer("Why?", "So [1], and so [2].", citations, (), grounded=True, engine="x")
    titles = {"aaaaaaaaaaa": "Bees", "bbbbbbbbbbb": "Ants"}
    [draft] = renderer().answer(answer, titles, [])
    assert r"[\[1\]](https://youtu.be/aaaaaaaaaaa?t=5)" in draft.text
    assert "“One.” — “Bees”" in draft.text
    assert "“Two.” — “Ants”" in draft.text


def test_an_answer_from_other_videos_says_so_first():
    answer = Answer("Why?", "So.", (cited("One."),), (), grounded=True, engine="x")
    answer = replace(answer, notes=("keyword_only", ELSEWHERE))
    [draft] = renderer().answer(answer, {"aaaaaaaaaaa": "Bees", "bbbbbbbbbbb": "Ants"}, [])
    words = Words("en")
    assert draft.text.startswith(words(f"notes.{ELSEWHERE}"))
    assert draft.text.endswith(words("notes.keyword_only"))
    assert "“One.” — “Bees”" in draft.text


@pytest.mark.parametrize("citations", [(cited("One."), cited("Two.", n=2)), ()])
def test_where_one_video_was_asked_it_is_named_once_whatever_is_cited(citations):
    answer = Answer("Why?", "So it is.", citations, (), grounded=True, engine="x")
    [draft] = renderer().answer(answer, {"aaaaaaaaaaa": "Bees"}, [])
    assert draft.text.count("Bees") == 1
    assert "About “Bees”" in draft.text


def test_a_long_answer_becomes_several_messages_and_the_last_has_the_buttons():
    text = "\n\n".join(f"Sentence {n} of the answer [1]." for n in range(300))
    answer = Answer("Why?", text, (cited("So."),), (), grounded=True, engine="x")
    drafts = renderer().answer(answer, {}, buttons(3))
    assert all(f"Sentence {n} of" in shown(*drafts) for n in range(300))
    assert [bool(draft.buttons) for draft in drafts] == [False] * (len(drafts) - 1) + [True]
    assert len(drafts) > 5


@pytest.mark.parametrize("text", ["", "  \n ", "\u202e", "\x00"])
def test_an_answer_without_words_says_that_the_video_says_nothing(text):
    answer = Answer("Why?", text, (), (), grounded=False, engine="x")
    assert Words("en")("labels.not_in_video") in shown(*renderer().answer(answer, {}, []))


@pytest.mark.parametrize("text", ["", " ", "\u202e"])
def test_an_answer_that_has_not_begun_shows_no_message(text):
    assert renderer().growing(text) == []


@pytest.mark.parametrize("length", [1, 2000, 4000])
@pytest.mark.parametrize("sign", ["?", "@", "꿀", "😀", "_"])
def test_a_question_of_any_length_is_shown_as_asked_by_its_person(sign, length):
    assert shown(renderer().asked("Ada", sign * length)).startswith("Ada asked: ")


def test_a_video_without_chapters_says_so():
    assert renderer().chapters(ready(chapters=0)).text == "This video has no chapters."


@titled
def test_chapters_that_do_not_fit_come_as_a_file(title):
    draft = renderer().chapters(ready(title, 200))
    assert shown(draft)
    assert draft.file
    assert draft.file.text.count("\n") >= 199


@pytest.mark.parametrize("fraction", [0, 0.25, 0.5, 1])
def test_a_bar_moves_from_left_to_right(fraction):
    video = Video("aaaaaaaaaaa", "Bees", thumbnail_url="https://i.ytimg.com/a.jpg")
    draft = renderer().progress(video, Progress("transcribe", fraction, 62.0))
    bar = draft.text.splitlines()[0]
    assert bar == "▰" * int(12 * fraction) + "▱" * int(12 - 12 * fraction)
    assert "Transcribing" in draft.text
    assert "1:02 left" in draft.text
    assert draft.card
    assert draft.card.thumbnail_url == "https://i.ytimg.com/a.jpg"


OF_THE_TERMINAL = {errors.NotABackup, errors.NoBackup, errors.BackupTooNew, errors.NotSqlite}


def kinds(of: type[CoreError] = CoreError) -> list[type[CoreError]]:
    found = [kind for below in of.__subclasses__() for kind in (below, *kinds(below))]
    return [kind for kind in found if kind.__subclasses__() == [] and kind not in OF_THE_TERMINAL]


def made(kind: type[CoreError]) -> CoreError:
    """With a fact in every field."""
    values = {"float": 5.0, "int": 7, "str": "fact", "tuple[str, ...]": ("KR",)}
    names = inspect.signature(kind).parameters.values()
    return kind(**{name.name: values[str(name.annotation)] for name in names})


def test_no_error_tells_people_in_a_chat_to_use_the_terminal():
    wrong = []
    for language, kind in product(get_args(Language), [*kinds(), errors.WorkerFailed]):
        text = shown(renderer(language=language).failed(made(kind), ready().video))
        text = text.replace("\\", "")
        words = ("tubethread ", "make ", "ollama ", "--", "config.yaml", "doctor", "{")
        if any(word in text for word in words) or len(text.splitlines()) != 2:
            wrong.append((language, kind.__name__, text))
    assert not wrong


def test_a_command_is_named_as_people_type_it_on_the_platform():
    localising = FakeChat()
    localising.localised_commands = True
    assert "/videos" in renderer(language="ko").failed(errors.UnknownVideo("x")).text
    assert "/영상목록" in renderer(localising, "ko").failed(errors.UnknownVideo("x")).text
    assert "/설정" in renderer(localising, "ko").say("chat.may_not").text
    assert "/settings" in renderer(localising, "en").say("chat.may_not").text


def test_what_nobody_foresaw_is_told_without_details():
    assert "secret" not in renderer().failed(ValueError("secret /home/ada")).text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_setting_has_words(language):
    for habits in (
        ChatSettings(),
        ChatSettings(links=True, mention_only=False, language="ko", watch="everyone"),
        ChatSettings(links=False, language="en", ask="moderators", forget="moderators"),
    ):
        assert len(shown(renderer(language=language).habits(habits)).splitlines()) == 6


def test_a_buttons_id_is_the_same_whenever_it_is_made_and_tells_nothing():
    ids = {button_id(key, n) for key in ("r1", "r2") for n in (0, 1)}
    assert button_id("r1", 0) in ids
    assert len(ids) == 4
    assert all(re.fullmatch(r"[0-9a-f]{24}", one) for one in ids)
