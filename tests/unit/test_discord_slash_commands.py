"""This file checks the commands against Discord's rules for them."""

import copy
import re
from collections.abc import Iterator

from bot.discord_adapter.slash_commands import COMMANDS, commands_differ, registration_payload
from bot.words import Words

OURS = registration_payload(Words("en"), [Words("ko")])
CHAT_INPUT = [command for command in OURS if command["type"] == 1]


def parts() -> Iterator[dict]:
    for command in CHAT_INPUT:
        yield command
        yield from command["options"]


def as_discord_tells(commands: list[dict]) -> list[dict]:
    """In another order, with more about each, without what is empty or no, and permissions as
    text."""
    told = []
    for command in reversed(copy.deepcopy(commands)):
        for option in command.get("options", []):
            if not option["required"]:
                del option["required"]
        if not command.get("options"):
            command.pop("options", None)
        if permissions := command["default_member_permissions"]:
            command["default_member_permissions"] = str(permissions)
        told.append(command | {"id": "1", "version": "2", "nsfw": False})
    return told


def test_every_name_is_one_that_discord_takes_in_every_language():
    for part in parts():
        for name in (part["name"], *part["name_localizations"].values()):
            assert re.fullmatch(r"[-_\w]{1,32}", name)
            assert name == name.lower()


def test_every_description_fits_in_every_language():
    for part in parts():
        for told in (part["description"], *part["description_localizations"].values()):
            assert 1 <= len(told) <= 100


def test_names_beside_each_other_differ_in_every_language():
    for group in (CHAT_INPUT, *(command["options"] for command in CHAT_INPUT)):
        for names in (
            [part["name"] for part in group],
            [part["name_localizations"]["ko"] for part in group],
        ):
            assert len(set(names)) == len(names)


def test_options_that_must_be_given_come_first():
    for command in CHAT_INPUT:
        required = [option["required"] for option in command["options"]]
        assert required == sorted(required, reverse=True)


def test_code_reads_the_names_that_are_the_same_in_every_language():
    assert {command["name"] for command in CHAT_INPUT} == {command.name for command in COMMANDS}


def test_one_command_is_given_on_a_message():
    assert [command["name"] for command in OURS if command["type"] == 3] == ["Summarise this video"]


def test_settings_are_for_those_who_manage_the_server():
    [settings] = [command for command in CHAT_INPUT if command["name"] == "settings"]
    assert settings["default_member_permissions"] == 1 << 5
    assert settings["contexts"] == [0]


def test_what_discord_has_already_is_no_difference():
    assert not commands_differ(OURS, as_discord_tells(OURS))


def test_one_word_in_one_language_is_a_difference():
    theirs = as_discord_tells(OURS)
    theirs[-1]["options"][0]["description_localizations"]["ko"] = "?"
    assert commands_differ(OURS, theirs)


def test_a_command_too_many_or_too_few_is_a_difference():
    assert commands_differ(OURS, as_discord_tells(OURS)[1:])
    assert commands_differ(OURS[1:], as_discord_tells(OURS))
    assert commands_differ(OURS, [])
