"""Messages, topics and previews of the adapter as people see them, and Telegram's refusals."""

import asyncio
from dataclasses import replace

import pytest
from telegram.error import RetryAfter

from bot.chat import Busy, Button, Card, Draft, File, MessageGone, PlaceClosed, Refused, TooOld
from bot.telegram_adapter.adapter import PREVIEW_INTERVAL_S
from bot.telegram_adapter.connect import open_telegram
from core.errors import ConfigInvalid
from tests.fakes.chat import says
from tests.harness.telegram_adapter import last, section

CARD = Card("How *bees* <dance>", "https://youtu.be/dQw4w9WgXcQ", "https://i.ytimg.com/vi/x/hq.jpg")


# What people see


async def test_people_see_text_and_buttons(platform, telegram, hive):
    buttons = (Button("x", "Why do bees dance in the dark?"), Button("y", "Transcript"))
    id = await telegram.post(str(hive), Draft(("<b>First</b> &amp;", "꿀벌."), buttons), "k")
    seen = await last(platform, hive)
    assert id == f"{hive}:{seen.id}"
    assert seen.text == "First &\n\n꿀벌."
    assert seen.buttons == [["Why do bees dance in the dark?"], ["Transcript"]]


@pytest.mark.parametrize(
    ("is_wide", "picture"),
    [
        (True, {"prefer_large_media": True, "show_above_text": True}),
        (False, {"prefer_small_media": True}),
    ],
)
async def test_a_card_is_a_link_with_its_picture(platform, telegram, hive, is_wide, picture):
    card = replace(CARD, is_wide=is_wide)
    await telegram.post(str(hive), Draft(("40 %",), card=card), "k")
    seen = await last(platform, hive)
    assert seen.text == f"{CARD.title}\n\n40 %"
    assert seen.links == {CARD.title: CARD.url}
    assert seen.preview == {"url": CARD.thumbnail_url, **picture}


async def test_a_file_has_its_text_as_caption(platform, telegram, hive):
    await telegram.post(str(hive), Draft(("Here.",), file=File("a.txt", "꿀")), "k")
    seen = await last(platform, hive)
    assert (seen.text, seen.files) == ("Here.", {"a.txt": "꿀".encode()})


async def test_a_file_follows_a_text_too_long_for_its_caption(platform, telegram, hive):
    id = await telegram.post(str(hive), Draft(("x" * 2000,), file=File("a.txt", "Said.")), "k")
    text, file = await platform.people.messages(hive)
    assert (text.text, id) == ("x" * 2000, f"{hive}:{text.id}")
    assert (file.files, file.reply_to) == ({"a.txt": b"Said."}, text.id)


async def test_an_edit_replaces_the_whole_message(platform, telegram, hive):
    id = await telegram.post(str(hive), Draft(("Old",), (Button("x", "Why?"),), card=CARD), "k")
    for _ in range(2):  # the second edit changes nothing
        await telegram.edit(str(hive), id, says("New"))
    seen = await last(platform, hive)
    assert (seen.text, seen.buttons, seen.links) == ("New", [], {})


async def test_an_answer_replies_to_its_question_even_if_that_is_deleted(platform, telegram, hive):
    question = await platform.people.write(hive, "Why?")
    for text in ("Because.", "Still."):
        await telegram.post(str(hive), Draft((text,), reply_to=f"{hive}:{question}"), text)
        if text == "Because.":
            assert (await last(platform, hive)).reply_to == question
            await platform.people.delete(hive, question)
    assert (await last(platform, hive)).text == "Still."


async def test_html_that_telegram_cannot_parse_is_sent_as_plain_text(platform, telegram, hive):
    platform.fault("sendMessage", "Bad Request: can't parse entities: Unsupported start tag")
    await telegram.post(str(hive), says('<a href="https://a.example">A</a> &lt; B'), "k")
    seen = await last(platform, hive)
    assert (seen.text, seen.links) == ("A < B", {})


async def test_a_topic_is_opened_named_and_written_in(platform, telegram, hive):
    await platform.people.make_forum(hive)
    await platform.people.promote(hive, platform.people.bot, can_manage_topics=True)
    thread = await telegram.open_thread(str(hive), "", "Bees " * 50, "k")
    await telegram.rename_thread(thread, "Wasps")
    await telegram.show_typing(thread)
    await telegram.post(thread, says("Summary"), "k")
    seen = await last(platform, hive)
    assert (thread, seen.text) == (f"{hive}/{seen.topic}", "Summary")
    assert platform.world.chats[hive].topics[seen.topic].name == "Wasps"


async def test_a_topic_that_cannot_be_opened_is_refused(platform, telegram, hive, private):
    with pytest.raises(Refused):
        await telegram.open_thread(str(hive), "", "Bees", "k")
    forum = await platform.people.make_supergroup("Forum", forum=True)
    with pytest.raises(Refused):
        await telegram.open_thread(str(forum), "", "Bees", "k")
    assert await telegram.open_thread(str(private), "", "Bees", "k") == str(private)
    assert platform.called("createForumTopic")[-1].chat != forum


async def test_a_private_chat_shows_a_preview_without_a_message(platform, telegram, hive, private):
    assert await telegram.preview(str(private), says("<b>Bees</b> da"), "k")
    assert (await platform.people.draft(private)).text == "Bees da"
    assert not await telegram.preview(str(hive), says("Bees da"), "k")
    await telegram.post(str(private), says("Bees dance"), "k")
    assert await platform.people.draft(private) is None


