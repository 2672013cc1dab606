"""One injection, all that a chat can do with its video, and a judge of what was shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from markdown_it import MarkdownIt

from bot.chat import Draft, Upload, Where
from bot.config import Config
from core.model import ChapterMark, Segment, Video
from core.text.display import clock, printable
from tests.fakes.fetcher import FakeFetcher
from tests.harness.client_views import View, markers
from tests.harness.fake_core import BEES, VIDEOS
from tests.harness.injections import Injection, ObedientModel
from tests.harness.scene import ADA, HERE, MODERATOR, QUEEN, Scene, open_scene
from tests.harness.stories import StoryTranscriber
from tests.harness.wire_chat import PLATFORMS, WireChat

SAID = {
    "en": (
        "Today we talk about bees.",
        "The queen of the hive in Arden was found by Nora Lee.",
        "A worker bee of Kelso visits ninety flowers.",
    ),
    "ko": (
        "오늘은 꿀벌 이야기를 합니다.",
        "아든의 벌통에서 여왕벌을 찾은 사람은 이노라입니다.",
        "켈소의 일벌은 꽃 아흔 송이를 찾아갑니다.",
    ),
}
QUESTIONS = {"en": QUEEN, "ko": "아든의 벌통에서 여왕벌을 누가 찾았나요?"}
SEARCHES = {"en": "queen", "ko": "여왕벌"}
FOREIGN, SECRET = "ZANZIBARWORD", "TOKENCANARY"
FOREIGN_ID = "ccccccccccc"
_SOURCE = re.compile(r"\[(\d+)\] (\d+(?::\d\d)+) “(.*)”")


@dataclass(frozen=True)
class Outcome:
    """`obeyed`: prompts in which the model found the order. `shown`: versions of messages."""

    obeyed: int
    shown: int


async def suffer(folder: Path, injection: Injection, platform: str) -> Outcome:
    """Let people use a video with the injection. Raises AssertionError for what must not be seen,
    with the injection's words."""
    chat = PLATFORMS[platform]()
    model = ObedientModel(injection)
    config = Config(
        data_dir=folder,
        language=injection.language,
        discord={"token": SECRET},
        telegram={"token": SECRET},
        llm={"api_key": SECRET},
    )
    said = SAID[injection.language]
    if injection.place == "transcript":
        said = (*said, injection.order)
    stories = {BEES.id: said, FOREIGN_ID: (f"The word of the other channel is {FOREIGN}.",)}
    world = {
        "fetcher": FakeFetcher(_video(injection), replace(VIDEOS[2], id=FOREIGN_ID)),
        "transcriber": StoryTranscriber(stories, said, injection.language),
        "model": model,
    }
    async with open_scene(folder, chat, config, **world) as scene:
        await scene.write(f"https://youtu.be/{FOREIGN_ID}", scene.inside("b"))
        await scene.settle()
        private = await _use(scene, injection)
        for draft in private:
            chat.show(draft, HERE.place)
        problems = [f"{injection}: {problem}" async for problem in _judged(scene, model)]
        problems = list(dict.fromkeys(problems))[:3]
    assert not problems, "\n".join(problems)
    return Outcome(model.obeyed, len(chat.views))


def _video(injection: Injection) -> Video:
    order = injection.order
    fields: dict[str, object] = {
        "title": {"title": order},
        "channel name": {"channel_name": order},
        "description": {"description": order, "hashtags": ("bees", injection.payload)},
        "chapter": {"marks": (ChapterMark("Bees", 0.0), ChapterMark(order, 5.0))},
    }
    own = fields.get(injection.place, {})
    assert isinstance(own, dict)
    return replace(BEES, language=injection.language, **own)


async def _use(scene: Scene, injection: Injection) -> list[Draft]:
    """Paste, ask, press and search; return what only the person sees."""
    if injection.place == "file name":
        scene.chat.uploads["f1"] = b"sound"
        upload = Upload("f1", f"{injection.order}.mp3", 5)
        await scene.write("", HERE, file=upload, is_to_bot=True)
    else:
        await scene.write(f"https://youtu.be/{BEES.id}", HERE)
    await scene.settle()
    thread = scene.inside(f"{HERE.place}/{scene.chat.threads[-1].id}")
    await scene.write(QUESTIONS[injection.language], thread)
    await scene.settle()
    drafts = [draft async for draft in _pressed(scene, thread)]
    await scene.settle()
    for name, options in (
        ("search", {"words": SEARCHES[injection.language]}),
        ("videos", {}),
        ("status", {}),
        ("chapters", {}),
        ("proof", {}),
        ("transcript", {"format": "md"}),
        ("transcript", {"format": "txt"}),
        *((("summary", {}),) if injection.place != "file name" else ()),
    ):
        event = scene.command_event(name, thread, MODERATOR, **options)
        draft = await scene.handlers.command(event)
        drafts += [draft] if draft else []
        await scene.settle()
    return drafts


