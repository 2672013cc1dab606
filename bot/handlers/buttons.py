"""Create buttons. The store keeps what each one stands for, so that it works weeks later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from bot.chat import Button
from bot.handlers.context import HandlerContext
from bot.rendering.chat_messages import LABEL_CHARACTERS
from core.chat_records import StoredButton
from core.text.display import one_line, shorten


async def create_buttons(
    context: HandlerContext, key: str, wanted: Sequence[StoredButton], labels: Sequence[str]
) -> list[Button]:
    """Store buttons and return them in order. The same `key` gives the same ids."""
    stored = [replace(one, id=button_id(key, number)) for number, one in enumerate(wanted)]
    await context.buttons.add(stored)
    shown = [shorten(one_line(label), LABEL_CHARACTERS) or "?" for label in labels]
    return [Button(one.id, label) for one, label in zip(stored, shown, strict=True)]


def button_id(key: str, number: int) -> str:
    """A stable id that reveals nothing about the button's content."""
    return hashlib.sha256(f"{key}\n{number}".encode()).hexdigest()[:24]
