"""This file turns a Draft into what discord.py sends: content or an embed, buttons, a file."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import Any

import discord

from bot.chat import Button, Draft, Refused
from bot.discord_adapter.markdown import DiscordMarkdown
from core.text.display import shorten

NO_MENTIONS = discord.AllowedMentions.none()
"""No message of ours ever pings anybody."""

LABEL_CHARACTERS = 80
TITLE_CHARACTERS = 100
EMBED_TITLE_CHARACTERS = 256
BUTTONS_IN_A_ROW = 5
BUTTONS = 25

_BUTTON_ID = re.compile(r"tt:([A-Za-z0-9_-]{1,64})")


def send_arguments(draft: Draft) -> dict[str, Any]:
    """The arguments with which discord.py posts it. Raises Refused where nothing can be seen."""
    if not (draft.text.strip() or draft.card or draft.file):
        raise Refused("empty")
    shown: dict[str, Any] = {"allowed_mentions": NO_MENTIONS}
    if draft.card:
        shown["embed"] = embed(draft)
    elif draft.text.strip():
        shown["content"] = draft.text
    if draft.buttons:
        shown["view"] = button_rows(draft.buttons)
    if draft.file:
        shown["file"] = attachment(draft)
    return shown


def edit_arguments(draft: Draft) -> dict[str, Any]:
    """The arguments after which a message shows the draft and nothing that it showed before."""
    shown = {"content": None, "embed": None, "view": None} | send_arguments(draft)
    file = shown.pop("file", None)
    return shown | {"attachments": [file] if file else []}


def embed(draft: Draft) -> discord.Embed:
    assert draft.card
    card = draft.card
    title = shorten(DiscordMarkdown().text(card.title), EMBED_TITLE_CHARACTERS)
    made = discord.Embed(title=title, url=card.url, description=draft.text or None)
    return made.set_thumbnail(url=card.thumbnail_url or None)


def button_rows(buttons: Sequence[Button]) -> discord.ui.View:
    """As even as can be: below a summary three ask and three do something else. Nothing listens to
    it: what is pressed comes back as an event, weeks later as well."""
    view, buttons = discord.ui.View(timeout=None), buttons[:BUTTONS]
    in_a_row = math.ceil(len(buttons) / math.ceil(len(buttons) / BUTTONS_IN_A_ROW))
    for n, button in enumerate(buttons):
        label, row = shorten(button.label, LABEL_CHARACTERS), n // in_a_row
        view.add_item(discord.ui.Button(label=label, custom_id=f"tt:{button.id}", row=row))
    view.stop()  # else discord.py keeps it for ever
    return view


def attachment(draft: Draft) -> discord.File:
    assert draft.file
    return discord.File(io.BytesIO(draft.file.text.encode()), draft.file.name)


def read_button_id(custom_id: str) -> str:
    """The button's id, or "" if it is none of ours."""
    found = _BUTTON_ID.fullmatch(custom_id)
    return found[1] if found else ""
