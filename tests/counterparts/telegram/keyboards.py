"""Check inline keyboards by the rules that the Bot API description omits."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.counterparts.telegram.refusal import breach

Keyboard = list[list[dict[str, Any]]]
BUTTONS, IN_A_ROW = 100, 8
_BESIDE = {"text", "style", "icon_custom_emoji_id"}


def inline(given: dict[str, Any]) -> Keyboard:
    """Validate a call's inline keyboard; empty if it has none. Raises Refusal."""
    markup = given.get("reply_markup")
    if markup is None:
        return []
    if "inline_keyboard" not in markup:
        raise breach("inline keyboard expected")
    rows: Keyboard = [row for row in markup["inline_keyboard"] if row]
    if sum(map(len, rows)) > BUTTONS or any(len(row) > IN_A_ROW for row in rows):
        raise breach("reply markup is too long")
    for row in rows:
        for button in row:
            _check(button)
    return rows


def _check(button: dict[str, Any]) -> None:
    if not button["text"].strip():
        raise breach("can't parse inline keyboard button: button text must be non-empty")
    kinds = button.keys() - _BESIDE
    if not kinds:
        words = "Text buttons are unallowed in the inline keyboard"
        raise breach(f"can't parse inline keyboard button: {words}")
    if len(kinds) > 1:
        raise breach(f"can't parse inline keyboard button: {sorted(kinds)}")
    if "url" in button:
        address = urlsplit(button["url"])
        if address.scheme not in ("http", "https", "tg", "ton") or not address.netloc:
            raise breach(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