async def test_a_failed_preview_returns_false(platform, telegram, private):
    platform.fault("sendMessageDraft", "502")
    assert not await telegram.preview(str(private), says("Bees"), "k")


async def test_a_migration_to_a_supergroup_is_followed(platform, telegram, tmp_path):
    group = await platform.people.make_group("Bees")
    id = await telegram.post(str(group), says("Before"), "1")
    new = await platform.people.migrate(group)
    await telegram.post(str(group), says("After"), "2")
    await telegram.post(str(group), Draft(("Then.",), reply_to=id), "3")
    assert [(m.text, m.reply_to) for m in (await platform.people.messages(new))[-2:]] == [
        ("After", 0),
        ("Then.", 0),
    ]
    with pytest.raises(TooOld):
        await telegram.edit(str(group), id, says("Changed"))
    async with open_telegram(section(platform), tmp_path) as again:
        assert (again.migrations.current_id(group), again.migrations.original_id(new)) == (
            new,
            group,
        )


# What Telegram refuses


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Bad Request: message to edit not found", MessageGone),
        ("Bad Request: MESSAGE_ID_INVALID", MessageGone),
        ("Bad Request: message can't be edited", TooOld),
        ("Bad Request: there is no text in the message to edit", TooOld),
        ("Bad Request: chat not found", PlaceClosed),
        ("Bad Request: message thread not found", PlaceClosed),
        ("Bad Request: TOPIC_DELETED", PlaceClosed),
        ("Forbidden: bot was blocked by the user", PlaceClosed),
        ("Forbidden: bot was kicked from the supergroup chat", PlaceClosed),
        ("Bad Request: MESSAGE_TOO_LONG", Refused),
        ("429", Busy),
        ("500", Busy),
        ("502", Busy),
        ("cut", Busy),
    ],
)
async def test_a_failed_edit_raises_its_error(platform, telegram, hive, words, kind):
    id = await telegram.post(str(hive), says("Old"), "k")
    platform.fault("editMessageText", words)
    with pytest.raises(kind):
        await telegram.edit(str(hive), id, says("New"))


async def test_a_rate_limit_applies_to_its_chat_only(platform, telegram, hive, private):
    platform.fault("sendMessage", "429", retry_after_s=300, chat=hive)
    with pytest.raises(Busy) as busy:
        await telegram.post(str(hive), says("Later"), "k")
    assert busy.value.retry_after_s == 300
    asked = len(platform.called("sendMessage"))
    with pytest.raises(Busy) as busy:
        await telegram.post(str(hive), says("Later"), "k")
    assert 290 < busy.value.retry_after_s <= 300
    assert len(platform.called("sendMessage")) == asked, "nobody knocks in between"
    await telegram.post(str(private), says("Now"), "k")


async def test_a_rate_limited_chat_gets_no_typing_either(platform, telegram, hive):
    platform.fault("sendChatAction", "429", retry_after_s=300, chat=hive)
    for _ in range(2):
        with pytest.raises(Busy) as busy:
            await telegram.show_typing(str(hive))
        assert busy.value.retry_after_s > 290
    with pytest.raises(Busy):
        await telegram.rename_thread(f"{hive}/5", "Bees")
    asked = [call.method for call in platform.calls if call.chat == hive]
    assert asked == ["sendChatAction"]


async def test_a_rate_limit_on_previews_does_not_delay_messages(platform, telegram, private):
    platform.fault("sendMessageDraft", "429", retry_after_s=300, chat=private)
    for _ in range(2):
        assert not await telegram.preview(str(private), says("Bees"), "k")
        await asyncio.sleep(PREVIEW_INTERVAL_S)
    assert len([one for one in platform.called("sendMessageDraft") if one.chat == private]) == 1
    await telegram.post(str(private), says("Bees dance"), "k")


async def test_permissions_are_not_queried_during_a_rate_limit(platform, telegram, hive):
    platform.fault("getChatMember", "429", retry_after_s=300, chat=hive)
    for person in (platform.people.mina, platform.people.olga):
        with pytest.raises(RetryAfter):
            await telegram.members.is_moderator(hive, person)
    assert len([one for one in platform.called("getChatMember") if one.chat == hive]) == 1


async def test_a_file_after_its_text_waits_for_a_rate_limit(platform, telegram, hive):
    platform.fault("sendDocument", "429", retry_after_s=1, chat=hive)
    await telegram.post(str(hive), Draft(("x" * 2000,), file=File("a.txt", "Said.")), "k")
    assert (await last(platform, hive)).files == {"a.txt": b"Said."}


async def test_a_person_who_blocked_the_bot_is_a_closed_place(platform, telegram, private):
    await platform.people.block(private)
    with pytest.raises(PlaceClosed):
        await telegram.post(str(private), says("Hello?"), "k")


async def test_a_wrong_token_is_invalid_configuration(platform, tmp_path):
    for token in ("wrong", "123:of-nobody"):
        with pytest.raises(ConfigInvalid) as invalid:
            async with open_telegram(section(platform, token), tmp_path):
                pass
        assert invalid.value.key == "telegram.token"
        assert token not in repr(invalid.value.__cause__)


async def test_opening_waits_for_an_unreachable_telegram(platform, tmp_path, private):
    away = platform.fault("getMe", "502")
    async with open_telegram(section(platform), tmp_path) as telegram:
        await telegram.post(str(private), says("At last."), "k")
    assert away.met == 1
