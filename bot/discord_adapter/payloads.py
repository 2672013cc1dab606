"""Convert a Draft into discord.py's arguments: content or an embed, buttons, a file."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import Any

import discord

from bot.chat import Button, Draft, Refused
from bot.discord_adapter.markdown import DiscordMarkdown, is_address
from core.text.display import shorten

NO_MENTIONS = discord.AllowedMentions.none()
"""No message of the bot notifies anybody."""

LABEL_CHARACTERS = 80
TITLE_CHARACTERS = 100
EMBED_TITLE_CHARACTERS = 256
BUTTONS_IN_A_ROW = 5
BUTTONS = 25

_BUTTON_ID = re.compile(r"tt:([A-Za-z0-9_-]{1,64})")


def send_arguments(draft: Draft) -> dict[str, Any]:
    """Return the arguments that post a message. Raises Refused if nothing of it is visible."""
    if not (draft.text.strip() or draft.card or draft.file):
        raise Refused("empty")
    arguments: dict[str, Any] = {"allowed_mentions": NO_MENTIONS}
    if draft.card:
        arguments["embed"] = embed(draft)
    elif draft.text.strip():
        arguments["content"] = draft.text
    if draft.buttons:
        arguments["view"] = button_rows(draft.buttons)
    if draft.file:
        arguments["file"] = attachment(draft)
    return arguments


def edit_arguments(draft: Draft) -> dict[str, Any]:
    """Return the arguments that replace a message's whole content. Raises Refused if nothing of it
    is visible."""
    arguments = {"content": None, "embed": None, "view": None} | send_arguments(draft)
    file = arguments.pop("file", None)
    return arguments | {"attachments": [file] if file else []}


def embed(draft: Draft) -> discord.Embed:
    assert draft.card
    card = draft.card
    title = shorten(DiscordMarkdown().text(card.title), EMBED_TITLE_CHARACTERS)
    url = card.url if is_address(card.url) else None  # Discord refuses the name of a file
    unillustrated = discord.Embed(title=title, url=url, description=draft.text or None)
    return unillustrated.set_thumbnail(url=card.thumbnail_url or None)


def button_rows(buttons: Sequence[Button]) -> discord.ui.View:
    """Distribute the buttons evenly over rows: a summary has three questions and three actions.
    Presses arrive as events of the client, also weeks later, so the view itself is stopped."""
    view, buttons = discord.ui.View(timeout=None), buttons[:BUTTONS]
    in_a_row = math.ceil(len(buttons) / math.ceil(len(buttons) / BUTTONS_IN_A_ROW))
    for n, button in enumerate(buttons):
        label, row = shorten(button.label, LABEL_CHARACTERS), n // in_a_row
        view.add_item(discord.ui.Button(label=label, custom_id=f"tt:{button.id}", row=row))
    view.stop()  # otherwise discord.py keeps it in memory forever
    return view


def attachment(draft: Draft) -> discord.File:
    assert draft.file
    return discord.File(io.BytesIO(draft.file.text.encode()), draft.file.name)


def read_button_id(custom_id: str) -> str:
    """Return the button's id, "" if the bot did not make the button."""
    found = _BUTTON_ID.fullmatch(custom_id)
    return found[1] if found else ""
