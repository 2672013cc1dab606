"""This file talks to Telegram through our adapter: what people see, hear and cannot do."""

import logging
from socket import socket

import httpx
import pytest

from bot.chat import (
    Busy,
    Button,
    Card,
    Draft,
    File,
    MessageGone,
    PlaceClosed,
    Refused,
    TooOld,
)
from bot.program import quiet
from bot.telegram_adapter.checks import check_telegram
from bot.telegram_adapter.ears import Ears
from bot.telegram_adapter.hearing import hear
from bot.telegram_adapter.opening import open_telegram
from bot.words import Words
from core.errors import ConfigInvalid
from tests.fakes.chat import says
from tests.fakes.eventually import eventually
from tests.fakes.receiver import ScriptedReceiver, soon
from tests.fakes.telegram.refusal import OLD_QUERY, OTHER_POLLER
from tests.fakes.telegram.server import BOT_NAME, TOKEN, TelegramServer
from tests.fakes.telegram_bot import at_once, section, serving_bot

LINK = "https://youtu.be/dQw4w9WgXcQ"
CARD = Card("How *bees* <dance>", LINK, "https://i.ytimg.com/vi/x/hq.jpg")


@pytest.fixture(scope="module")
def platform():
    with TelegramServer(chat_s=0, group_s=0, overall_s=0, retry_s=0.02, conflict_s=0.1) as platform:
        yield platform


@pytest.fixture(autouse=True)
def no_breach(platform):
    platform.refused.clear()
    yield
    assert platform.refused == []


@pytest.fixture
def receiver():
    return ScriptedReceiver()


@pytest.fixture
async def telegram(platform, tmp_path):
    """Only known there: enough to send."""
    async with open_telegram(section(platform), tmp_path) as telegram:
        yield at_once(telegram)


@pytest.fixture
async def hive(platform) -> int:
    """A supergroup of its own, where the bot hears everything."""
    chat = await platform.people.make_supergroup("Hive")
    await platform.updates.drop()
    platform.world.chats[chat].bot_reads_all = True
    return chat


@pytest.fixture
async def private(platform) -> int:
    chat = await platform.people.open_private(await platform.people.meet("Ada", "ko"))
    await platform.updates.drop()
    return chat


async def last(platform, chat):
    return (await platform.people.messages(chat))[-1]


# What people see


async def test_people_see_text_and_buttons(platform, telegram, hive):
    buttons = (Button("x", "Why do bees dance in the dark?"), Button("y", "Transcript"))
    id = await telegram.post(str(hive), Draft(("<b>First</b> &amp;", "꿀벌."), buttons), "k")
    seen = await last(platform, hive)
    assert id == f"{hive}:{seen.id}"
    assert seen.text == "First &\n\n꿀벌."
    assert seen.buttons == [["Why do bees dance in the dark?"], ["Transcript"]]


async def test_a_card_is_a_link_with_its_picture_above(platform, telegram, hive):
    await telegram.post(str(hive), Draft(("40 %",), card=CARD), "k")
    seen = await last(platform, hive)
    assert seen.text == f"{CARD.title}\n\n40 %"
    assert seen.links == {CARD.title: CARD.url}
    [call] = platform.called("sendMessage")[-1:]
    assert call.given["link_preview_options"] == {
        "url": CARD.thumbnail_url,
        "prefer_large_media": True,
        "show_above_text": True,
    }


async def test_a_file_comes_with_its_text_below(platform, telegram, hive):
    await telegram.post(str(hive), Draft(("Here.",), file=File("a.txt", "꿀")), "k")
    seen = await last(platform, hive)
    assert (seen.text, seen.files) == ("Here.", {"a.txt": "꿀".encode()})


async def test_a_file_with_a_long_text_comes_after_it(platform, telegram, hive):
    id = await telegram.post(str(hive), Draft(("x" * 2000,), file=File("a.txt", "Said.")), "k")
    text, file = await platform.people.messages(hive)
    assert (text.text, id) == ("x" * 2000, f"{hive}:{text.id}")
    assert (file.files, file.reply_to) == ({"a.txt": b"Said."}, text.id)


async def test_an_edit_leaves_nothing_of_what_was_there(platform, telegram, hive):
    id = await telegram.post(str(hive), Draft(("Old",), (Button("x", "Why?"),), card=CARD), "k")
    for _ in range(2):  # the second one changes nothing
        await telegram.edit(str(hive), id, says("New"))
    seen = await last(platform, hive)
    assert (seen.text, seen.buttons, seen.links) == ("New", [], {})


async def test_an_answer_hangs_on_its_question_also_when_that_is_gone(platform, telegram, hive):
    question = await platform.people.write(hive, "Why?")
    for text in ("Because.", "Still."):
        await telegram.post(str(hive), Draft((text,), reply_to=f"{hive}:{question}"), text)
        if text == "Because.":
            assert (await last(platform, hive)).reply_to == question
            await platform.people.delete(hive, question)
    assert (await last(platform, hive)).text == "Still."


