"""Convert a Draft into the arguments of Telegram's calls: HTML, link preview, keyboard, file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import (
    InlineKeyboardButtonLimit,
    InlineKeyboardMarkupLimit,
    MessageLimit,
)

from bot.chat import Button, Card, Draft, File, Refused
from bot.telegram_adapter.html import TelegramHtml, link, unlinked, visible_text
from bot.telegram_adapter.place_ids import number_in
from core.text.display import shorten, unmarked, utf16_length

TEXT_UNITS = MessageLimit.MAX_TEXT_LENGTH
CAPTION_UNITS = MessageLimit.CAPTION_LENGTH
TITLE_UNITS = 256
BUTTONS_IN_A_ROW = 3
SHORT_LABEL_CHARACTERS = 20
"""Longest label that stays readable with two others in its row."""
FULL_ROW_CHARACTERS = 32
"""Longest label that a phone shows in a row of its own."""
QUESTION_UNITS = 150
QUESTIONS_UNITS = 3 * (QUESTION_UNITS + 4) + 1
"""Three questions as text, with their numbers and the blank line before them."""

_PREFIX = "tt:"
_ID_CHARACTERS = InlineKeyboardButtonLimit.MAX_CALLBACK_DATA - len(_PREFIX)
_BUTTON_ID = re.compile(rf"{_PREFIX}([A-Za-z0-9_-]{{1,{_ID_CHARACTERS}}})")


def send_arguments(draft: Draft) -> dict[str, Any]:
    """Return the arguments that post a text. Raises Refused if nothing of it is visible."""
    return edit_arguments(draft) | _reply(draft)


def edit_arguments(draft: Draft) -> dict[str, Any]:
    """Return the arguments that replace a message's whole content. Raises Refused if nothing of it
    is visible."""
    return {
        "text": html(draft),
        "parse_mode": "HTML",
        "link_preview_options": _preview(draft.card),
        "reply_markup": keyboard(draft.buttons),
    }


def html(draft: Draft) -> str:
    """Return the whole text. A card's title is the first line; questions that do not fit on their
    buttons are the last lines."""
    blocks = list(filter(str.strip, draft.blocks))
    if card := draft.card:
        title = shorten(unlinked(unmarked(card.title)), TITLE_UNITS, utf16_length)
        blocks.insert(0, f"<b>{link(title, card.url)}</b>")
    if numbers := _question_numbers(draft.buttons):
        labels = ((numbers.get(b.id), _question(b.label)) for b in draft.buttons)
        blocks.append("\n".join(f"{number}{label}" for number, label in labels if number))
    text = "\n\n".join(blocks)
    if not visible_text(text).strip():
        raise Refused("empty")
    return text


def as_plain_text(arguments: dict[str, Any], field: str = "text") -> dict[str, Any]:
    """Return the same arguments without markup, for a text that Telegram cannot parse."""
    return arguments | {field: visible_text(arguments[field]), "parse_mode": None}


def document_arguments(draft: Draft) -> dict[str, Any]:
    """Return the arguments that post a file with the text as its caption: see `fits_caption`."""
    assert draft.file
    arguments = {"document": attachment(draft.file), "reply_markup": keyboard(draft.buttons)}
    caption = {"caption": html(draft), "parse_mode": "HTML"} if _has_text(draft) else {}
    return arguments | caption | _reply(draft)


def fits_caption(draft: Draft) -> bool:
    """Return whether the text is short enough for a file's caption."""
    return not _has_text(draft) or utf16_length(visible_text(html(draft))) <= CAPTION_UNITS


def attachment(file: File) -> InputFile:
    return InputFile(file.text.encode() or b"\n", filename=file.name)


def keyboard(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """Give each question its own row, and put short labels side by side."""
    rows: list[list[InlineKeyboardButton]] = []
    short = 0
    numbers = _question_numbers(buttons)
    for button in buttons[: InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER]:
        label = numbers.get(button.id, "") + (button.label or "?")
        key = InlineKeyboardButton(label, callback_data=f"{_PREFIX}{button.id}")
        if _is_short(button) and 0 < short < BUTTONS_IN_A_ROW:
            rows[-1].append(key)
        else:
            rows.append([key])
            short = 0
        short = short + 1 if _is_short(button) else 0
    return InlineKeyboardMarkup(rows) if rows else None


def read_button_id(data: str) -> str:
    """Return the button's id, "" if the bot did not make the button."""
    found = _BUTTON_ID.fullmatch(data)
    return found[1] if found else ""


def _is_short(button: Button) -> bool:
    return len(button.label) <= SHORT_LABEL_CHARACTERS and not button.label.endswith("?")


def _question_numbers(buttons: Sequence[Button]) -> dict[str, str]:
    """Number the questions, by button id, if one of them does not fit on its button."""
    questions = [button for button in buttons if not _is_short(button)]
    if all(len(button.label) <= FULL_ROW_CHARACTERS for button in questions):
        return {}
    return {button.id: f"{n}. " for n, button in enumerate(questions, 1)}


def _question(label: str) -> str:
    return TelegramHtml().text(shorten(unlinked(label), QUESTION_UNITS, utf16_length))


def _has_text(draft: Draft) -> bool:
    return bool(draft.text.strip() or draft.card)


def _reply(draft: Draft) -> dict[str, Any]:
    """Reply to the question, and post the answer also if the question was deleted."""
    if not draft.reply_to:
        return {}
    number = number_in(draft.reply_to)
    return {"reply_parameters": ReplyParameters(number, allow_sending_without_reply=True)}


def _preview(card: Card | None) -> LinkPreviewOptions:
    """Preview the card's picture, and no other link of the text."""
    if card is None or not card.thumbnail_url:
        return LinkPreviewOptions(is_disabled=True)
    if not card.is_wide:
        return LinkPreviewOptions(url=card.thumbnail_url, prefer_small_media=True)
    return LinkPreviewOptions(url=card.thumbnail_url, prefer_large_media=True, show_above_text=True)
