"""This file holds what parting a long text promises."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord_adapter.markdown import DiscordMarkdown
from bot.rendering.splitting import split
from bot.telegram_adapter.html import TelegramHtml, link, visible_text
from bot.telegram_adapter.html import length as html_length
from core.export.document import Markdown
from core.model import Answer, Citation
from core.text.display import utf16_length

LIMIT = 60

# What our messages are made of: texts, which are escaped, and links, which are ours.
said = st.text(st.sampled_from("ab .!?\n#*[]()_\\@한꿀😀다")).map(
    lambda text: "\n".join(map(Markdown().text, text.split("\n")))
)
markdown_link = st.builds(
    lambda label, second: f"[{Markdown().text(label)}](https://youtu.be/aaaaaaaaaaa?t={second})",
    st.text(st.sampled_from("a1:]["), max_size=4),
    st.integers(0, 99),
)
parts = st.lists(said | markdown_link | st.just("\n\n") | st.just(" "), max_size=30)
written = parts.map("".join)


html_said = st.text(st.sampled_from("ab .!?\n<>&;\\[]()@한😀다")).map(
    lambda text: "\n".join(map(TelegramHtml().text, text.split("\n")))
)
html_link = st.builds(
    lambda label, second: link(label, f"https://youtu.be/aaaaaaaaaaa?t={second}&x"),
    st.text(st.sampled_from("a 1:<&]["), min_size=1, max_size=4),
    st.integers(0, 99),
)
html_heading = st.text(st.sampled_from("ab <&"), min_size=1, max_size=9).map(
    lambda text: TelegramHtml().heading(1, text)
)
html_parts = st.lists(
    html_said | html_link | html_heading | st.just("\n\n") | st.just(" "), max_size=30
)


class Whole(HTMLParser):
    """Whether every tag that opens closes, and nothing is left half-said."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert not set(data) & set("<&")

    def handle_entityref(self, name: str) -> None:
        assert name in ("amp", "lt", "gt")


def without_blanks(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(written)
def test_every_piece_fits_and_none_is_empty(text):
    for piece in split(text, LIMIT, utf16_length):
        assert piece.strip() == piece != ""
        assert utf16_length(piece) <= LIMIT


@given(written)
def test_nothing_is_lost_but_blanks_at_the_seams(text):
    assert without_blanks("".join(split(text, LIMIT, utf16_length))) == without_blanks(text)


@given(parts)
def test_no_link_and_no_escape_is_torn(parts):
    pieces = split("".join(parts), LIMIT, utf16_length)
    for part in parts:
        assert "](https" not in part or any(part in piece for piece in pieces)
    for piece in pieces:
        assert not re.search(r"(?<!\\)(?:\\\\)*\\$", piece)


@given(html_parts)
def test_no_tag_and_no_entity_of_html_is_torn(parts):
    text = "".join(parts)
    pieces = split(text, 2 * LIMIT, html_length)
    for piece in pieces:
        assert 0 < html_length(piece) <= 2 * LIMIT
        whole = Whole()
        whole.feed(piece)
        whole.close()
        assert whole.open == []
    assert without_blanks("".join(map(visible_text, pieces))) == without_blanks(visible_text(text))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        (" \n ", []),
        ("Short.", ["Short."]),
        ("First part here.\n\nSecond part.", ["First part here.", "Second part."]),
        ("First line here\nsecond line", ["First line here", "second line"]),
        ("This is one. And this two. Three.", ["This is one.", "And this two. Three."]),
        ("words that have no end at all", ["words that have no", "end at all"]),
        (
            "꿀벌은 춤을 추나요? 네, 8자로 춤을 춰요.",
            ["꿀벌은 춤을 추나요?", "네, 8자로 춤을 춰요."],
        ),
        ("A.\n\nabcde fghij klmno pq rs", ["A.\n\nabcde fghij", "klmno pq rs"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
    ],
)
def test_it_is_parted_where_it_hurts_least(text, pieces):
    assert split(text, 20) == pieces


@pytest.mark.parametrize("style", [DiscordMarkdown(), TelegramHtml()])
@pytest.mark.parametrize("url", ["https://youtu.be/aaaaaaaaaaa?t=1", "talk.mp3"])
def test_a_marker_stays_with_its_sentence(style, url):
    citations = tuple(Citation(n, "aaaaaaaaaaa", 1.0, 2.0, "", url) for n in (1, 2))

    def shown(text):
        return style.answer(Answer("", text, citations, (), True, "extractive"))

    sentences = ["Bees dance in the dark. [1] [2]", "They fly [1].", "They sing. [2]"]
    text = shown(" ".join(sentences * 5))
    whole = re.compile("|".join(re.escape(shown(sentence)) for sentence in sentences))
    longest = len(shown(sentences[0]))
    for limit in range(longest, len(text), 7):
        pieces = split(text, limit)
        assert " ".join(pieces) == text
        assert not any(piece.startswith((shown("[1]"), shown("[2]"))) for piece in pieces)
        if limit > 3 * longest:  # else a sentence's end may leave more than half empty
            assert {whole.sub("", piece).strip() for piece in pieces} == {""}


def test_a_word_full_of_escapes_does_not_become_a_message_for_each():
    word = Markdown().text("snake_case_" * 40)
    assert len(split(word, 100)) == len(word) // 99 + 1


def test_a_link_that_is_longer_than_a_message_is_torn_after_all():
    assert "".join(split(f"[a](https://{'x' * 50})", 20)) == f"[a](https://{'x' * 50})"


def test_a_sign_that_counts_double_is_counted_so():
    assert split("😀" * 15, 20, utf16_length) == ["😀" * 10, "😀" * 5]