async def test_what_telegram_cannot_read_is_sent_as_plain_text(platform, telegram, hive):
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


async def test_where_no_topic_can_be_opened_there_is_none(platform, telegram, hive, private):
    with pytest.raises(Refused):
        await telegram.open_thread(str(hive), "", "Bees", "k")
    forum = await platform.people.make_supergroup("Forum", forum=True)
    with pytest.raises(Refused):
        await telegram.open_thread(str(forum), "", "Bees", "k")
    assert await telegram.open_thread(str(private), "", "Bees", "k") == str(private)
    assert platform.called("createForumTopic")[-1].chat != forum


async def test_in_private_what_is_being_written_is_seen_without_a_message(
    platform, telegram, hive, private
):
    assert await telegram.sketch(str(private), says("<b>Bees</b> da"), "k")
    assert (await platform.people.draft(private)).text == "Bees da"
    assert not await telegram.sketch(str(hive), says("Bees da"), "k")
    await telegram.post(str(private), says("Bees dance"), "k")
    assert await platform.people.draft(private) is None


async def test_a_sketch_that_fails_is_none(platform, telegram, private):
    platform.fault("sendMessageDraft", "502")
    assert not await telegram.sketch(str(private), says("Bees"), "k")


async def test_a_group_that_becomes_a_supergroup_is_followed(platform, telegram, tmp_path):
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
        assert (again.moves.now(group), again.moves.first(new)) == (new, group)


# What Telegram does not do


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
async def test_an_edit_that_fails_tells_why(platform, telegram, hive, words, kind):
    id = await telegram.post(str(hive), says("Old"), "k")
    platform.fault("editMessageText", words)
    with pytest.raises(kind):
        await telegram.edit(str(hive), id, says("New"))


async def test_a_rate_limit_holds_for_its_chat_alone(platform, telegram, hive, private):
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


async def test_a_person_who_blocked_us_is_a_closed_place(platform, telegram, private):
    await platform.people.block(private)
    with pytest.raises(PlaceClosed):
        await telegram.post(str(private), says("Hello?"), "k")


async def test_a_wrong_token_is_a_wrong_setting(platform, tmp_path):
    for token in ("wrong", "123:of-nobody"):
        with pytest.raises(ConfigInvalid) as invalid:
            async with open_telegram(section(platform, token), tmp_path):
                pass
        assert invalid.value.key == "telegram.token"
        assert token not in repr(invalid.value.__cause__)


async def test_a_telegram_that_is_away_at_first_is_waited_for(platform, tmp_path, private):
    away = platform.fault("getMe", "502")
    async with open_telegram(section(platform), tmp_path) as telegram:
        await telegram.post(str(private), says("At last."), "k")
    assert away.met == 1


# What people do


