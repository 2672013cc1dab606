"""Drafts become discord.py's arguments."""

import pytest

from bot.chat import Button, Card, Draft, File, Refused
from bot.discord_adapter import payloads

CARD = Card("How *bees* dance", "https://youtu.be/dQw4w9WgXcQ", "https://i.ytimg.com/x.jpg")


def test_text_alone_is_content_and_notifies_nobody():
    sent = payloads.send_arguments(Draft(("One.", "Two.")))
    assert sent.pop("allowed_mentions").to_dict() == {"parse": []}
    assert sent == {"content": "One.\n\nTwo."}


def test_a_card_is_an_embed_with_the_text_below_its_title():
    sent = payloads.send_arguments(Draft(("One.",), card=CARD))
    assert "content" not in sent
    assert sent["embed"].to_dict() == {
        "type": "rich",
        "title": r"How \*bees\* dance",
        "url": CARD.url,
        "description": "One.",
        "thumbnail": {"url": CARD.thumbnail_url},
        "flags": 0,
    }


def test_a_long_title_is_shortened_to_the_limit():
    card = Card("*" * 300, CARD.url)
    title = payloads.send_arguments(Draft(("One.",), card=card))["embed"].title
    assert len(title) == 256
    assert title.endswith("…")


def test_buttons_form_even_rows_of_at_most_five_with_labels_of_at_most_eighty():
    buttons = tuple(Button(f"b{n}", "why " * 30) for n in range(7))
    first, second = payloads.send_arguments(Draft(("One.",), buttons))["view"].to_components()
    assert [len(row["components"]) for row in (first, second)] == [4, 3]
    assert first["components"][0]["custom_id"] == "tt:b0"
    assert first["components"][0]["label"] == ("why " * 30)[:79].rstrip() + "…"


def test_a_file_is_attached_as_utf8():
    file = payloads.send_arguments(Draft((), file=File("a.txt", "꿀벌")))["file"]
    assert file.filename == "a.txt"
    assert file.fp.read().decode() == "꿀벌"


def test_an_edit_replaces_the_whole_content():
    edited = payloads.edit_arguments(Draft(("One.",)))
    assert edited["embed"] is edited["view"] is None
    assert edited["attachments"] == []
    assert payloads.edit_arguments(Draft(("One.",), card=CARD))["content"] is None


def test_an_empty_draft_is_refused():
    with pytest.raises(Refused):
        payloads.send_arguments(Draft((" ",)))


@pytest.mark.parametrize(
    ("custom_id", "id"),
    [("tt:a-B_9", "a-B_9"), ("tt:", ""), ("other:1", ""), ("tt:a b", ""), ("tt:" + "x" * 65, "")],
)
def test_only_the_bots_own_buttons_are_recognised(custom_id, id):
    assert payloads.read_button_id(custom_id) == id


def test_the_card_of_a_file_has_no_address_because_discord_refuses_a_files_name():
    card = Card("bees", "bees.mp3")
    assert payloads.send_arguments(Draft(("One.",), card=card))["embed"].url is None
