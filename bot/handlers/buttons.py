"""This file makes buttons: what each stands for is stored, so that it serves weeks later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from bot.chat import Button
from bot.handlers.context import HandlerContext
from bot.rendering.chat_messages import LABEL_CHARACTERS
from core.chat_records import StoredButton
from core.text.display import one_line, shorten


async def made(
    context: HandlerContext, key: str, wanted: Sequence[StoredButton], labels: Sequence[str]
) -> list[Button]:
    """Buttons that will be known as long as what they are about."""
    stored = [replace(one, id=button_id(key, number)) for number, one in enumerate(wanted)]
    await context.buttons.add(stored)
    shown = [shorten(one_line(label), LABEL_CHARACTERS) or "?" for label in labels]
    return [Button(one.id, label) for one, label in zip(stored, shown, strict=True)]


def button_id(key: str, number: int) -> str:
    """The same whenever the same button is made; it tells nothing."""
    return hashlib.sha256(f"{key}\n{number}".encode()).hexdigest()[:24]
