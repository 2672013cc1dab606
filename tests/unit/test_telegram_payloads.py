"""Drafts become the arguments of Telegram's calls."""

import pytest

from bot.chat import Button, Card, Draft, File, Refused
from bot.telegram_adapter import payloads
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.html import visible_text
from core.text.display import utf16_length

CARD = Card("How *bees* <dance>", "https://youtu.be/dQw4w9WgXcQ", "https://i.ytimg.com/x.jpg")


def rows(*labels: str) -> list[list[str]]:
    buttons = [Button(f"b{n}", label) for n, label in enumerate(labels)]
    made = payloads.keyboard(buttons)
    return [[key.text for key in row] for row in made.inline_keyboard]


def test_text_alone_is_html_without_previews():
    sent = payloads.send_arguments(Draft(("One.", "", "<b>Two</b>.")))
    assert (sent["text"], sent["parse_mode"]) == ("One.\n\n<b>Two</b>.", "HTML")
    assert sent["link_preview_options"].is_disabled
    assert sent["reply_markup"] is None
    assert "reply_parameters" not in sent


def test_a_title_is_shortened_by_utf16_units_and_stays_a_link():
    draft = Draft(("One.",), card=Card("😀" * 300, CARD.url))
    title = visible_text(payloads.html(draft)).split("\n")[0]
    assert utf16_length(title) <= payloads.TITLE_UNITS
    assert title.endswith("…")
    assert CARD.url in payloads.html(draft)


def test_a_card_without_a_picture_has_no_preview():
    card = Card(CARD.title, CARD.url)
    assert payloads.send_arguments(Draft(("One.",), card=card))["link_preview_options"].is_disabled


def test_questions_have_their_own_rows_and_short_labels_share_one():
    labels = (
        "Who found the queen of the hive?",
        "Why?",
        "Where?",
        "Transcript",
        "Chapters",
        "More",
    )
    assert rows(*labels) == [*([label] for label in labels[:3]), list(labels[3:])]
    assert rows("a", "b", "c", "d") == [["a", "b", "c"], ["d"]]


def test_questions_too_long_for_a_button_are_repeated_in_the_text():
    long = "Who found the <queen> of the hive in Arden, and in which year?"
    buttons = (Button("a", "Why?"), Button("b", long), Button("c", "Transcript"))
    draft = Draft(("Ask.",), buttons)
    assert visible_text(payloads.html(draft)) == f"Ask.\n\n1. Why?\n2. {long}"
    assert rows("Why?", long, "Transcript") == [["1. Why?"], [f"2. {long}"], ["Transcript"]]


def test_the_longest_texts_with_the_longest_title_and_questions_fit():
    questions = [Button(str(n), "@😀" * 75) for n in range(3)]
    card = Card("@😀" * 200, CARD.url)
    for draft in (
        Draft(("x" * Telegram.text_limit,), tuple(questions)),
        Draft(("x" * Telegram.card_limit,), tuple(questions), card=card),
    ):
        assert utf16_length(visible_text(payloads.html(draft))) <= payloads.TEXT_UNITS


def test_a_title_without_a_link_mentions_nobody():
    assert "@ada" not in payloads.html(Draft(("Bees.",), card=Card("@ada", "ada.mp3")))


def test_callback_data_fits_telegrams_limit():
    [[key]] = payloads.keyboard([Button("x" * 24, "a")]).inline_keyboard
    assert key.callback_data == "tt:" + "x" * 24


def test_an_empty_draft_is_refused():
    with pytest.raises(Refused):
        payloads.send_arguments(Draft((" ",)))


@pytest.mark.parametrize(("length", "fits"), [(0, True), (1024, True), (1025, False)])
def test_a_text_is_a_files_caption_if_it_fits(length, fits):
    draft = Draft(("&lt;" * length,), file=File("a.txt", "Said."))
    assert payloads.fits_caption(draft) == fits


def test_the_plain_text_retry_has_no_markup():
    shown = payloads.as_plain_text(payloads.send_arguments(Draft(("<b>One</b> &lt;",))))
    assert (shown["text"], shown["parse_mode"]) == ("One <", None)


@pytest.mark.parametrize(
    ("data", "id"),
    [("tt:a-B_9", "a-B_9"), ("tt:", ""), ("other:1", ""), ("tt:a b", ""), ("tt:" + "x" * 62, "")],
)
def test_only_the_bots_own_buttons_are_recognised(data, id):
    assert payloads.read_button_id(data) == id
