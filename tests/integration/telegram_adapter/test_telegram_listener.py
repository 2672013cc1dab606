"""What people do on Telegram arrives at the receiver, and its replies arrive at them."""

import pytest

from bot.chat import Button, Draft, File, Refused
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.listener import EventListener
from bot.words import Words
from tests.counterparts.telegram.refusal import OLD_QUERY
from tests.counterparts.telegram.server import BOT_NAME
from tests.fakes.chat import says
from tests.fakes.receiver import soon
from tests.harness.eventually import eventually
from tests.harness.telegram_adapter import last, section, serving_bot

LINK = "https://youtu.be/dQw4w9WgXcQ"


async def test_a_message_arrives_with_its_place_and_author(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        id = await platform.people.write(hive, LINK)
        received = await soon(receiver.messages)
    assert (received.id, received.text) == (f"{hive}:{id}", LINK)
    assert (received.where.place, received.where.channel) == (str(hive), f"telegram:{hive}")
    assert (received.where.server, received.where.is_thread) == (str(hive), False)
    assert (received.author.id, received.author.name) == (str(platform.people.mina), "Mina")
    assert not received.author.is_moderator
    assert not received.is_to_bot


async def test_a_mention_a_reply_and_a_private_message_address_the_bot(
    platform, receiver, tmp_path, hive, private
):
    people = platform.people
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await people.write(hive, f"@{BOT_NAME.upper()} why?")
        mentioned = await soon(receiver.messages)
        ours = await telegram.post(str(hive), says("An answer"), "k")
        await people.write(hive, "And who?", reply_to=int(ours.partition(":")[2]))
        replied = await soon(receiver.messages)
        await people.write(private, "Hello", author=private)
        alone = await soon(receiver.messages)
    assert (mentioned.text, mentioned.is_to_bot) == ("why?", True)
    assert (replied.is_to_bot, replied.reply_to) == (True, ours)
    assert (alone.is_to_bot, alone.where.server) == (True, "")
    assert alone.author.is_moderator, "of their own private chat"
    assert (alone.where.channel, alone.author.language) == (f"telegram:{private}", "ko")


async def test_a_topic_shares_the_library_of_its_group(platform, receiver, tmp_path, hive):
    people = platform.people
    await people.make_forum(hive)
    topic = await people.make_topic(hive, "Bees")
    async with serving_bot(platform, tmp_path, receiver):
        first = await people.write(hive, "One", topic=topic, author=people.olga)
        received = await soon(receiver.messages)
        await people.write(hive, "Two", topic=topic, reply_to=first)
        answered = await soon(receiver.messages)
    assert (received.where.place, received.where.channel) == (f"{hive}/{topic}", f"telegram:{hive}")
    assert (received.reply_to, answered.reply_to) == ("", f"{hive}:{first}")
    assert received.author.is_moderator, "the owner of a group may do everything"


async def test_an_anonymous_administrator_is_a_moderator(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(hive, LINK, author=platform.people.olga, anonymously=True)
        received = await soon(receiver.messages)
    assert (received.author.id, received.author.is_moderator) == (str(hive), True)


async def test_a_channels_post_arrives_from_its_discussion_group(
    platform, receiver, tmp_path, hive
):
    channel = await platform.people.make_channel("News", hive)
    async with serving_bot(platform, tmp_path, receiver):
        _, post = await platform.people.post(channel, LINK)
        received = await soon(receiver.messages)
        await platform.people.write(hive, "A comment", reply_to=post)
        comment = await soon(receiver.messages)
    assert (received.id, received.text) == (f"{hive}:{post}", LINK)
    assert (received.where.place, received.author.is_moderator) == (str(hive), True)
    assert (comment.where.place, comment.reply_to) == (str(hive), f"{hive}:{post}")


async def test_a_migrated_group_keeps_its_library(platform, receiver, tmp_path):
    group = await platform.people.make_group("Bees")
    await platform.updates.drop()
    async with serving_bot(platform, tmp_path, receiver):
        new = await platform.people.migrate(group)
        await platform.people.write(new, f"@{BOT_NAME} hello")
        received = await soon(receiver.messages)
    assert (received.where.place, received.where.channel) == (str(group), f"telegram:{group}")
    assert received.where.server == str(group)


async def test_being_removed_and_added_again_is_reported(platform, receiver, tmp_path, private):
    people = platform.people
    hive, old = [await people.make_group(name) for name in ("Hive", "Old")]
    async with serving_bot(platform, tmp_path, receiver):
        await people.remove_bot(hive)
        assert await soon(receiver.memberships) == ("removed", (str(hive), [str(hive)]))
        await people.add_bot(hive)
        assert await soon(receiver.memberships) == ("joined", str(hive))
        await people.block(private)
        assert await soon(receiver.memberships) == ("removed", (str(private), [str(private)]))
        await people.block(private, blocked=False)
        assert await soon(receiver.memberships) == ("joined", str(private))
        new = await people.migrate(old)
        await people.remove_bot(new)
        assert await soon(receiver.memberships) == ("removed", (str(old), [str(old)]))


async def test_bots_and_service_messages_are_ignored(telegram, receiver, private):
    listener = EventListener(telegram, receiver, ())
    chat, bot = {"id": -5, "type": "group"}, {"id": 7, "first_name": "B", "is_bot": True}
    said = {"message_id": 1, "date": 1, "chat": chat, "text": LINK}
    await listener.on_update({"update_id": 1, "message": said | {"from": bot}})
    person = {"id": private, "first_name": "Ada", "is_bot": False}
    joined = {key: said[key] for key in ("message_id", "date", "chat")} | {"from": person}
    await listener.on_update({"update_id": 2, "message": joined | {"new_chat_members": [person]}})
    assert receiver.messages.empty()
    await listener.on_update({"update_id": 3, "message": said | {"from": person}})
    assert (await soon(receiver.messages)).author.name == "Ada"


async def test_only_allowed_chats_are_served(platform, receiver, tmp_path, hive, private):
    async with serving_bot(platform, tmp_path, receiver, allowed_chats=(private,)):
        await platform.people.write(hive, LINK)
        for text in ("hello", "more"):  # the second is fetched after all before it were handled
            await platform.people.write(private, text, author=private)
            assert (await soon(receiver.messages)).text == text


async def test_a_file_arrives_with_the_id_that_downloads_it(platform, receiver, tmp_path, private):
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await platform.people.upload(private, "bees.mp3", b"buzz", "audio", author=private)
        received = await soon(receiver.messages)
        await telegram.download(received.file, tmp_path / "bees.mp3")
    assert (received.file.name, received.file.size) == ("bees.mp3", 4)
    assert (tmp_path / "bees.mp3").read_bytes() == b"buzz"


async def test_a_command_in_a_files_caption_applies_to_the_file(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        below = {"caption": f"/watch@{BOT_NAME} ko"}
        file = await platform.people.upload(hive, "bees.mp3", b"buzz", "audio", **below)
        command = await soon(receiver.commands)
    assert (command.name, command.options) == ("watch", {"language": "ko"})
    assert (command.file.name, command.message_id) == ("bees.mp3", f"{hive}:{file}")


async def test_a_file_with_another_bots_command_is_only_a_file(
    platform, receiver, tmp_path, private
):
    async with serving_bot(platform, tmp_path, receiver):
        below = {"caption": "/save it", "author": private}
        await platform.people.upload(private, "bees.mp3", b"buzz", "audio", **below)
        assert (await soon(receiver.messages)).file.name == "bees.mp3"


async def test_an_unusable_file_in_a_private_chat_still_arrives(
    platform, receiver, tmp_path, private
):
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.upload(private, "bees.pdf", b"%PDF", author=private)
        received = await soon(receiver.messages)
    assert (received.text, received.file, received.is_to_bot) == ("", None, True)


async def test_a_link_hidden_behind_a_commands_words_counts(telegram, receiver, private):
    person = {"id": private, "first_name": "Ada", "is_bot": False}
    said = {"message_id": 1, "date": 1, "chat": {"id": private, "type": "private"}, "from": person}
    behind = {"type": "text_link", "offset": 7, "length": 4, "url": LINK}
    named = {"type": "bot_command", "offset": 0, "length": 6}
    said |= {"text": "/watch this", "entities": [named, behind]}
    await EventListener(telegram, receiver, ()).on_update({"update_id": 1, "message": said})
    assert LINK in (await soon(receiver.commands)).options["link"]


async def test_a_file_that_telegram_no_longer_has_is_refused_at_once(
    platform, receiver, tmp_path, private
):
    elsewhere = f"{platform.url}/elsewhere"
    async with serving_bot(platform, tmp_path, receiver, file_base=elsewhere) as telegram:
        await platform.people.upload(private, "bees.mp3", b"buzz", "audio", author=private)
        received = await soon(receiver.messages)
        with pytest.raises(Refused):
            await telegram.download(received.file, tmp_path / "bees.mp3")


async def test_a_button_works_after_a_restart(platform, receiver, tmp_path, hive):
    draft = Draft(("Ask.",), (Button("q-1", "Why?"),))
    async with open_telegram(section(platform), tmp_path) as telegram:
        id = await telegram.post(str(hive), draft, "k")
    async with serving_bot(platform, tmp_path, receiver):
        press = await platform.people.press(await last(platform, hive), "Why?")
        pressed = await soon(receiver.presses)
        assert "text" not in await platform.people.answered(press)
    assert (pressed.button_id, pressed.message_id, pressed.id) == ("q-1", id, press.id)
    assert (pressed.where.place, pressed.where.server) == (str(hive), str(hive))
    assert pressed.author.id == str(platform.people.mina)


@pytest.mark.parametrize(("words", "is_over"), [("Not you.", True), ("No. " * 80, False)])
async def test_a_short_reply_is_an_alert_and_a_long_one_a_message(
    platform, receiver, tmp_path, hive, words, is_over
):
    receiver.answers["q"] = says(words)
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await telegram.post(str(hive), Draft(("Ask.",), (Button("q", "Why?"),)), "k")
        asked = await last(platform, hive)
        answer = await platform.people.answered(await platform.people.press(asked, "Why?"))
        await eventually(lambda: is_over or len(platform.world.chats[hive].posts) == 2)
    assert answer.get("text") == (words if is_over else None)
    if not is_over:
        below = await last(platform, hive)
        assert (below.text, below.reply_to) == (words.strip(), asked.id)


async def test_a_press_is_answered_after_a_rate_limit(platform, receiver, tmp_path, hive):
    receiver.answers["q"] = says("Not you.")
    platform.fault("answerCallbackQuery", "429", retry_after_s=1)
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await telegram.post(str(hive), Draft(("Ask.",), (Button("q", "Why?"),)), "k")
        pressed = await platform.people.press(await last(platform, hive), "Why?")
        assert (await platform.people.answered(pressed))["text"] == "Not you."


async def test_the_reply_to_an_expired_press_is_a_message(platform, receiver, tmp_path, hive):
    receiver.answers["q"] = says("Not you.")
    platform.fault("answerCallbackQuery", f"Bad Request: {OLD_QUERY}")
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await telegram.post(str(hive), Draft(("Ask.",), (Button("q", "Why?"),)), "k")
        await platform.people.press(await last(platform, hive), "Why?")
        await eventually(lambda: len(platform.world.chats[hive].posts) == 2)
    assert (await last(platform, hive)).text == "Not you."


async def test_a_command_arrives_parsed_and_gets_a_reply(platform, receiver, tmp_path, hive):
    receiver.answers["transcript"] = Draft(("Here.",), file=File("a.srt", "Said."))
    people = platform.people
    async with serving_bot(platform, tmp_path, receiver):
        link = await people.write(hive, f"Look: {LINK}")
        await soon(receiver.messages)
        await people.write(hive, f"/watch@{BOT_NAME}", reply_to=link)
        watch = await soon(receiver.commands)
        own = await people.write(hive, "/transcript srt How bees dance")
        transcript = await soon(receiver.commands)
        await eventually(lambda: own + 1 in platform.world.chats[hive].posts)
    assert (watch.name, watch.text) == ("watch", f"Look: {LINK}")
    assert watch.message_id == f"{hive}:{link}"
    assert transcript.options == {"format": "srt", "video": "How bees dance"}
    reply = await last(platform, hive)
    assert (reply.text, reply.files, reply.reply_to) == ("Here.", {"a.srt": b"Said."}, own)


async def test_ask_is_about_its_topics_video_or_all_videos(platform, receiver, tmp_path, hive):
    await platform.people.make_forum(hive)
    topic = await platform.people.make_topic(hive, "Bees")
    async with serving_bot(platform, tmp_path, receiver):
        received = []
        for text, at in (("/ask Why?", topic), ("/ask all Why?", topic), ("/ask Why?", 0)):
            await platform.people.write(hive, text, topic=at)
            received.append((await soon(receiver.commands)).options["scope"])
    assert received == ["here", "channel", "channel"]


async def test_another_bots_command_is_ignored(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(hive, "/help@another_bot")
        await platform.people.write(hive, "/start")
        await platform.people.write(hive, f"/start@{BOT_NAME}")
        assert (await soon(receiver.commands)).name == "help"
    assert receiver.commands.empty()


async def test_commands_are_offered_in_the_persons_language(platform, receiver, tmp_path, private):
    def registrations():
        return len(platform.called("setMyCommands"))

    platform.world.commands.clear()
    before = registrations()
    async with serving_bot(platform, tmp_path, receiver):
        await eventually(lambda: registrations() == before + 6)
    offered = await platform.people.commands(private, author=private)
    assert offered["videos"] == Words("ko")("commands.videos.description")
    assert "settings" in offered
    group = platform.people.group
    assert "settings" not in await platform.people.commands(group)
    assert "settings" in await platform.people.commands(group, author=platform.people.olga)
    async with serving_bot(platform, tmp_path, receiver):
        asked = len(platform.called("getMyCommands"))
        await eventually(lambda: len(platform.called("getMyCommands")) >= asked + 6)
    assert registrations() == before + 6, "only missing commands are registered"
