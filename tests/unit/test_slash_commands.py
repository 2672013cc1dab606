"""Every slash command."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import get_args

import pytest

from bot.chat import Where
from bot.config import Config
from bot.discord_adapter.slash_commands import COMMANDS
from bot.handlers.public_posts import PAUSE_S
from bot.words import Words
from core.config import Retention
from core.errors import UnknownJob
from core.export.formats import Format
from core.model import Video
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, SAID
from tests.harness.scene import (
    ADA,
    BEES_LINK,
    BOB,
    ELSEWHERE,
    HERE,
    MODERATOR,
    QUEEN,
    Scene,
    Speaker,
    in_korean,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN, KO = Words("en"), Words("ko")
MANY = [Video(f"{n:011}", f"Talk number {n:02}", duration_s=60.0) for n in range(23)]


async def library(scene: Scene, videos: list[Video], where: Where = HERE) -> None:
    """The channel knows them."""
    for video in videos:
        await scene.store.videos.save(video)
        await scene.store.library.add(where.channel, video.id)


async def offered(scene: Scene, name: str, option: str, typed: str = "", **more) -> list[str]:
    event = scene.command_event(name, **more)
    return [label for label, _ in await scene.handlers.suggest(event, option, typed)]


@pytest.mark.parametrize("person", [ADA, in_korean(BOB)])
@virtually
async def test_every_command_works_in_an_empty_channel(person, tmp_path):
    async with open_scene(tmp_path) as scene:
        for command in COMMANDS:
            options = {option.name: "bees" for option in command.options}
            told = await scene.command(command.name, author=person, **options)
            assert told, command.name
            words = Words(person.language or "en")
            assert words("errors.unexpected.message") not in told, command.name
            assert "fake:" not in told


@virtually
async def test_an_unknown_command_is_answered_with_help(tmp_path):
    async with open_scene(tmp_path) as scene:
        assert await scene.command("dance") == EN("chat.help")


@virtually
async def test_watch_opens_a_thread_and_summarise_hangs_it_on_the_message(tmp_path):
    async with open_scene(tmp_path) as scene:
        assert await scene.command("watch", link=f"<{BEES_LINK}>") == EN("chat.begun")
        event = scene.command_event("summarise")
        event = replace(event, message_id="of somebody", text=f"See {BEES_LINK} and then some")
        await scene.handlers.command(event)
        await scene.settle()
        assert len(scene.chat.threads) == 2
        parents = [
            e.parent for e in scene.store.outbox_entries.effects.values() if e.kind == "thread"
        ]
        assert parents == ["", "of somebody"]


@pytest.mark.parametrize("text", ["", "no link", "https://vimeo.com/1", "\ud800" * 500])
@virtually
async def test_watch_without_a_link_says_so(text, tmp_path):
    async with open_scene(tmp_path) as scene:
        told = await scene.command("watch", link=text)
        assert told.startswith(EN("chat.messages.not_a_link"))


@virtually
async def test_watch_with_a_language_summarises_in_it(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("watch", link=BEES_LINK, language="ko")
        await scene.settle()
        thread = scene.inside(f"a/{scene.chat.threads[0].id}")
        assert KO("labels.topic") in scene.summary(thread).draft.text


@virtually
async def test_search_links_each_place_to_its_second(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        told = await scene.command("search", words="queen")
        assert told.startswith(EN("hits.said", query="queen"))
        assert f"(https://youtu.be/{BEES.id}?t=5)" in told
        assert (await scene.command("search", words=" ")).startswith(
            EN("errors.empty_question.message")
        )


@pytest.mark.parametrize(
    ("page", "first", "count"),
    [
        *[(page, 22, 10) for page in ("", "1", "-1", "two", "²", "9" * 50)],
        *[("2", 12, 10), ("3", 2, 3), ("99", 2, 3)],
    ],
)
@virtually
async def test_videos_are_listed_page_by_page_newest_first(page, first, count, tmp_path):
    async with open_scene(tmp_path) as scene:
        await library(scene, MANY)
        told = await scene.command("videos", page=page)
        numbers = [int(n) for n in re.findall(r"number (\d+)", told)]
        assert numbers == list(range(first, first - count, -1))
        assert re.search(r"Page \d of 3", told)


@virtually
async def test_summary_shows_a_video_again_for_everybody(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.watched("https://youtu.be/bbbbbbbbbbb")
        for where, options, video_id in (
            (HERE, {}, "bbbbbbbbbbb"),
            (thread, {}, BEES.id),
            (HERE, {"video": BEES.id}, BEES.id),
            (HERE, {"video": BEES_LINK}, BEES.id),
            (HERE, {"video": "BEES DANCE"}, "bbbbbbbbbbb"),
        ):
            assert await scene.command("summary", where, **options) == EN("chat.begun")
            await scene.settle()
            assert scene.chat.messages[-1].place == where.place
            assert f"/{video_id}?" in scene.chat.messages[-1].draft.text
            await asyncio.sleep(PAUSE_S)
        assert len(scene.chat.threads) == 2


@pytest.mark.parametrize("form", get_args(Format))
@virtually
async def test_transcript_is_a_file_in_each_format(form, tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        event = scene.command_event("transcript", format=form)
        draft = await scene.handlers.command(event)
        assert draft.file.name == f"{BEES.id}.{form}"
        assert "Nora Lee" in draft.file.text


@virtually
async def test_an_export_holds_what_was_said_about_the_video_there_and_nowhere_else(tmp_path):
    async with open_scene(tmp_path) as scene:
        threads = [await scene.watched() for _ in range(2)]
        await scene.write(QUEEN, threads[0])
        await scene.settle()
        said = []
        for thread in threads:
            event = scene.command_event("transcript", thread, format="md")
            said.append(QUEEN in (await scene.handlers.command(event)).file.text)
        assert said == [True, False]


@virtually
async def test_chapters_are_links_to_their_second(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        assert f"(https://youtu.be/{BEES.id}?t=0)" in await scene.command("chapters")


@virtually
async def test_a_video_of_another_channel_is_unknown(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched(where=ELSEWHERE)
        await library(scene, MANY[:1])
        for name in ("summary", "transcript", "chapters", "forget"):
            told = await scene.command(name, author=MODERATOR, video=BEES.id)
            assert "/videos" in told, name
            assert BEES.title not in told


@virtually
async def test_translate_needs_a_model_and_a_known_language(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        assert await scene.command("translate", language="ko") == EN("chat.no_model")
        assert "Korean" in await scene.command("translate", language="Klingon")
    async with open_scene(tmp_path, model=Speaker("")) as scene:
        await scene.watched()
        assert await scene.command("translate", language="korean") == EN("chat.begun")
        await scene.settle()
        assert KO("labels.topic") in scene.shown(HERE)[-1].draft.text
        assert await scene.store.videos.summary(BEES.id, "speaker ko")


@virtually
async def test_status_lists_only_this_channels_jobs(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        assert await scene.command("status") == EN("jobs.none")
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        assert "How bees dance: Transcribing" in await scene.command("status")
        assert await scene.command("status", ELSEWHERE) == EN("jobs.none")
        transcriber.go_on.set()
        await scene.settle()


@pytest.mark.parametrize(
    ("author", "may"), [(ADA, True), (MODERATOR, True), (BOB, False)], ids=["own", "mod", "other"]
)
@virtually
async def test_a_job_is_cancelled_by_whoever_asked_for_it_or_a_moderator(author, may, tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        [(label, job_id)] = await scene.handlers.suggest(scene.command_event("cancel"), "job", "")
        assert label == "How bees dance"
        told = await scene.command("cancel", author=author, job=job_id)
        assert told == (EN("jobs.cancelled", job=label) if may else EN("chat.may_not"))
        transcriber.go_on.set()
        await scene.settle()
        assert (scene.chat.messages[0].draft.text == EN("chat.stopped")) == may


@virtually
async def test_a_job_of_another_channel_is_unknown_and_so_is_one_that_is_over(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        [job] = await scene.core.pending()
        told = await scene.command("cancel", ELSEWHERE, MODERATOR, job=job.id)
        assert told.startswith(EN("chat.messages.unknown_job"))
        assert await offered(scene, "cancel", "job", where=ELSEWHERE) == []
        transcriber.go_on.set()
        await scene.settle()
        told = await scene.command("cancel", author=MODERATOR, job=job.id)
        assert told.startswith(EN("chat.messages.unknown_job"))
        with pytest.raises(UnknownJob):
            await scene.core.cancel(job.id)


@virtually
async def test_one_job_need_not_be_named_and_of_two_none_is_cancelled_by_mistake(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(f"{BEES_LINK} https://youtu.be/bbbbbbbbbbb")
        await asyncio.sleep(5)
        assert len(await scene.core.pending()) == 2
        told = await scene.command("cancel")
        assert told.startswith(EN("chat.messages.unknown_job"))
        assert await scene.command("cancel", job="bbbbbbbbbbb")
        assert await scene.command("cancel") == EN("jobs.cancelled", job=BEES.title)
        await scene.settle()
        assert await scene.core.pending() == []


@pytest.mark.parametrize(
    ("author", "left"), [(ADA, ["Bob"]), (BOB, ["Ada"]), (MODERATOR, [])], ids=lambda v: str(v)
)
@virtually
async def test_cancelling_a_video_that_several_people_requested_cancels_only_ones_own(
    author, left, tmp_path
):
    async with open_scene(tmp_path, transcriber=WaitingTranscriber(*SAID)) as scene:
        for person in (ADA, BOB):
            await scene.write(BEES_LINK, author=person)
        await asyncio.sleep(5)
        told = await scene.command("cancel", author=author, job=BEES.id)
        assert told == EN("jobs.cancelled", job=BEES.title)
        await asyncio.sleep(5)
        people = {ADA.id: ADA.name, BOB.id: BOB.name}
        undone = await scene.store.requests.open("fake")
        assert [people[request.origin.person] for request in undone] == left


@virtually
async def test_an_invalid_switch_changes_nothing(tmp_path):
    async with open_scene(tmp_path) as scene:
        before = await scene.command("settings", author=MODERATOR)
        assert await scene.command("settings", author=MODERATOR, links="perhaps") == before
        assert await scene.command("settings", author=MODERATOR, links="No") != before


@virtually
async def test_forget_is_for_moderators_and_deletes_bindings_and_buttons(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        summary = scene.summary(thread)
        assert await scene.command("forget", video=BEES.id) == EN("chat.may_not")
        told = await scene.command("forget", author=MODERATOR, video="bees")
        assert told == EN("videos.forgotten", count=1)
        assert await scene.command("videos") == EN("chat.no_videos")
        told = await scene.press(summary, summary.draft.buttons[0].label)
        assert told.text == EN("chat.unknown_button")
        assert await scene.store.bindings.find("fake", thread.place) is None


@virtually
async def test_forget_forgets_nothing_by_mistake(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        assert await scene.command("forget", author=MODERATOR) == EN("chat.which_video")
        await scene.watched("https://youtu.be/bbbbbbbbbbb")
        told = await scene.command("forget", author=MODERATOR, video="bees")
        assert told == EN("chat.which_video")
        scene.world.copies.held = 1
        told = await scene.command("forget", thread, MODERATOR)
        assert told == f"{EN('videos.forgotten', count=1)}\n\n{EN('videos.copies')}"
        scene.world.copies.held = 0
        told = await scene.command("forget", author=MODERATOR, video="bees")
        assert told == EN("videos.forgotten", count=1)


@virtually
async def test_a_pinned_video_is_marked_in_the_list_until_it_is_unpinned(tmp_path):
    config = Config(retention=Retention(days=30))
    async with open_scene(tmp_path, config=config) as scene:
        thread = await scene.watched()
        await library(scene, MANY[:1])
        for name in ("pin", "unpin"):  # for who may forget
            assert await scene.command(name, video=BEES.id) == EN("chat.may_not")
            told = await scene.command(name, author=MODERATOR)
            assert told == EN("chat.which_video")
            assert "/videos" in await scene.command(name, author=MODERATOR, video="unknown")
        told = await scene.command("pin", thread, MODERATOR)
        assert told == EN("videos.pinned", title=BEES.title)
        listed = (await scene.command("videos")).splitlines()
        assert [line[0] for line in listed] == ["•", "📌", "V"]
        assert listed[-1] == EN("videos.kept", days=30)
        told = await scene.command("unpin", author=in_korean(MODERATOR), video="bees")
        assert told == KO("videos.unpinned", title=BEES.title)
        assert "• " in (await scene.command("videos")).splitlines()[1]


@virtually
async def test_forget_also_stops_a_running_job(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        assert await offered(scene, "forget", "video", "bees") == ["How bees dance"]
        assert await offered(scene, "summary", "video", "bees") == []
        told = await scene.command("forget", author=MODERATOR, video=BEES.id)
        assert told == EN("videos.forgotten", count=1)
        await scene.settle()
        assert scene.chat.messages[0].draft.text == EN("chat.stopped")
        assert await scene.command("videos") == EN("chat.no_videos")
        assert await scene.core.pending() == []


@virtually
async def test_a_video_forgotten_just_before_a_kill_is_not_started_again(tmp_path, monkeypatch):
    fetcher, transcriber = FakeFetcher(BEES), WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, fetcher=fetcher, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        forget = scene.core.forget

        async def forget_and_die(channel: str, video_id: str) -> list[str]:
            await scene.end()  # nobody hears that the work was stopped
            return await forget(channel, video_id)

        monkeypatch.setattr(type(scene.core), "forget", lambda _, *about: forget_and_die(*about))
        await scene.command("forget", author=MODERATOR, video=BEES.id)
        transcriber.go_on.set()
        await scene.begin()
        await scene.settle()
        assert fetcher.calls.count("download") == 1


@virtually
async def test_autocomplete_offers_at_most_25_values_of_this_channel_only(tmp_path):
    async with open_scene(tmp_path) as scene:
        more = [Video(f"x{n:010}", f"Other {n}") for n in range(10)]
        await library(scene, MANY)
        await library(scene, more)
        await library(scene, [BEES], ELSEWHERE)
        assert len(await offered(scene, "summary", "video")) == 25
        assert await offered(scene, "summary", "video", "BER 07") == ["Talk number 07"]
        assert await offered(scene, "summary", "video", "bees") == []
        assert await offered(scene, "summary", "video", "bees", where=ELSEWHERE) == [BEES.title]
        assert await offered(scene, "translate", "language", "kor") == ["Korean"]
        assert await offered(scene, "translate", "language", author=in_korean(ADA)) == [
            "영어",
            "한국어",
        ]


@virtually
async def test_help_says_what_can_be_done(tmp_path):
    async with open_scene(tmp_path) as scene:
        assert await scene.command("help") == EN("chat.help")
        assert await scene.command("help", author=in_korean(ADA)) == KO("chat.help")


@virtually
async def test_a_title_without_letters_is_offered_by_its_id(tmp_path):
    fetcher = FakeFetcher(replace(BEES, title=""))
    async with open_scene(tmp_path, fetcher=fetcher) as scene:
        await scene.watched()
        assert await offered(scene, "summary", "video") == [BEES.id]
