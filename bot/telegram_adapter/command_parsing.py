"""Parse commands as people type them on Telegram: a name, then free text.

The commands' descriptions are in bot/locale/ under `commands`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import get_args

from telegram import Message, MessageEntity, User

from bot.telegram_adapter.event_values import text_of
from core.config import Language
from core.export.formats import Format
from core.links import find_video_ids

COMMANDS = (
    *("watch", "ask", "search", "videos", "summary", "transcript", "chapters", "proof"),
    *("translate", "language", "status", "cancel", "forget", "pin", "unpin"),
    *("settings", "help"),
)
FOR_MODERATORS = ("settings",)

Options = dict[str, str]

_SWITCHES = {"links": "links", "mentions": "mention_only", "mention_only": "mention_only"}
_WHO = {"watch": "who_watch", "ask": "who_ask", "forget": "who_forget"}
_SETTINGS = _SWITCHES | _WHO | {name: name for name in _WHO.values()}


def read_command(message: Message, bot_user: User) -> tuple[str, str] | None:
    """Return a command's name and the text after it, None if the message has no command, ("", "")
    if it is meant for another bot. A file's caption may hold a command as well."""
    text, first = text_of(message), next(iter(message.entities or message.caption_entities), None)
    if first is None or first.type != MessageEntity.BOT_COMMAND or first.offset:
        return None
    name, _, bot = text[1 : first.length].partition("@")
    if bot and bot.casefold() != (bot_user.username or "").casefold():
        return "", ""
    name = name.casefold()
    if name not in COMMANDS and message.caption:
        return None
    if name not in COMMANDS and not (bot or message.chat.type == "private"):
        return "", ""
    return name if name in COMMANDS else "help", text[first.length :].strip()


def read_options(name: str, text: str, *, may_concern_one_video: bool) -> Options:
    """Parse the text after a command's name. `may_concern_one_video`: the command was sent in a
    topic or as a reply."""
    if name == "ask":
        return _ask(text, may_concern_one_video)
    parse = _PARSERS.get(name)
    return {key: value for key, value in (parse(text) if parse else {}).items() if value}


def _ask(text: str, may_concern_one_video: bool) -> Options:
    """
    >>> _ask("all who sings?", True)
    {'question': 'who sings?', 'scope': 'channel'}
    """
    first, _, rest = text.partition(" ")
    if first.casefold() == "all" and rest.strip():
        return {"question": rest.strip(), "scope": "channel"}
    return {"question": text, "scope": "here" if may_concern_one_video else "channel"}


def _watch(text: str) -> Options:
    language = next((word for word in text.split() if word in get_args(Language)), "")
    return {"link": text if find_video_ids(text) else "", "language": language}


def _transcript(text: str) -> Options:
    form, video = _split_known(text, get_args(Format))
    return {"format": form, "video": video}


def _translate(text: str) -> Options:
    language, _, video = text.partition(" ")
    return {"language": language, "video": video.strip()}


def _settings(text: str) -> Options:
    """Parse pairs of a setting and its value.

    >>> _settings("links off ask moderators")
    {'links': 'off', 'who_ask': 'moderators'}
    """
    words = re.split(r"[\s=:,]+", text.casefold().strip())
    if words == ["reset"]:
        return {"reset": "on"}
    pairs = zip(words[::2], words[1::2], strict=False)
    return {_SETTINGS[what]: how for what, how in pairs if what in _SETTINGS}


def _cancel(text: str) -> Options:
    """Accept a job's id or its video's link."""
    return {"job": next(iter(find_video_ids(text)), text)}


def _split_known(text: str, known: Collection[str]) -> tuple[str, str]:
    first, _, rest = text.partition(" ")
    return (first.casefold(), rest.strip()) if first.casefold() in known else ("", text)


def _whole_text_as(name: str) -> Callable[[str], Options]:
    return lambda text: {name: text}


_PARSERS: dict[str, Callable[[str], Options]] = {
    "watch": _watch,
    "search": _whole_text_as("words"),
    "videos": _whole_text_as("page"),
    "summary": _whole_text_as("video"),
    "transcript": _transcript,
    "chapters": _whole_text_as("video"),
    "translate": _translate,
    "language": _whole_text_as("language"),
    "cancel": _cancel,
    "forget": _whole_text_as("video"),
    "pin": _whole_text_as("video"),
    "unpin": _whole_text_as("video"),
    "settings": _settings,
}
