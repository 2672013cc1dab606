"""The Telegram counterpart behaves like Telegram for plain python-telegram-bot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, Conflict

from tests.counterparts.telegram.people import CannotDo
from tests.counterparts.telegram.plain_bot import on_webhook, plain_api, polling
from tests.counterparts.telegram.server import BOT, TelegramServer

LINK = "https://youtu.be/dQw4w9WgXcQ"


@pytest.fixture(scope="module")
def platform() -> Iterator[TelegramServer]:
    with TelegramServer(chat_s=0, group_s=0, overall_s=0, retry_s=0.02, conflict_s=0.1) as platform:
        yield platform


@pytest.fixture(autouse=True)
def no_breach(platform) -> Iterator[None]:
    """Fail on a recorded violation: the library's own calls are valid, so it is a false
    positive."""
    platform.refused.clear()
    yield
    assert platform.refused == []
    assert platform.limited == []


@pytest.fixture
async def bot(platform):
    async with polling(platform) as bot:
        yield bot


@pytest.fixture
async def hive(platform) -> int:
    """Create a new supergroup for each test, in which the bot receives every message."""
    chat = await platform.people.make_supergroup("Hive")
    await platform.updates.drop()
    platform.world.chats[chat].bot_reads_all = True
    return chat


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=f"q:{label}")] for label in labels]
    )


async def test_a_bot_receives_what_people_write(platform, bot, hive):
    id = await platform.people.write(hive, f"Look: {LINK}")
    heard = await bot.next_message()
    assert (heard.message_id, heard.chat_id, heard.text) == (id, hive, f"Look: {LINK}")
    assert heard.from_user.id == platform.people.mina
    assert heard.parse_entities() == {
        MessageEntity(MessageEntity.URL, offset=6, length=len(LINK)): LINK
    }


async def test_a_person_writes_to_the_bot_in_private(platform, bot):
    chat = await platform.people.open_private()
    assert (await bot.next_message()).text == "/start"
    await platform.people.write(chat, "hello")
    heard = await bot.next_message()
    assert (heard.chat.type, heard.chat_id) == ("private", heard.from_user.id)
    await heard.reply_text("hello yourself", do_quote=True)
    [*_, asked, seen] = await platform.people.messages(chat)
    assert (seen.text, seen.reply_to) == ("hello yourself", asked.id)


async def test_text_keeps_its_entities(platform, bot, hive):
    text = f'🐝 <b>Bees &amp; <i>ants</i></b> <a href="{LINK}?t=62">1:02</a> @mina_5002'
    sent = await bot.api.send_message(hive, text, parse_mode="HTML")
    assert sent.text == "🐝 Bees & ants 1:02 @mina_5002"
    [seen] = await platform.people.messages(hive)
    assert seen.links == {"1:02": f"{LINK}?t=62"}
    kinds = [(one.type, one.offset, one.length) for one in sent.entities]
    assert kinds == [("bold", 3, 11), ("italic", 10, 4), ("text_link", 15, 4), ("mention", 20, 10)]


async def test_explicit_entities_equal_markup(platform, bot, hive):
    link = MessageEntity(MessageEntity.TEXT_LINK, offset=3, length=4, url=f"{LINK}?t=62")
    await bot.api.send_message(hive, "🐝 1:02", entities=[link])
    await bot.api.send_message(hive, rf"🐝 [1:02]({LINK}?t\=62)", parse_mode="MarkdownV2")
    given, marked = await platform.people.messages(hive)
    assert given.links == marked.links == {"1:02": f"{LINK}?t=62"}


async def test_edits_keep_the_earlier_versions(platform, bot, hive):
    sent = await bot.api.send_message(hive, "10 %", reply_markup=keyboard("stop"))
    await sent.edit_text("50 %", reply_markup=keyboard("stop"))
    await sent.edit_text("done")
    seen = await platform.people.message(hive, sent.message_id)
    assert [version.text for version in seen.versions] == ["10 %", "50 %", "done"]
    assert (seen.text, seen.buttons) == ("done", []), "a keyboard that is not named goes"
    times = [version.at for version in seen.versions]
    assert times == sorted(times)


async def test_a_button_is_pressed_and_answered_once(platform, bot, hive):
    await bot.api.send_message(hive, "Ask:", reply_markup=keyboard("why", "how"))
    [seen] = await platform.people.messages(hive)
    pressed = await platform.people.press(seen, "how")
    query = (await bot.next()).callback_query
    assert (query.data, query.message.message_id) == ("q:how", seen.id)
    assert query.from_user.id == platform.people.mina
    await query.answer("Here it comes")
    assert (await platform.people.answered(pressed))["text"] == "Here it comes"
    with pytest.raises(BadRequest, match="Query is too old and response timeout expired"):
        await query.answer("again")
    with pytest.raises(CannotDo):
        await platform.people.press(seen, "when")
    by_number = await platform.people.press(seen, 0)
    assert by_number.data == "q:why"


async def test_an_old_message_can_still_be_pressed_but_not_answered_late(platform, bot, hive):
    await bot.api.send_message(hive, "Ask:", reply_markup=keyboard("why"))
    [seen] = await platform.people.messages(hive)
    await platform.world.advance(30 * 24 * 3600)
    await platform.people.press(seen, 0)
    query = (await bot.next()).callback_query
    await platform.world.advance(60)
    with pytest.raises(BadRequest, match="Query is too old"):
        await query.answer()


async def test_in_privacy_mode_a_bot_receives_only_what_addresses_it(platform, bot):
    people = platform.people
    chat = await people.make_supergroup("Anthill")
    hello = await bot.api.send_message(chat, "hello")
    for unheard in (LINK, "just talk", "/watch@another_bot x", "@anotherbot hi"):
        await people.write(chat, unheard)
    heard = [
        await people.write(chat, f"/watch {LINK}"),
        await people.write(chat, f"/watch@tubethread_bot {LINK}"),
        await people.write(chat, f"hey @Tubethread_bot {LINK}"),
        reply := await people.write(chat, "a reply", reply_to=hello.message_id),
        await people.write(chat, "a reply to the reply", reply_to=reply),
    ]
    other = await people.other_bot(chat, "I speak now")
    await people.write(chat, "/watch to another bot")
    await people.write(chat, "@tubethread_bot but a reply to another", reply_to=other)
    heard.append(await people.write(chat, "/watch@tubethread_bot still"))
    assert [(await bot.next_message()).message_id for _ in heard] == heard
    assert bot.heard.empty()


async def test_an_administrator_or_a_bot_without_privacy_mode_receives_everything(platform, bot):
    people = platform.people
    chat = await people.make_supergroup("Anthill")
    await people.set_privacy(False)
    await people.write(chat, "not yet: it came while privacy was on")
    await people.add_bot(chat)
    await bot.next_message()
    assert (await bot.next()).my_chat_member is not None
    await people.write(chat, LINK)
    assert (await bot.next_message()).text == LINK
    assert (await bot.api.get_me()).can_read_all_group_messages
    await people.set_privacy(True)
    second = await people.make_supergroup("Nest")
    await people.promote(second, BOT)
    changed = (await bot.next()).my_chat_member
    assert changed.new_chat_member.status is ChatMemberStatus.ADMINISTRATOR
    await people.write(second, LINK)
    assert (await bot.next_message()).text == LINK


async def test_a_chain_of_replies_is_not_a_topic(platform, bot, hive):
    first = await bot.api.send_message(hive, "the summary")
    asked = await platform.people.write(hive, "why?", reply_to=first.message_id)
    heard = await bot.next_message()
    assert heard.reply_to_message.message_id == first.message_id
    assert (heard.message_thread_id, heard.is_topic_message) == (first.message_id, None)
    answer = await bot.api.send_message(
        hive, "because", reply_parameters=ReplyParameters(asked, quote="why")
    )
    assert answer.message_thread_id == first.message_id
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.api.send_message(hive, "x", message_thread_id=first.message_id)


async def test_a_bot_with_the_permission_opens_renames_and_closes_topics(platform, bot):
    people = platform.people
    chat = await people.make_supergroup("Hive", forum=True)
    assert (await bot.api.get_chat(chat)).is_forum
    with pytest.raises(BadRequest, match="Not enough rights to create a topic"):
        await bot.api.create_forum_topic(chat, "Bees")
    await people.promote(chat, BOT, can_manage_topics=True)
    await bot.next()
    assert (await bot.api.get_chat_member(chat, BOT)).can_manage_topics
    topic = await bot.api.create_forum_topic(chat, "Bees")
    here = topic.message_thread_id
    sent = await bot.api.send_message(chat, "the summary", message_thread_id=here)
    assert (sent.message_thread_id, sent.is_topic_message) == (here, True)
    await bot.api.edit_forum_topic(chat, here, name="Bees and ants")
    assert await people.topics(chat) == {here: "Bees and ants"}
    await people.write(chat, "a question", topic=here)
    heard = await bot.next_message()
    assert heard.is_topic_message
    assert heard.reply_to_message.forum_topic_created.name == "Bees", "no reply, only the topic's"
    texts = [one.text for one in await people.messages(chat, topic=here) if not one.service]
    assert texts == ["the summary", "a question"]
    assert [one.text for one in await people.messages(chat, topic=0)] == []


async def test_a_closed_topic_is_closed_and_a_deleted_one_is_gone(platform, bot):
    people = platform.people
    chat = await people.make_supergroup("Hive", forum=True)
    topic = await people.make_topic(chat, "Bees")
    created = await bot.next_message()
    assert (created.message_thread_id, created.is_topic_message) == (topic, True)
    await people.close_topic(chat, topic)
    with pytest.raises(BadRequest, match="Topic_closed"):
        await bot.api.send_message(chat, "x", message_thread_id=topic)
    with pytest.raises(CannotDo):
        await people.write(chat, "x", topic=topic)
    await people.delete_topic(chat, topic)
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.api.send_message(chat, "x", message_thread_id=topic)


async def test_a_channels_posts_are_forwarded_to_its_discussion_group(platform, bot, hive):
    people = platform.people
    channel = await people.make_channel("Lectures", discussion=hive)
    posted, forwarded = await people.post(channel, LINK)
    assert (await bot.next()).channel_post.message_id == posted
    heard = await bot.next_message()
    assert (heard.message_id, heard.is_automatic_forward) == (forwarded, True)
    assert (heard.sender_chat.id, heard.from_user.id) == (channel, 777000)
    assert heard.forward_origin.message_id == posted
    assert (await bot.api.get_chat(hive)).linked_chat_id == channel
    await people.write(hive, "a comment", reply_to=forwarded)
    assert (await bot.next_message()).message_thread_id == forwarded


async def test_who_administers_a_group_is_known_and_may_be_anonymous(platform, bot, hive):
    people = platform.people
    await people.promote(hive, people.mina, can_delete_messages=False)
    [olga, mina] = await bot.api.get_chat_administrators(hive)
    assert (olga.status, mina.can_delete_messages) == (ChatMemberStatus.OWNER, False)
    ant = await people.join("Ant", hive)
    await bot.next_message()
    assert (await bot.api.get_chat_member(hive, ant)).status is ChatMemberStatus.MEMBER
    await people.write(hive, "/settings", anonymously=True)
    heard = await bot.next_message()
    assert (heard.sender_chat.id, heard.from_user.username) == (hive, "GroupAnonymousBot")


async def test_a_file_is_uploaded_and_downloaded(platform, bot):
    chat = await platform.people.open_private()
    srt = "1\n00:00:01,000 --> 00:00:02,000\n안녕\n".encode()
    await platform.people.upload(chat, "bees.srt", srt, caption=LINK)
    heard = await bot.next_message()
    while heard.document is None:
        heard = await bot.next_message()
    assert (heard.document.file_name, heard.caption) == ("bees.srt", LINK)
    assert await (await heard.document.get_file()).download_as_bytearray() == srt
    await platform.people.upload(chat, "talk.ogg", b"x", "voice", duration_s=7)
    assert (await bot.next_message()).to_dict()["voice"]["duration"] == 7
    await platform.people.upload(chat, "round.mp4", b"x", "video_note")
    assert (await bot.next_message()).video_note.length == 180
    await platform.people.upload(chat, "talk.mp4", b"x", "video", size=20 * 2**20 + 1)
    big = await bot.next_message()
    with pytest.raises(BadRequest, match="File is too big"):
        await big.video.get_file()


async def test_documents_and_photos_are_shown(platform, bot, hive):
    sent = await bot.api.send_document(
        hive, InputFile(b"0:01 Bees dance.", filename="transcript.txt"), caption="<b>All</b>",
        parse_mode="HTML",
    )  # fmt: skip
    thumbnail = "https://i.ytimg.com/vi/dQw4w9WgXcQ/hqdefault.jpg"
    photo = await bot.api.send_photo(hive, thumbnail, caption="Bees", reply_markup=keyboard("why"))
    await photo.edit_caption("Bees dance", reply_markup=keyboard("why"))
    await bot.api.send_document(hive, sent.document.file_id)
    document, picture, again = await platform.people.messages(hive)
    assert document.files == again.files == {"transcript.txt": b"0:01 Bees dance."}
    assert (picture.photo, picture.text) == (thumbnail, "Bees dance")
    assert document.text == "All"


async def test_a_link_may_show_a_picture(platform, bot, hive):
    picture = LinkPreviewOptions(url="https://i.ytimg.com/vi/x/hq.jpg", show_above_text=True)
    sent = await bot.api.send_message(hive, "Bees", link_preview_options=picture)
    [seen] = await platform.people.messages(hive)
    assert seen.preview == picture.to_dict()
    await sent.edit_text("Bees", link_preview_options=LinkPreviewOptions(is_disabled=True))
    seen = await platform.people.message(hive, sent.message_id)
    assert seen.preview == {"is_disabled": True}


async def test_a_draft_is_shown_until_the_message_comes_or_it_is_old(platform, bot):
    chat = await platform.people.open_private()
    await bot.api.send_message_draft(chat, 7, "Bees")
    await bot.api.send_message_draft(chat, 7, "Bees <b>dance</b>", parse_mode="HTML")
    assert (await platform.people.draft(chat)).text == "Bees dance"
    await platform.world.advance(31)
    assert await platform.people.draft(chat) is None
    await bot.api.send_message_draft(chat, 8, "Bees dance.")
    await bot.api.send_message(chat, "Bees dance.")
    assert await platform.people.draft(chat) is None
    assert [one.text for one in await platform.people.drafts(chat)][-2:] == ["Bees dance.", ""]


async def test_commands_are_offered_by_scope_and_language(platform, bot, hive):
    people, api = platform.people, bot.api
    minsu = await people.join("Minsu", hive, language="ko")
    await people.open_private(minsu)
    await api.set_my_commands([BotCommand("help", "Help")])
    await api.set_my_commands([BotCommand("help", "도움말")], language_code="ko")
    await api.set_my_commands([("watch", "Watch")], BotCommandScopeAllGroupChats())
    await api.set_my_commands([("ask", "Ask")], BotCommandScopeAllPrivateChats())
    assert await people.commands(hive) == {"watch": "Watch"}
    assert await people.commands(minsu, author=minsu) == {"ask": "Ask"}
    await api.set_my_commands([("bees", "Bees")], BotCommandScopeChat(hive))
    assert await people.commands(hive) == {"bees": "Bees"}
    for scope in (BotCommandScopeAllPrivateChats(), BotCommandScopeChat(hive)):
        await api.delete_my_commands(scope)
    assert await people.commands(minsu, author=minsu) == {"help": "도움말"}
    assert [one.command for one in await api.get_my_commands(language_code="ko")] == ["help"]


async def test_typing_reactions_and_descriptions_are_accepted(platform, bot, hive):
    id = await platform.people.write(hive, LINK)
    await bot.api.send_chat_action(hive, "typing")
    await bot.api.set_message_reaction(hive, id, "👀")
    await bot.api.set_my_description("A link becomes a thread", language_code="en")
    assert (await bot.api.get_my_description("en")).description == "A link becomes a thread"
    assert platform.world.actions[-1][1:] == (hive, 0, "typing")


async def test_messages_are_deleted_with_the_permission(platform, bot, hive):
    own = await bot.api.send_message(hive, "x")
    theirs = await platform.people.write(hive, "y")
    assert await own.delete()
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.api.delete_message(hive, theirs)
    await platform.people.promote(hive, BOT)
    assert await bot.api.delete_message(hive, theirs)
    assert await platform.people.messages(hive) == []


async def test_an_edited_message_arrives_as_an_edit(platform, bot, hive):
    id = await platform.people.write(hive, "wy?")
    await bot.next_message()
    await platform.people.edit(hive, id, "why?")
    heard = (await bot.next()).edited_message
    assert (heard.message_id, heard.text) == (id, "why?")


async def test_updates_are_duplicated_or_delayed_on_demand(platform, bot, hive):
    await platform.people.write(hive, "once")
    once = await bot.next()
    await platform.updates.repeat(1)
    assert (await bot.next()).update_id == once.update_id
    await platform.updates.hold()
    await platform.people.write(hive, "late")
    await bot.api.send_message(hive, "the platform goes on meanwhile")
    assert bot.heard.empty()
    await platform.updates.release()
    assert (await bot.next_message()).text == "late"


async def test_only_the_requested_update_types_are_delivered(platform, hive):
    async with polling(platform) as bot:
        await bot.app.updater.stop()
        await bot.app.updater.start_polling(allowed_updates=["callback_query"])
        await bot.api.send_message(hive, "Ask:", reply_markup=keyboard("why"))
        await platform.updates.polled()
        await platform.people.write(hive, "unheard")
        [seen, _] = await platform.people.messages(hive)
        await platform.people.press(seen, 0)
        assert (await bot.next()).callback_query is not None
        await bot.app.updater.stop()
        await bot.api.get_updates(allowed_updates=[])
        await bot.app.updater.start_polling()


async def test_a_second_poller_ends_the_first(platform, bot):
    await platform.updates.polled()
    async with plain_api(platform) as another:
        await another.get_updates(timeout=0)
    assert isinstance(await asyncio.wait_for(bot.errors.get(), 10), Conflict)


async def test_two_pollers_conflict_now_and_then():
    with TelegramServer(conflict_s=600) as quiet:
        async with plain_api(quiet) as one, plain_api(quiet) as another:
            polls = []
            for _ in range(2):
                polls.append(asyncio.create_task(one.get_updates(timeout=20)))
                await quiet.updates.polled()
                await another.get_updates(timeout=0)
                await asyncio.wait(polls, timeout=0.2)
            first, second = polls
            assert isinstance(first.exception(), Conflict)
            assert not second.done()
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)


async def test_a_webhook_is_called_with_the_secret_and_again_until_it_accepts(platform, hive):
    async with on_webhook(platform, "se-cret_1") as bot:
        platform.deliveries.clear()
        bot.failing = 2
        await platform.people.write(hive, "first")
        await platform.people.write(hive, "second")
        assert (await bot.next_message()).text == "first"
        assert (await bot.next_message()).text == "second"
        assert [status for _, status in platform.deliveries[:3]] == [500, 500, 200]
        assert set(bot.secrets) == {"se-cret_1"}
        error = (await bot.api.get_webhook_info()).last_error_message
        assert error == "Wrong response from the webhook: 500 Internal Server Error"
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await bot.api.get_updates()
        await platform.updates.repeat(1)
        assert (await bot.next_message()).text == "second"
