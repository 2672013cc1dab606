"""Permissions, quotas and languages, and how often they are read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Person, Press, Upload, Where
from bot.config import Config, Discord, Quotas
from bot.handlers.policy import merged
from bot.handlers.public_posts import PAUSE_S
from bot.words import Words
from core.chat_records import ChatSettings
from core.errors import StoreBroken
from core.export.document import Markdown
from tests.fakes.chat import FakeChat, Shown
from tests.harness.fake_core import BEES
from tests.harness.scene import (
    ADA,
    BEES_LINK,
    BOB,
    ELSEWHERE,
    HERE,
    MODERATOR,
    QUEEN,
    Scene,
    in_korean,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN, KO = Words("en"), Words("ko")
OTHER_SERVER = Where("x", "fake:x", "another server")
PRIVATE = Where("p", "fake:p")

marked = Markdown().text
"""As our words stand in a message."""


def test_each_setting_comes_from_the_first_layer_that_has_it():
    near, far = ChatSettings(links=False, ask="moderators"), ChatSettings(links=True, language="ko")
    assert merged([near, far]) == ChatSettings(links=False, language="ko", ask="moderators")
    assert merged([]) == ChatSettings()


class CountedPort:
    """A port of the store that counts its calls by name."""

    def __init__(self, port: Any) -> None:
        self.port = port
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self.port, name)


@asynccontextmanager
async def counted_scene(tmp_path: Path) -> AsyncIterator[tuple[Scene, CountedPort, CountedPort]]:
    """A scene with its settings and bindings, which count from now on."""
    async with open_scene(tmp_path) as scene:
        scene.store.settings = settings = CountedPort(scene.store.settings)
        scene.store.bindings = bindings = CountedPort(scene.store.bindings)
        await scene.restart()
        yield scene, settings, bindings


@virtually
async def test_a_message_that_is_not_for_the_bot_reads_no_settings_and_one_binding(tmp_path):
    async with counted_scene(tmp_path) as (scene, settings, bindings):
        await scene.watched()
        settings.calls.clear()
        bindings.calls.clear()
        await scene.write("Good morning", HERE)
        assert (settings.calls.total(), bindings.calls.total()) == (0, 1)
        await scene.write("Good morning", scene.inside("a/some thread"), reply_to="m")
        assert (settings.calls.total(), bindings.calls.total()) == (0, 2)
        await scene.write("", HERE, file=Upload("f", "photo.jpg"))
        assert (settings.calls.total(), bindings.calls.total()) == (0, 2)


@virtually
async def test_a_message_that_is_for_the_bot_reads_the_settings_once(tmp_path):
    async with counted_scene(tmp_path) as (scene, settings, _):
        thread = await scene.watched()
        links = f"{BEES_LINK} https://youtu.be/bbbbbbbbbbb https://youtu.be/ccccccccccc"
        for text, where, is_to_bot in (
            (links, HERE, False),
            (BEES_LINK, thread, False),
            (QUEEN, thread, False),
            (QUEEN, HERE, True),
            ("", HERE, True),
        ):
            settings.calls.clear()
            await scene.write(text, where, is_to_bot=is_to_bot)
            await scene.settle()
            assert settings.calls == {"get": 1}, text
        await scene.command("settings", author=MODERATOR, links="false")
        settings.calls.clear()
        await scene.write(f"Is it this one? {BEES_LINK}", thread)
        await scene.settle()
        assert settings.calls == {"get": 1}


@virtually
async def test_a_press_reads_the_settings_once(tmp_path):
    async with counted_scene(tmp_path) as (scene, settings, _):
        thread = await scene.watched()
        summary = scene.summary(thread)
        for button in summary.draft.buttons:
            settings.calls.clear()
            await scene.press(summary, button.label)
            await scene.settle()
            assert settings.calls == {"get": 1}, button.label


@virtually
async def test_a_command_reads_the_settings_once(tmp_path):
    async with counted_scene(tmp_path) as (scene, settings, _):
        thread = await scene.watched()
        for name, options in (
            ("watch", {"link": BEES_LINK}),
            ("ask", {"question": QUEEN}),
            ("summary", {}),
            ("translate", {"language": "ko"}),
            ("videos", {}),
            ("settings", {}),
            ("forget", {"video": "nothing"}),
            ("help", {}),
        ):
            settings.calls.clear()
            await scene.command(name, thread, **options)
            await scene.settle()
            assert settings.calls == {"get": 1}, name
        for options in ({"links": "false"}, {"links": "true", "for_": "server"}, {"reset": "on"}):
            settings.calls.clear()
            await scene.command("settings", author=MODERATOR, **options)
            assert settings.calls == {"get": 1, "save": 1}


@virtually
async def test_channel_settings_override_server_settings_override_defaults(tmp_path):
    async with open_scene(tmp_path) as scene:
        links = EN("chat.habits.links", value="{}").format
        assert links("yes") in await scene.command("settings")
        await scene.command("settings", author=MODERATOR, links="false", for_="server")
        for where, value in ((HERE, "no"), (ELSEWHERE, "no"), (OTHER_SERVER, "yes")):
            assert links(value) in await scene.command("settings", where)
        await scene.command("settings", author=MODERATOR, links="true", for_="channel")
        for where, value in ((HERE, "yes"), (ELSEWHERE, "no"), (OTHER_SERVER, "yes")):
            assert links(value) in await scene.command("settings", where)


@virtually
async def test_a_reset_channel_uses_its_servers_settings(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("settings", author=MODERATOR, who_ask="moderators", for_="server")
        before = await scene.command("settings")
        await scene.command("settings", author=MODERATOR, links="false", who_ask="everyone")
        await scene.command("language", author=MODERATOR, language="ko")
        assert await scene.command("settings", reset="true") == KO("chat.may_not")
        await scene.command("settings", author=MODERATOR, reset="true")
        assert await scene.command("settings") == before
        told = await scene.command("settings", author=MODERATOR, reset="true", links="false")
        assert told == before.replace(
            EN("chat.habits.links", value="yes"), EN("chat.habits.links", value="no")
        )


@virtually
async def test_a_thread_has_its_channels_settings(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.command("settings", thread, MODERATOR, links="false")
        await scene.write(BEES_LINK)
        await scene.settle()
        assert len(scene.chat.threads) == 1


@virtually
async def test_setting_one_thing_keeps_the_others(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("settings", author=MODERATOR, links="false")
        await scene.command("settings", author=MODERATOR, who_ask="moderators")
        told = await scene.command("language", author=MODERATOR, language="ko")
        assert KO("chat.habits.links", value=KO("chat.values.no")) not in told
        assert EN("chat.habits.links", value="no") in told
        assert EN("chat.habits.ask", value="moderators") in told
        assert EN("chat.habits.language", value="Korean") in told


@pytest.mark.parametrize("options", [{"links": "true"}, {"who_forget": "everyone"}])
@virtually
async def test_only_moderators_change_settings_and_everybody_may_read_them(options, tmp_path):
    async with open_scene(tmp_path) as scene:
        before = await scene.command("settings")
        assert await scene.command("settings", **options) == EN("chat.may_not")
        assert await scene.command("settings") == before
        assert await scene.command("settings", author=MODERATOR, **options)


@virtually
async def test_in_a_private_chat_everything_is_allowed(tmp_path):
    async with open_scene(tmp_path) as scene:
        told = await scene.command("settings", PRIVATE, who_ask="moderators", for_="server")
        assert EN("chat.habits.ask", value="moderators") in told
        await scene.write(BEES_LINK, PRIVATE)
        await scene.settle()
        assert "1" in await scene.command("forget", PRIVATE, video="bees")


@virtually
async def test_invalid_values_are_ignored(tmp_path):
    async with open_scene(tmp_path) as scene:
        before = await scene.command("settings")
        told = await scene.command("settings", author=MODERATOR, who_ask="nobody", who_watch="")
        assert told == before
        told = await scene.command("language", author=MODERATOR, language="Klingon")
        assert told == EN("chat.no_language", languages="English, Korean")
        assert await scene.command("settings") == before


@virtually
async def test_links_of_people_without_permission_are_refused_in_private_only(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("settings", author=MODERATOR, who_watch="moderators")
        await scene.write(BEES_LINK)
        await scene.settle()
        assert scene.chat.messages == scene.chat.threads == []
        assert await scene.command("watch", link=BEES_LINK) == EN("chat.may_not")
        await scene.write(BEES_LINK, is_to_bot=True)
        await scene.settle()
        assert scene.chat.texts("a") == [EN("chat.may_not")]
        await scene.write(BEES_LINK, author=MODERATOR)
        await scene.settle()
        assert len(scene.chat.threads) == 1
        assert await scene.command("summary") == EN("chat.begun"), "only shown again"


@virtually
async def test_a_press_is_checked_against_the_current_permissions(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        summary = scene.summary(thread)
        question = summary.draft.buttons[0].label
        await scene.command("settings", author=MODERATOR, who_ask="moderators")
        said = len(scene.chat.messages)
        for label in (question, "More questions"):
            told = await scene.press(summary, label)
            assert told.text == EN("chat.may_not")
        await scene.settle()
        assert len(scene.chat.messages) == said
        assert await scene.press(summary, question, replace(ADA, is_moderator=True)) is None
        await scene.settle()
        assert len(scene.chat.messages) == said + 2


@virtually
async def test_questions_of_people_without_permission_are_refused_in_private_only(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.command("settings", author=MODERATOR, who_ask="moderators")
        said = len(scene.chat.messages)
        await scene.write(QUEEN, thread)
        assert await scene.command("ask", question=QUEEN) == EN("chat.may_not")
        await scene.settle()
        assert len(scene.chat.messages) == said


@virtually
async def test_a_used_up_quota_is_announced_once_but_commands_always_get_a_reply(tmp_path):
    config = Config(quotas=Quotas(questions_per_person=2))
    async with open_scene(tmp_path, config=config) as scene:
        thread = await scene.watched()
        said = len(scene.shown(thread))
        for _ in range(6):
            await scene.write(QUEEN, thread)
            await scene.settle()
        texts = [one.draft.text for one in scene.shown(thread)[said:]]
        assert len(texts) == 3
        assert texts[-1] == marked(EN("chat.quotas.person_questions", most=2))
        again = marked(EN("chat.quotas.again", most=2))
        assert await scene.command("ask", question=QUEEN) == again
        pressed = await scene.press(scene.summary(thread), scene.buttons(thread)[0].label)
        assert pressed.text == again
        said = len(scene.chat.messages)
        await scene.write(QUEEN, thread, BOB)
        await scene.settle()
        assert len(scene.chat.messages) == said + 1


@virtually
async def test_all_people_together_have_a_quota(tmp_path):
    async with open_scene(tmp_path, config=Config(quotas=Quotas(videos_in_all=1))) as scene:
        await scene.write(BEES_LINK)
        await scene.write(BEES_LINK, OTHER_SERVER, BOB)
        await scene.settle()
        assert len(scene.chat.threads) == 1
        assert scene.chat.texts(OTHER_SERVER.place) == [
            marked(EN("chat.quotas.all_videos", most=1))
        ]


def just_posted(shown: Shown) -> str:
    url = f"https://fake.example/{shown.place}/{shown.id}"
    return f"{marked(EN('chat.just_posted_here'))}\n\n{Markdown().address(url)}"


@virtually
async def test_a_kind_of_post_that_everybody_sees_is_made_once_a_place_and_minute(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        begun = marked(EN("chat.begun"))
        assert await scene.command("summary", thread) == begun
        assert await scene.command("summary", thread, BOB) == marked(EN("chat.just_posted"))
        assert await scene.command("summary", video=BEES.id) == begun, "another place"
        await scene.settle()
        summary = scene.summary(thread)
        assert await scene.command("summary", thread, BOB) == just_posted(summary)
        said = len(scene.chat.messages)
        assert await scene.press(summary, "More questions") is None
        await scene.settle()
        told = await scene.press(summary, "More questions", BOB)
        assert told.text == just_posted(scene.chat.messages[-1])
        scene.chat.has_urls = False
        told = await scene.press(summary, "More questions", BOB)
        assert told.text == marked(EN("chat.just_posted"))
        await asyncio.sleep(PAUSE_S)
        await scene.settle()
        assert await scene.press(summary, "More questions", BOB) is None
        assert await scene.command("summary", thread, BOB) == begun
        await scene.settle()
        more = [shown for shown in scene.shown(thread) if shown.draft.text == EN("chat.more")]
        assert len(more) == 2
        assert len(scene.chat.messages) > said


@virtually
async def test_in_a_private_chat_a_summary_is_shown_as_often_as_it_is_wanted(tmp_path):
    alone = Where("p", "fake:p")
    async with open_scene(tmp_path) as scene:
        await scene.write(BEES_LINK, alone)
        await scene.settle()
        for _ in range(2):
            assert await scene.command("summary", alone) == marked(EN("chat.begun"))
        await scene.settle()


@virtually
async def test_a_post_that_failed_lets_the_next_person_try(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        summary, add = scene.summary(thread), scene.store.buttons.add

        async def fail(buttons):
            raise StoreBroken()

        scene.store.buttons.add = fail
        assert await scene.press(summary, "More questions") is not None
        scene.store.buttons.add = add
        assert await scene.press(summary, "More questions", BOB) is None


@pytest.mark.parametrize(
    ("quotas", "key"),
    [
        (Quotas(videos_per_person=1), "person_videos"),
        (Quotas(videos_per_channel=1), "channel_videos"),
        (Quotas(videos_per_server=1), "server_videos"),
    ],
)
@virtually
async def test_people_channels_and_servers_have_quotas_of_their_own(quotas, key, tmp_path):
    async with open_scene(tmp_path, config=Config(quotas=quotas)) as scene:
        await scene.write(f"{BEES_LINK} https://youtu.be/bbbbbbbbbbb https://youtu.be/ccccccccccc")
        await scene.settle()
        assert scene.chat.texts("a") == [marked(EN(f"chat.quotas.{key}", most=1))]
        assert len(scene.chat.threads) == 1
        await scene.write(BEES_LINK, OTHER_SERVER, BOB)
        await scene.settle()
        assert len(scene.chat.threads) == 2


@virtually
async def test_a_repeated_event_counts_once_and_showing_a_summary_again_never(
    tmp_path,
):
    config = Config(quotas=Quotas(videos_per_person=2))
    async with open_scene(tmp_path, config=config) as scene:
        for _ in range(3):
            await scene.write(BEES_LINK, id="same")
            await scene.settle()
        for _ in range(3):
            assert await scene.command("summary") == EN("chat.begun")
            await scene.settle()
            await asyncio.sleep(PAUSE_S)
        assert await scene.command("watch", link=BEES_LINK) == EN("chat.begun")
        told = await scene.command("watch", link=BEES_LINK)
        assert told == marked(EN("chat.quotas.person_videos", most=2))


@virtually
async def test_shared_replies_use_the_channels_language_and_private_ones_the_persons(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("language", author=MODERATOR, language="한국어")
        thread = await scene.watched()
        assert KO("labels.topic") in scene.summary(thread).draft.text
        assert scene.shown(thread)[0].draft.text == KO("chat.finished")
        label = scene.summary(thread).draft.buttons[0].label
        await scene.press(scene.summary(thread), label)
        await scene.settle()
        asked = KO("chat.asked", name="Ada", question=label)
        assert scene.shown(thread)[-2].draft.text == asked
        for person, words in ((in_korean(BOB), KO), (replace(BOB, language="en-GB"), EN)):
            assert await scene.command("help", ELSEWHERE, person) == words("chat.help")
            assert await scene.command("help", HERE, person) == words("chat.help")
        assert await scene.command("help", HERE, Person("3", "C", language="fr")) == KO("chat.help")


@virtually
async def test_a_private_chat_uses_the_persons_language_until_another_is_set(tmp_path):
    async with open_scene(tmp_path) as scene:
        minho = in_korean(ADA)
        await scene.write(BEES_LINK, PRIVATE, minho)
        await scene.settle()
        assert KO("labels.topic") in scene.chat.messages[-1].draft.text
        await scene.command("language", PRIVATE, minho, language="en")
        await scene.write(BEES_LINK, PRIVATE, minho)
        await scene.settle()
        assert EN("labels.topic") in scene.chat.messages[-1].draft.text
        assert await scene.command("help", PRIVATE, minho) == EN("chat.help")


@virtually
async def test_a_refusal_is_private_and_in_the_persons_language(tmp_path):
    async with open_scene(tmp_path, config=Config(quotas=Quotas(videos_per_person=0))) as scene:
        told = await scene.command("watch", author=in_korean(BOB), link=BEES_LINK)
        assert told == marked(KO("chat.quotas.person_videos", most=0))
        await scene.command("settings", author=MODERATOR, who_watch="moderators")
        told = await scene.command("watch", author=in_korean(BOB), link=BEES_LINK)
        assert told == KO("chat.may_not")


class Discordlike(FakeChat):
    name = "discord"


@virtually
async def test_discord_serves_only_the_allowed_servers_and_private_chats_if_wanted(tmp_path):
    config = Config(discord=Discord(allowed_servers=(7,), private=False))
    async with open_scene(tmp_path, chat=Discordlike(), config=config) as scene:
        for where in (replace(HERE, server="8"), replace(PRIVATE, place="q")):
            await scene.write(BEES_LINK, where, is_to_bot=True)
            not_served = marked(EN("chat.not_served"))
            assert await scene.command("watch", where, MODERATOR, link=BEES_LINK) == not_served
            event = scene.command_event("watch", where)
            assert await scene.handlers.suggest(event, "video", "") == ()
            told = await scene.handlers.press(Press(where, "p", "m", ADA, "forged"))
            assert told.text == not_served
        await scene.settle()
        assert scene.chat.messages == scene.chat.threads == []
        await scene.write(BEES_LINK, replace(HERE, server="7"))
        await scene.settle()
        assert len(scene.chat.threads) == 1


def test_without_a_list_every_server_is_served():
    assert Discord().serves("8")
    assert Discord().serves("")
