"""No text of a model or a stranger can be pressed in Telegram or Discord."""

import re

import pytest

from bot.discord_adapter.markdown import DiscordMarkdown
from bot.rendering.chat_messages import MessageRenderer
from bot.telegram_adapter.html import TelegramHtml, visible_text
from bot.words import Words
from core.errors import NotALink
from core.model import Answer, Citation
from tests.counterparts.telegram.automatic_links import automatic_links
from tests.fakes.chat import FakeChat

HOSTILE = {
    "https://evil.example/x": "scheme",
    "HTTP://EVIL.EXAMPLE": "scheme",
    "ftp://evil.example": "scheme",
    "http://2130706433/": "scheme",
    "http://[::1]/": "scheme",
    "tg://resolve?domain=evil": "tg",
    "evil.com": "domain",
    "www.evil.com/x?y#z": "domain",
    "t.me/evil": "domain",
    "(evil.com)": "domain",
    "see:evil.com,now": "domain",
    "evil.co.uk:8080": "domain",
    "1.2.3.4": "ip",
    "1.2.3.4/x": "ip",
    "1.2.3.4:80/x": "ip",
    "1.1.1.1.nip.io": "domain",
    "me@evil.com": "email",
    "@evil_bot": "mention",
    "(@evil_bot)": "mention",
    "/forget": "bot_command",
    "(/forget@our_bot)": "bot_command",
    "#evil": "hashtag",
    "#2026년": "hashtag",
    "＃evil": "hashtag",
    "$EVIL": "cashtag",
    "пример.рф": "domain",
    "例子.中国": "domain",
    "例子。中国": "domain",
    "한국.한국": "domain",
    "उदाहरण.भारत": "domain",
    "हिन्दी.भारत": "domain",
    "еvil．com": "domain",
    "xn--e1afmkfd.xn--p1ai": "domain",
    "discord.gg/evil": "domain",
}
"""Texts → what Telegram makes of them when nothing is done."""
HARMLESS = (
    "꿀벌은 춤을 춥니다. 3.11 버전에서 12:30에 1/2을 말해요. 정말요?",
    "Bees dance at 3.5 km/h, 24/7, and 1.2 times as fast. Node # 3, $5, a @ b: e = mc².",
)


@pytest.mark.parametrize(("text", "kind"), HOSTILE.items())
def test_telegram_makes_no_link_of_anything(text, kind):
    assert kind in automatic_links(text), "the counterpart must see it"
    for hostile in (text, f"Press {text} now", f"누르세요: {text}"):
        for markup in telegram_texts(hostile):
            shown = visible_text(markup)
            assert not automatic_links(shown)
            assert shown.replace("\u200b", "").count(hostile) == 1


def telegram_texts(text):
    style = TelegramHtml()
    citation = Citation(1, "aaaaaaaaaaa", 5.0, 9.0, text, "bees.mp3#t=5")
    answer = Answer("q", text, (citation,), (), grounded=True, engine="")
    yield from (style.text(text), style.strong(text), style.at(5, "bees.mp3#t=5", text))
    yield from (style.source(citation), style.answer(answer))


@pytest.mark.parametrize(
    "text", ["discord.gg/evil", "DISCORD.GG/evil", "discordapp.com/invite/evil", "discord.gift/x"]
)
def test_discord_makes_no_invitation_of_anything(text):
    written = DiscordMarkdown().text(f"Join {text}")
    assert not re.search(r"discord\w*\\?\.\w", written, re.IGNORECASE)
    assert written.replace("\u200b", "") == f"Join {text}"


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_discord_makes_no_link_of_anything(text):
    written = DiscordMarkdown().text(text)
    assert not re.search(r"(?i)\w+://|(?<!\\)[<\[]|@\w|discord\w*\.\w", written)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_nobody_links_stays_as_it_is(text):
    assert visible_text(TelegramHtml().text(text)) == text
    assert "\u200b" not in DiscordMarkdown().text(text.replace("@", "at"))


class TelegramChat(FakeChat):
    """A platform with Telegram's markup."""

    style = TelegramHtml()


def test_our_own_commands_can_be_pressed_and_those_in_what_we_repeat_cannot():
    renderer = MessageRenderer(TelegramChat(), Words("en"))
    assert "bot_command" in automatic_links(visible_text(renderer.say("chat.help").text))
    asked = visible_text(renderer.asked("evil.com", "what is /forget?").text)
    assert not automatic_links(asked)
    assert "evil.\u200bcom" in asked
    assert not automatic_links(visible_text(renderer.failed(NotALink("/forget")).text))
