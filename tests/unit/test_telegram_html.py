"""Telegram's HTML: escaping untrusted texts, links, and the length of a text."""

import pytest
from telegram.constants import MessageLimit

from bot.telegram_adapter.html import TelegramHtml, length, link, visible_text
from core.model import Answer, Citation
from core.text.display import utf16_length

STYLE = TelegramHtml()
URL = "https://youtu.be/aaaaaaaaaaa?t=5&x"


@pytest.mark.parametrize("hostile", ["<b>x</b>", "&lt;", '<a href="https://evil.example">x</a>'])
def test_no_text_becomes_markup(hostile):
    assert visible_text(STYLE.text(hostile)).replace("\u200b", "") == hostile
    assert "<" not in STYLE.text(hostile)


def test_nobody_is_mentioned():
    assert "@ada" not in STYLE.text("@ada")


def test_a_url_cannot_break_out_of_its_link():
    assert link("a", 'https://b.example/">') == '<a href="https://b.example/&quot;&gt;">a</a>'


def test_a_file_name_is_not_a_link():
    assert STYLE.at(5, "bees.mp3#t=5", "Bees") == "0:05 Bees"


def test_citation_markers_become_links_and_the_answers_text_does_not():
    citation = Citation(1, "aaaaaaaaaaa", 5.0, 9.0, "said", URL)
    answer = Answer("q", "Bees <dance> [1].\n[2]", (citation,), (), grounded=True, engine="")
    marked = STYLE.answer(answer)
    assert marked == f"Bees &lt;dance&gt; {link('[1]', URL)}.\n[2]"
    assert visible_text(STYLE.source(citation)) == "[1] 0:05 “said”"


def test_length_counts_the_visible_text_in_utf16_units():
    assert length("&lt;<b>꿀😀</b>") == max(4, 42)
    assert length("&amp;" * 50 + "😀") == 52


def test_a_text_within_the_limit_has_no_more_entities_than_telegram_keeps():
    links = link("1", URL) * MessageLimit.MESSAGE_ENTITIES
    assert length(links) > 4096
    assert utf16_length(visible_text(links)) == MessageLimit.MESSAGE_ENTITIES


def test_a_summarys_hashtags_can_be_pressed_and_hold_nothing_else():
    assert STYLE.hashtags(["bees", "벌", "evil.example/x", "@ada", "!"]) == (
        "#bees #벌 #evilexamplex #ada"
    )