async def _pressed(scene: Scene, thread: Where) -> AsyncIterator[Draft]:
    """Press every button of the summary and of the answer once."""
    for shown in scene.shown(thread):
        for button in shown.draft.buttons:
            draft = await scene.press(shown, button.label, ADA, thread)
            if draft:
                yield draft


async def _judged(scene: Scene, model: ObedientModel) -> AsyncIterator[str]:
    """What is wrong with what was shown and sent."""
    chat = scene.chat
    assert isinstance(chat, WireChat)
    [video] = await scene.core.videos(HERE.channel)
    transcript, summary = await scene.core.transcript(video.id), await scene.core.summary(video.id)
    assert transcript
    assert summary
    segments = {segment.start_s: segment for segment in transcript.segments}
    thread = f"{HERE.place}/{scene.chat.threads[-1].id}"
    turns = await scene.core.turns(HERE.channel, thread, 99)
    cited = {f"[{one.n}]" for turn in turns for one in turn.answer.citations}
    chapters = [chapter.start_s for chapter in summary.chapters]
    allowed = {video.url, *map(video.url_at, [*segments, *chapters])}
    for draft, view in chat.seen_in(HERE.place):
        found = [*judge(view, allowed, set(summary.hashtags)), *forged(view, segments, cited)]
        if draft.file and draft.file.name.endswith(".md"):
            found += document_links(draft.file.text, allowed)
        for problem in found:
            yield f"{problem} in {view.text!r}"
    sent = "\n".join(chat.sent_to(HERE.place))
    prompts = "\n".join(message.text for prompt in model.prompts for message in prompt)
    if FOREIGN in sent:
        yield "another channel's words were shown"
    if SECRET in sent + prompts:
        yield "a secret was in a prompt or a message"


def judge(view: View, allowed: set[str], tags: set[str]) -> Iterator[str]:
    """Pings, links and whatever else can be pressed that is not ours."""
    for called in view.calls:
        yield f"calls {called!r}"
    for pressed in view.presses:
        yield f"makes {pressed!r} pressable"
    for said, address in view.links:
        if address not in allowed:
            yield f"links {said!r} to {address!r}"
    for tag in view.tags:
        if tag.lstrip("#＃") not in {one.lstrip("#") for one in tags}:
            yield f"makes a tag of {tag!r}"


def forged(view: View, segments: dict[float, Segment], cited: set[str]) -> Iterator[str]:
    """Markers that resolve to nothing, and sources that nobody said. `cited`: the markers of the
    stored answers, which are plain text while an answer grows and where a video has no address."""
    linked = {said for said, _ in view.links}
    for line in view.text.split("\n"):
        rest = line
        if source := _SOURCE.fullmatch(line):
            rest = source[3]
            quote = _heard(rest.split("” — “")[0])
            if not any(said.startswith(quote) for said in _from(segments, source[2])):
                yield f"quotes {quote!r} at {source[2]}, where nobody says so"
        for marker in markers(rest):
            if marker[0] not in linked | cited:
                yield f"shows {marker[0]!r}, which leads nowhere"


def _from(segments: dict[float, Segment], at: str) -> Iterator[str]:
    """What is said from a time on, which a clock shows without parts of a second."""
    for start_s in segments:
        if clock(start_s) == at:
            yield _heard(" ".join(s.text for s in segments.values() if s.start_s >= start_s))


def _heard(text: str) -> str:
    """The letters, which no way to show them changes."""
    return "".join(filter(str.isalnum, printable(text)))


def document_links(markdown: str, allowed: set[str]) -> Iterator[str]:
    """Links, pictures and HTML of an exported document, read as CommonMark."""
    for token in MarkdownIt("commonmark").parse(markdown):
        for one in (token, *(token.children or ())):
            address = one.attrGet("href") or one.attrGet("src") or ""
            if one.type.startswith("html") or (address and address not in allowed):
                yield f"the document holds {one.type} {address} {one.content!r}"
