"""The Telegram counterpart refuses what Telegram refuses, and fails on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.telegram_adapter.errors import retry_after_s
from tests.counterparts.telegram.api_check import misfits
from tests.counterparts.telegram.plain_bot import plain_api
from tests.counterparts.telegram.server import BOT, TOKEN, TelegramServer


@pytest.fixture(scope="module")
def platform() -> Iterator[TelegramServer]:
    with TelegramServer(chat_s=0, group_s=0, overall_s=0) as platform:
        yield platform


class Asker:
    """Client that calls any method, valid or not. `chat` is a new group."""

    def __init__(self, platform: TelegramServer, http: aiohttp.ClientSession, chat: int) -> None:
        self.people, self.platform, self.chat, self._http = platform.people, platform, chat, http

    async def __call__(self, method: str, **given: Any) -> tuple[int, dict[str, Any]]:
        url = f"{self.platform.base_url}{TOKEN}/{method}"
        async with self._http.post(url, json=given) as response:
            return response.status, await response.json()

    async def send(self, **given: Any) -> tuple[int, dict[str, Any]]:
        return await self("sendMessage", **{"chat_id": self.chat, "text": "x", **given})

    async def sent(self, **given: Any) -> int:
        """Post a message and return its id."""
        status, answer = await self.send(**given)
        assert status == 200, answer
        return int(answer["result"]["message_id"])

    async def words(self, method: str, **given: Any) -> str:
        """Call a method and return the text of its refusal."""
        status, answer = await self(method, **given)
        assert (answer["ok"], answer["error_code"]) == (False, status)
        return str(answer["description"])


@pytest.fixture
async def ask(platform) -> AsyncIterator[Asker]:
    """Return an `Asker` with no violations recorded yet."""
    platform.refused.clear()
    platform.limited.clear()
    chat = await platform.people.make_supergroup("Hive")
    async with aiohttp.ClientSession() as http:
        yield Asker(platform, http, chat)


@pytest.fixture
async def bot(platform):
    async with plain_api(platform) as bot:
        yield bot


def rows(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"reply_markup": {"inline_keyboard": [[one] for one in buttons]}}


def button(**given: Any) -> dict[str, Any]:
    return {"text": "Ask", "callback_data": "q", **given}


def bold(offset: int, length: int) -> dict[str, Any]:
    return {"entities": [{"type": "bold", "offset": offset, "length": length}]}


def html(text: str) -> dict[str, Any]:
    return {"text": text, "parse_mode": "HTML"}


def markdown(text: str) -> dict[str, Any]:
    return {"text": text, "parse_mode": "MarkdownV2"}


PARSE = "Bad Request: can't parse entities: "
BREACHES = {
    "no text": ({"text": ""}, "Bad Request: message text is empty"),
    "white space alone": ({"text": " \n"}, "Bad Request: message text is empty"),
    "nothing but tags": (html("<b></b>"), "Bad Request: message text is empty"),
    "4097 characters": ({"text": "x" * 4097}, "Bad Request: message is too long"),
    "2049 emoji": ({"text": "🐝" * 2049}, "Bad Request: message is too long"),
    "4097 after parsing": (html("<b>" + "x" * 4097 + "</b>"), "Bad Request: message is too long"),
    "101 entities": (html("<b>x</b><i>y</i>" * 51), "Bad Request: ENTITIES_TOO_LONG"),
    "an unclosed tag": (html("<b>x"), PARSE + 'Can\'t find end tag corresponding to start tag "b"'),
    "an unknown tag": (html("é<u2>x"), PARSE + 'Unsupported start tag "u2" at byte offset 2'),
    "tags out of order": (
        html("<b><i>x</b></i>"),
        PARSE + 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
    ),
    "an end without a start": (html("x</b>"), PARSE + "Unexpected end tag at byte offset 1"),
    "a lesser-than sign": (html("1 < 2"), PARSE + 'Unsupported start tag "" at byte offset 2'),
    "a tag cut off": (html('<a href="x'), PARSE + "Unclosed start tag at byte offset 0"),
    "a full stop in MarkdownV2": (
        markdown("a.b"),
        PARSE + "Character '.' is reserved and must be escaped with the preceding '\\'",
    ),
    "an open star": (markdown("a *b"), PARSE + "Can't find end of Bold entity at byte offset 2"),
    "an open bracket": (
        markdown("[b"),
        PARSE + "Can't find end of TextUrl entity at byte offset 0",
    ),
    "another parse_mode": ({"parse_mode": "BBCode"}, "Bad Request: unsupported parse_mode"),
    "an entity beyond the text": (bold(0, 2), "Bad Request: ENTITY_BOUNDS_INVALID"),
    "half an emoji": (
        {"text": "🐝"} | bold(1, 1),
        "Bad Request: entity begins or ends in the middle of a UTF-16 symbol",
    ),
    "callback_data of 65 bytes": (
        rows(button(callback_data="é" * 32 + "x")),
        "Bad Request: BUTTON_DATA_INVALID",
    ),
    "empty callback_data": (rows(button(callback_data="")), "Bad Request: BUTTON_DATA_INVALID"),
    "a button that does nothing": (
        rows({"text": "x"}),
        "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline "
        "keyboard",
    ),
    "101 buttons": (rows(*[button()] * 101), "Bad Request: reply markup is too long"),
    "nine in a row": (
        {"reply_markup": {"inline_keyboard": [[button()] * 9]}},
        "Bad Request: reply markup is too long",
    ),
    "a keyboard that is none": (
        {"reply_markup": "x"},
        "Bad Request: can't parse reply_markup JSON object",
    ),
    "an unknown parameter": ({"colour": 1}, "Bad Request: sendMessage knows no parameter colour"),
    "an unknown key inside": (
        {"link_preview_options": {"is_off": True}},
        "Bad Request: sendMessage.link_preview_options: a LinkPreviewOptions knows no is_off",
    ),
    "a word for a number": (
        {"message_thread_id": "two"},
        "Bad Request: can't parse message_thread_id JSON object",
    ),
    "a reply to nothing": (
        {"reply_parameters": {}},
        'Bad Request: can\'t find field "message_id" in sendMessage.reply_parameters',
    ),
    "no chat": ({"chat_id": ""}, "Bad Request: chat_id is empty"),
}


@pytest.mark.parametrize(("given", "words"), BREACHES.values(), ids=BREACHES.keys())
async def test_a_violation_is_refused_in_telegrams_words_and_recorded(ask, given, words):
    status, answer = await ask.send(**given)
    assert (status, answer["description"]) == (400, words)
    [refused] = ask.platform.refused
    assert refused == f"sendMessage: 400 {words}"
    assert await ask.people.messages(ask.chat) == []


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}),
        ("createForumTopic", {"chat_id": 1, "name": "x" * 129}),
        ("createForumTopic", {"chat_id": 1, "name": ""}),
        ("setMyCommands", {"commands": [{"command": "Watch", "description": "x"}]}),
        ("setMyCommands", {"commands": [{"command": "watch", "description": ""}]}),
        ("setMyCommands", {"commands": [{"command": "w" * 33, "description": "x"}]}),
        ("setMyCommands", {"commands": [{"command": "watch", "description": "x" * 257}]}),
        ("setMyCommands", {"commands": [], "scope": {"type": "everybody"}}),
        ("setMyCommands", {"commands": [], "language_code": "korean"}),
        ("setWebhook", {"url": "https://a.b", "secret_token": "a b"}),
        ("setWebhook", {"url": "not an address"}),
        ("getUpdates", {"limit": 101}),
        ("sendChatAction", {"chat_id": 1, "action": "thinking"}),
        ("deleteMessages", {"chat_id": 1, "message_ids": list(range(101))}),
        ("sendPhoto", {"chat_id": 1, "photo": "attach://a", "caption": "x" * 1025}),
        ("sendDocument", {"chat_id": 1, "document": "attach://nothing"}),
        ("sendPhoto", {"chat_id": 1, "photo": "no-such-file"}),
        ("sendMessageDraft", {"chat_id": 1, "draft_id": 0, "text": "x"}),
        ("sendTelegram", {}),
    ],
)
async def test_a_call_outside_telegrams_api_description_is_refused(ask, method, given):
    chat = await ask.people.open_private()
    given = {**given, "chat_id": chat} if given.get("chat_id") else given
    status, answer = await ask(method, **given)
    assert status == (404 if method == "sendTelegram" else 400)
    assert len(ask.platform.refused) == 1, answer


async def test_a_wrong_token_is_refused(ask):
    async with aiohttp.ClientSession() as http:
        for token, code in (("1:x", 401), ("x", 404)):
            async with http.get(f"{ask.platform.base_url}{token}/getMe") as response:
                assert response.status == code


async def test_forms_carry_json_and_method_names_ignore_case(ask):
    keyboard = json.dumps(rows(button())["reply_markup"])
    form = {"chat_id": str(ask.chat), "text": "x", "reply_markup": keyboard}
    async with aiohttp.ClientSession() as http:
        url = f"{ask.platform.base_url}{TOKEN}/sendmessage"
        async with http.post(url, data=form) as response:
            assert response.status == 200
    [seen] = await ask.people.messages(ask.chat)
    assert seen.buttons == [["Ask"]]


async def test_deleted_and_closed_things_have_their_texts(ask):
    message, people = await ask.sent(text="x"), ask.people
    theirs = await people.write(ask.chat, "hello")
    edit = {"chat_id": ask.chat, "message_id": message, "text": "y"}
    assert await ask.words("editMessageText", **{**edit, "text": "x"}) == (
        "Bad Request: message is not modified: specified new message content and reply markup are "
        "exactly the same as a current content and reply markup of the message"
    )
    cannot = await ask.words("editMessageText", **{**edit, "message_id": theirs})
    assert cannot == "Bad Request: message can't be edited"
    await people.delete(ask.chat, message)
    assert await ask.words("editMessageText", **edit) == "Bad Request: message to edit not found"
    gone = await ask.words("deleteMessage", chat_id=ask.chat, message_id=message)
    assert gone == "Bad Request: message to delete not found"
    reply = {"reply_parameters": {"message_id": message}, "chat_id": ask.chat, "text": "x"}
    assert await ask.words("sendMessage", **reply) == "Bad Request: message to be replied not found"
    reply["reply_parameters"]["allow_sending_without_reply"] = True
    assert (await ask("sendMessage", **reply))[0] == 200
    old = await ask.words("answerCallbackQuery", callback_query_id="1")
    assert old.startswith("Bad Request: query is too old and response timeout expired")
    nowhere = await ask.words("sendMessage", chat_id=42, text="x")
    assert nowhere == "Bad Request: chat not found"
    assert ask.platform.refused == [], "none of this was the bot's fault"


async def test_a_blocked_or_removed_bot_is_forbidden(ask, bot):
    people = ask.people
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(await people.meet("Ant"), "x")
    ant = await people.open_private(await people.meet("Ant"))
    await people.block(ant)
    for call in (bot.send_message(ant, "x"), bot.send_message_draft(ant, 1, "x")):
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await call
    await people.block(ant, blocked=False)
    assert await bot.send_message(ant, "x")
    await people.restrict(ask.chat, BOT, can_send_photos=True)
    with pytest.raises(BadRequest, match="Not enough rights to send text messages to the chat"):
        await bot.send_message(ask.chat, "x")
    assert await bot.send_photo(ask.chat, "https://a.b/c.jpg")
    await people.remove_bot(ask.chat)
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(ask.chat, "x")
    await people.delete_chat(ask.chat)
    with pytest.raises(Forbidden, match="the group chat was deleted"):
        await bot.get_chat(ask.chat)


async def test_a_migrated_group_names_its_new_id(ask, bot):
    old = await ask.people.make_group("Hive")
    new = await ask.people.migrate(old)
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(old, "x")
    assert caught.value.new_chat_id == new
    assert await bot.send_message(new, "x")
    services = [one.service for chat in (old, new) for one in await ask.people.messages(chat)]
    assert services[:2] == [{"migrate_to_chat_id": new}, {"migrate_from_chat_id": old}]


async def test_drafts_are_for_private_chats(ask):
    words = await ask.words("sendMessageDraft", chat_id=ask.chat, draft_id=1, text="x")
    assert words == "Bad Request: TEXTDRAFT_PEER_INVALID"
    assert len(ask.platform.refused) == 1


async def test_a_window_allows_one_message_to_a_chat_and_twenty_to_a_group():
    with TelegramServer(chat_s=30, group_s=1200) as strict:
        async with plain_api(strict) as bot:
            group, private = strict.people.group, await strict.people.open_private()
            for _ in range(20):
                sent = await bot.send_message(group, "x")
                await strict.world.advance(30)
            with pytest.raises(RetryAfter) as caught:
                await sent.edit_text("y")
            assert 500 < retry_after_s(caught.value) <= 600
            await bot.send_message(private, "x")
            with pytest.raises(RetryAfter) as caught:
                await bot.send_message(private, "y")
            assert 0 < retry_after_s(caught.value) <= 30
            await bot.send_chat_action(private, "typing")
            await strict.world.advance(600)
            await sent.edit_text("y")
            assert len(strict.limited) == 2
            assert strict.refused == [], "too much is no breach"


async def test_a_window_allows_thirty_messages_in_all():
    with TelegramServer(overall_s=60) as strict:
        async with plain_api(strict) as bot:
            chats = [await strict.people.make_group("Hive") for _ in range(31)]
            for chat in chats[:-1]:
                await bot.send_message(chat, "x")
            with pytest.raises(RetryAfter):
                await bot.send_message(chats[-1], "x")
            strict.flood.forget()
            await bot.send_message(chats[-1], "x")


async def test_the_windows_default_to_telegrams():
    with TelegramServer() as strict:
        flood = strict.flood
        assert (flood.chat_s, flood.group_s, flood.overall_s) == (1, 60, 1)


async def test_the_counterparts_own_answers_match_the_api_description():
    message = {"message_id": "1", "date": 1, "chat": {"id": 1, "type": "private"}}
    [wrong] = misfits(message, ["Message"])
    assert "message_id" in wrong
    assert misfits(message | {"message_id": 1}, ["Message"]) == []


@pytest.mark.parametrize(
    ("kind", "error", "words", "shown"),
    [
        ("429", RetryAfter, "Retry in 0:00:03", 0),
        ("500", NetworkError, "Internal Server Error", 0),
        ("502", NetworkError, "Bad Gateway", 0),
        ("502 after", NetworkError, "Bad Gateway", 1),
        ("cut", NetworkError, "RemoteProtocolError", 0),
        ("cut after", NetworkError, "RemoteProtocolError", 1),
        ("Forbidden: user is deactivated", Forbidden, "user is deactivated", 0),
        ("Bad Request: TOPIC_CLOSED", BadRequest, "Topic_closed", 0),
    ],
)
async def test_a_fault_applies_once(ask, bot, kind, error, words, shown):
    fault = ask.platform.fault("sendMessage", kind)
    with pytest.raises(error, match=words):
        await bot.send_message(ask.chat, "x")
    assert fault.met == 1
    assert len(await ask.people.messages(ask.chat)) == shown
    await bot.send_message(ask.chat, "y")
    assert ask.platform.refused == []


async def test_a_long_rate_limit_applies_to_one_chat_only(ask, bot):
    ask.platform.fault("sendMessage", "429", retry_after_s=300, chat=ask.chat)
    await bot.send_message(ask.people.group, "x")
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(ask.chat, "x")
    assert retry_after_s(caught.value) == 300


@pytest.mark.parametrize(("kind", "shown"), [("hang", 0), ("hang after", 1)])
async def test_a_response_is_lost_before_or_after_the_call_took_effect(ask, bot, kind, shown):
    ask.platform.fault("sendMessage", kind)
    with pytest.raises(TimedOut):
        await bot.send_message(ask.chat, "x", read_timeout=0.1)
    assert len(await ask.people.messages(ask.chat)) == shown
    ask.platform.fault("sendMessage", kind)
    hanging = asyncio.create_task(bot.send_message(ask.chat, "x"))
    await asyncio.wait({hanging}, timeout=0.1)
    assert not hanging.done()
    ask.platform.release()
    with pytest.raises(NetworkError):
        await hanging


async def test_every_call_is_recorded_with_its_response(ask, bot):
    ask.platform.calls.clear()
    await bot.send_message(ask.chat, "x")
    [call] = ask.platform.called("sendMessage")
    assert (call.given["text"], call.chat, call.status) == ("x", ask.chat, 200)
    assert call.answer["result"]["text"] == "x"