async def test_a_message_is_heard_with_its_place_and_person(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        id = await platform.people.write(hive, LINK)
        heard = await soon(receiver.messages)
    assert (heard.id, heard.text) == (f"{hive}:{id}", LINK)
    assert (heard.where.place, heard.where.channel) == (str(hive), f"telegram:{hive}")
    assert (heard.where.server, heard.where.is_thread) == (str(hive), False)
    assert (heard.author.id, heard.author.name) == (str(platform.people.mina), "Mina")
    assert not heard.author.is_moderator
    assert not heard.to_us


async def test_a_mention_a_reply_and_a_private_message_are_to_us(
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
    assert (mentioned.text, mentioned.to_us) == ("why?", True)
    assert (replied.to_us, replied.reply_to) == (True, ours)
    assert (alone.to_us, alone.where.server) == (True, "")
    assert alone.author.is_moderator, "of their own private chat"
    assert (alone.where.channel, alone.author.language) == (f"telegram:{private}", "ko")


async def test_a_topic_shares_the_library_of_its_group(platform, receiver, tmp_path, hive):
    people = platform.people
    await people.make_forum(hive)
    topic = await people.make_topic(hive, "Bees")
    async with serving_bot(platform, tmp_path, receiver):
        first = await people.write(hive, "One", topic=topic, author=people.olga)
        heard = await soon(receiver.messages)
        await people.write(hive, "Two", topic=topic, reply_to=first)
        answered = await soon(receiver.messages)
    assert (heard.where.place, heard.where.channel) == (f"{hive}/{topic}", f"telegram:{hive}")
    assert (heard.reply_to, answered.reply_to) == ("", f"{hive}:{first}")
    assert heard.author.is_moderator, "the owner of a group may do everything"


async def test_an_administrator_who_shows_as_the_group_is_one(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(hive, LINK, author=platform.people.olga, anonymously=True)
        heard = await soon(receiver.messages)
    assert (heard.author.id, heard.author.is_moderator) == (str(hive), True)


async def test_a_channels_post_is_heard_in_its_discussion(platform, receiver, tmp_path, hive):
    channel = await platform.people.make_channel("News", hive)
    async with serving_bot(platform, tmp_path, receiver):
        _, post = await platform.people.post(channel, LINK)
        heard = await soon(receiver.messages)
        await platform.people.write(hive, "A comment", reply_to=post)
        comment = await soon(receiver.messages)
    assert (heard.id, heard.text) == (f"{hive}:{post}", LINK)
    assert (heard.where.place, heard.author.is_moderator) == (str(hive), True)
    assert (comment.where.place, comment.reply_to) == (str(hive), f"{hive}:{post}")


async def test_a_group_that_has_moved_keeps_its_library(platform, receiver, tmp_path):
    group = await platform.people.make_group("Bees")
    await platform.updates.drop()
    async with serving_bot(platform, tmp_path, receiver):
        new = await platform.people.migrate(group)
        await platform.people.write(new, f"@{BOT_NAME} hello")
        heard = await soon(receiver.messages)
    assert (heard.where.place, heard.where.channel) == (str(new), f"telegram:{group}")
    assert heard.where.server == str(group)


async def test_bots_are_not_heard_and_neither_are_notices(telegram, receiver, private):
    ears = Ears(telegram, receiver, ())
    chat, bot = {"id": -5, "type": "group"}, {"id": 7, "first_name": "B", "is_bot": True}
    said = {"message_id": 1, "date": 1, "chat": chat, "text": LINK}
    await ears.hear({"update_id": 1, "message": said | {"from": bot}})
    person = {"id": private, "first_name": "Ada", "is_bot": False}
    joined = {key: said[key] for key in ("message_id", "date", "chat")} | {"from": person}
    await ears.hear({"update_id": 2, "message": joined | {"new_chat_members": [person]}})
    assert receiver.messages.empty()


async def test_only_allowed_chats_are_served(platform, receiver, tmp_path, hive, private):
    async with serving_bot(platform, tmp_path, receiver, allowed_chats=(private,)):
        await platform.people.write(hive, LINK)
        for text in ("hello", "more"):  # the second is fetched when all before it has been heard
            await platform.people.write(private, text, author=private)
            assert (await soon(receiver.messages)).text == text


async def test_a_file_is_heard_with_what_fetches_it(platform, receiver, tmp_path, private):
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await platform.people.upload(private, "bees.mp3", b"buzz", "audio", author=private)
        heard = await soon(receiver.messages)
        await telegram.download(heard.file, tmp_path / "bees.mp3")
    assert (heard.file.name, heard.file.size) == ("bees.mp3", 4)
    assert (tmp_path / "bees.mp3").read_bytes() == b"buzz"


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
async def test_a_few_words_are_shown_over_the_button_and_more_below(
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


async def test_what_an_old_button_answers_is_said_below_it(platform, receiver, tmp_path, hive):
    receiver.answers["q"] = says("Not you.")
    platform.fault("answerCallbackQuery", f"Bad Request: {OLD_QUERY}")
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        await telegram.post(str(hive), Draft(("Ask.",), (Button("q", "Why?"),)), "k")
        await platform.people.press(await last(platform, hive), "Why?")
        await eventually(lambda: len(platform.world.chats[hive].posts) == 2)
    assert (await last(platform, hive)).text == "Not you."


async def test_a_command_is_heard_in_our_words_and_replied_to(platform, receiver, tmp_path, hive):
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


async def test_ask_asks_the_video_of_its_topic_or_all(platform, receiver, tmp_path, hive):
    await platform.people.make_forum(hive)
    topic = await platform.people.make_topic(hive, "Bees")
    async with serving_bot(platform, tmp_path, receiver):
        heard = []
        for text, at in (("/ask Why?", topic), ("/ask all Why?", topic), ("/ask Why?", 0)):
            await platform.people.write(hive, text, topic=at)
            heard.append((await soon(receiver.commands)).options["scope"])
    assert heard == ["here", "channel", "channel"]


async def test_another_bots_command_is_not_ours(platform, receiver, tmp_path, hive):
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(hive, "/help@another_bot")
        await platform.people.write(hive, "/start")
        await platform.people.write(hive, f"/start@{BOT_NAME}")
        assert (await soon(receiver.commands)).name == "help"
    assert receiver.commands.empty()


async def test_commands_are_offered_in_ones_own_language(platform, receiver, tmp_path, private):
    def told():
        return len(platform.called("setMyCommands"))

    platform.world.commands.clear()
    before = told()
    async with serving_bot(platform, tmp_path, receiver):
        await eventually(lambda: told() == before + 6)
    offered = await platform.people.commands(private, author=private)
    assert offered["videos"] == Words("ko")("commands.videos.description")
    assert "settings" in offered
    group = platform.people.group
    assert "settings" not in await platform.people.commands(group)
    assert "settings" in await platform.people.commands(group, author=platform.people.olga)
    async with serving_bot(platform, tmp_path, receiver):
        asked = len(platform.called("getMyCommands"))
        await eventually(lambda: len(platform.called("getMyCommands")) >= asked + 6)
    assert told() == before + 6, "it is told only what it does not know"


# How it reaches us


async def test_a_webhook_brings_it_and_nobody_else_can(platform, receiver, tmp_path, private):
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/telegram"
    settings = {"webhook_url": url, "webhook_port": port}
    async with serving_bot(platform, tmp_path, receiver, **settings):
        await eventually(lambda: platform.called("setWebhook"))
        await platform.people.write(private, "hello", author=private)
        assert (await soon(receiver.messages)).text == "hello"
        async with httpx.AsyncClient() as stranger:
            answer = await stranger.post(url, json={"update_id": 1})
        assert answer.status_code == 403
    async with serving_bot(platform, tmp_path, receiver):  # from now on it is fetched again
        await platform.people.write(private, "again", author=private)
        assert (await soon(receiver.messages)).text == "again"


async def test_an_address_that_telegram_does_not_take_is_a_wrong_setting(
    platform, receiver, tmp_path
):
    platform.fault("setWebhook", "Bad Request: bad webhook: HTTPS url must be provided for webhook")
    config = section(platform, webhook_url="http://a.example", webhook_port=0)
    async with open_telegram(config, tmp_path) as telegram:
        with pytest.raises(ConfigInvalid) as invalid:
            await hear(telegram, receiver, config)
    assert invalid.value.key == "telegram.webhook_url"


async def test_it_goes_on_after_an_outage_and_beside_another_poller(
    platform, receiver, tmp_path, private, caplog
):
    away = platform.fault("getUpdates", "502")
    other = platform.fault("getUpdates", f"Conflict: {OTHER_POLLER}")
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(private, "hello", author=private)
        await eventually(lambda: other.met, 20)
        assert (await soon(receiver.messages)).text == "hello"
    assert (away.met, other.met) == (1, 1)
    assert "another program" in caplog.text


async def test_an_update_that_nobody_can_read_leaves_nobody_deaf(telegram, receiver, private):
    ears = Ears(telegram, receiver, ())
    await ears.hear({"update_id": 1, "message": {"message_id": "?"}})
    person = {"id": private, "first_name": "Ada", "is_bot": False}
    chat = {"id": private, "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": person, "text": "hello"}
    await ears.hear({"update_id": 2, "message": message})
    assert (await soon(receiver.messages)).text == "hello"


async def test_the_token_is_in_no_log(platform, receiver, tmp_path, private, caplog):
    caplog.set_level(logging.INFO)
    quiet()
    platform.fault("getUpdates", "cut")
    for kind in ("502", "cut", "500"):
        platform.fault("sendMessage", kind)
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        for _ in range(3):
            with pytest.raises(Busy) as busy:
                await telegram.post(str(private), says("Hello"), "k")
            logging.getLogger("bot").error("not sent", exc_info=busy.value)
        await platform.people.write(private, "hello", author=private)
        await soon(receiver.messages)
    with pytest.raises(ConfigInvalid) as invalid:
        async with open_telegram(section(platform, f"{TOKEN}x"), tmp_path):
            pass
    logging.getLogger("bot").error("not served", exc_info=invalid.value)
    theirs = ("aiohttp.access",)  # the platform's own
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name not in theirs)
    assert "cannot be reached" in ours
    assert "hello" not in ours
    assert TOKEN.partition(":")[2] not in ours


# What doctor finds


async def test_doctor_knows_the_bot_and_what_it_reads(platform):
    checks = await check_telegram(section(platform))
    assert [(check.name, check.status, check.case) for check in checks] == [
        ("telegram", "ok", "ok"),
        ("telegram_groups", "ok", "private"),
        ("telegram_webhook", "ok", "polling"),
    ]
    assert checks[0].facts == {"name": f"@{BOT_NAME}"}


async def test_doctor_finds_a_wrong_token_and_an_outage(platform):
    [wrong] = await check_telegram(section(platform, "123:of-nobody"))
    assert (wrong.status, wrong.error.key) == ("fail", "telegram.token")
    platform.fault("getMe", "502")
    [away] = await check_telegram(section(platform))
    assert (away.status, away.case) == ("fail", "unreachable")


async def test_doctor_finds_a_webhook_elsewhere(platform, telegram):
    await telegram.bot.set_webhook("https://elsewhere.example/hook")
    *_, webhook = await check_telegram(section(platform))
    await telegram.bot.delete_webhook()
    assert (webhook.status, webhook.case) == ("warn", "elsewhere")
