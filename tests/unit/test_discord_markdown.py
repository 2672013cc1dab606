"""Discord's Markdown: escaping untrusted texts, links, and the length of a text."""

import pytest

from bot.discord_adapter.markdown import DiscordMarkdown
from core.model import Answer, Citation
from core.text.display import utf16_length

STYLE = DiscordMarkdown()
URL = "https://youtu.be/dQw4w9WgXcQ?t=62"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*loud* _and_ `code`", r"\*loud\* \_and\_ \`code\`"),
        ("||secret|| ~~gone~~", r"\|\|secret\|\| \~\~gone\~\~"),
        ("# Title", r"\# Title"),
        ("> quoted", r"\> quoted"),
        ("- first", r"\- first"),
        ("1. first", r"1\. first"),
        ("see https://evil.example/x", r"see https\://evil.example/x"),
        ("[here](https://evil.example)", r"\[here\]\(https\://evil.example\)"),
        ("<@123> <#4> <t:5:R>", r"\<\@​123\> \<\#4\> \<t\:5:R\>"),
        (":bee: at 12:30", r"\:bee: at 12:30"),
        ("two\nlines", "two lines"),
    ],
)
def test_no_text_becomes_markup(text, written):
    assert STYLE.text(text) == written


def test_nothing_even_looks_like_a_mention():
    assert "@everyone" not in STYLE.text("hello @everyone and @here")


def test_no_url_gets_a_preview():
    assert STYLE.address(URL) == f"<{URL}>"
    assert STYLE.at(62, URL, "Bees_dance") == rf"[1:02](<{URL}>) Bees\_dance"


def test_a_citation_marker_links_to_its_second():
    citation = Citation(1, "dQw4w9WgXcQ", 62, 70, "Bees dance.", URL)
    answer = Answer("Why?", "They dance. [1] Or not [2].", (citation,), (), True, "m")
    assert STYLE.answer(answer) == rf"They dance. [\[1\]](<{URL}>) Or not \[2\]."


def test_length_is_never_less_than_discord_counts():
    assert utf16_length("벌 🐝") == 4
    assert utf16_length("\ud83d") == 1


def test_the_times_of_a_file_lead_nowhere_and_look_like_it():
    style = DiscordMarkdown()
    assert style.at(5, "bees.mp3#t=5", "The queen") == "0:05 The queen"
    assert style.address("bees.mp3") == "bees.mp3"
