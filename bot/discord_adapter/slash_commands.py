"""Define the slash commands, and build Discord's JSON for them in every language of the bot.

Their texts are in bot/locale/ under `commands`; the names in this file are the keys there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.words import Words

Json = dict[str, Any]

CHAT_INPUT, MESSAGE_COMMAND = 1, 3
TEXT, NUMBER, YES_NO = 3, 4, 5
MANAGE_SERVER = 1 << 5
IN_SERVERS, IN_PRIVATE = 0, 1
SUMMARISE = "summarise"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command. `choices`: locale keys, or the values themselves where no key
    exists. `suggested`: autocompleted by `Receiver.suggest`."""

    name: str
    kind: int = TEXT
    required: bool = False
    suggested: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A slash command. `for_managers`: by default only for people who manage the server, which the
    server can change."""

    name: str
    options: tuple[Option, ...] = ()
    for_managers: bool = False


LANGUAGES = ("en", "ko")
WHO = ("everyone", "moderators")
VIDEO = Option("video", suggested=True)

COMMANDS = (
    SlashCommand("watch", (Option("link", required=True), Option("language", choices=LANGUAGES))),
    SlashCommand(
        "ask", (Option("question", required=True), Option("scope", choices=("channel", "video")))
    ),
    SlashCommand("search", (Option("words", required=True),)),
    SlashCommand("videos", (Option("page", NUMBER),)),
    SlashCommand("summary", (VIDEO,)),
    SlashCommand(
        "transcript", (Option("format", choices=("txt", "md", "srt", "vtt", "json")), VIDEO)
    ),
    SlashCommand("chapters", (VIDEO,)),
    SlashCommand("proof"),
    SlashCommand("translate", (Option("language", required=True, suggested=True), VIDEO)),
    SlashCommand("language", (Option("language", required=True, choices=LANGUAGES),)),
    SlashCommand("status"),
    SlashCommand("cancel", (Option("job", required=True, suggested=True),)),
    SlashCommand("forget", (Option("video", required=True, suggested=True),)),
    SlashCommand("pin", (VIDEO,)),
    SlashCommand("unpin", (VIDEO,)),
    SlashCommand(
        "settings",
        (
            Option("links", YES_NO),
            Option("mention_only", YES_NO),
            Option("who_watch", choices=WHO),
            Option("who_ask", choices=WHO),
            Option("who_forget", choices=WHO),
            Option("for", choices=("server", "channel")),
            Option("reset", YES_NO),
        ),
        for_managers=True,
    ),
    SlashCommand("help"),
)


def registration_payload(english: Words, others: Sequence[Words]) -> list[Json]:
    """Return every command with its names and descriptions, as Discord's API takes it."""
    return [
        *(_slash(command, english, others) for command in COMMANDS),
        {"type": MESSAGE_COMMAND, **_common()} | _named(f"commands.{SUMMARISE}", english, others),
    ]


def commands_differ(ours: Sequence[Json], theirs: Sequence[Json]) -> bool:
    """Return whether Discord's commands differ from ours, regardless of their order."""
    known = {(command["type"], command["name"]): command for command in theirs}
    found = [known.get((command["type"], command["name"])) for command in ours]
    return len(ours) != len(theirs) or any(map(_differ, ours, found))


def _slash(command: SlashCommand, english: Words, others: Sequence[Words]) -> Json:
    options = [_option(option, english, others) for option in command.options]
    written = {"type": CHAT_INPUT, "options": options, **_common()}
    if command.for_managers:
        written |= {"default_member_permissions": MANAGE_SERVER, "contexts": [IN_SERVERS]}
    return written | _described(f"commands.{command.name}", english, others)


def _common() -> Json:
    return {"default_member_permissions": None, "contexts": [IN_SERVERS, IN_PRIVATE]}


def _option(option: Option, english: Words, others: Sequence[Words]) -> Json:
    written: Json = {"type": option.kind, "required": option.required}
    if option.suggested:
        written["autocomplete"] = True
    if option.choices:
        written["choices"] = [_choice(choice, english, others) for choice in option.choices]
    if option.kind == NUMBER:
        written["min_value"] = 1
    return written | _described(f"commands.options.{option.name}", english, others)


def _choice(choice: str, english: Words, others: Sequence[Words]) -> Json:
    key = f"commands.choices.{choice}"
    if key not in english:
        return {"name": choice, "value": choice}
    names = {words.language: words(key) for words in others}
    return {"name": english(key), "name_localizations": names, "value": choice}


def _described(key: str, english: Words, others: Sequence[Words]) -> Json:
    localizations = {words.language: words(f"{key}.description") for words in others}
    description = {
        "description": english(f"{key}.description"),
        "description_localizations": localizations,
    }
    return _named(key, english, others) | description


def _named(key: str, english: Words, others: Sequence[Words]) -> Json:
    names = {words.language: words(f"{key}.name") for words in others}
    return {"name": english(f"{key}.name"), "name_localizations": names}


def _differ(ours: object, theirs: object) -> bool:
    """Compare only what ours define. Discord adds fields, leaves out empty and false ones, and
    returns some numbers as text."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return any(_differ(value, theirs.get(key)) for key, value in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) != len(theirs) or any(map(_differ, ours, theirs))
    return str(ours or "") != str(theirs or "")
