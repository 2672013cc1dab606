"""The slash commands follow Discord's rules, and are registered only when they change."""

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


def as_discord_returns(commands: list[dict]) -> list[dict]:
    """Return the commands as Discord does: in another order, with extra fields, without empty and
    false ones, and with permissions as text."""
    returned = []
    for command in reversed(copy.deepcopy(commands)):
        for option in command.get("options", []):
            if not option["required"]:
                del option["required"]
        if not command.get("options"):
            command.pop("options", None)
        if permissions := command["default_member_permissions"]:
            command["default_member_permissions"] = str(permissions)
        returned.append(command | {"id": "1", "version": "2", "nsfw": False})
    return returned


def test_every_name_is_valid_for_discord_in_every_language():
    for part in parts():
        for name in (part["name"], *part["name_localizations"].values()):
            assert re.fullmatch(r"[-_\w]{1,32}", name)
            assert name == name.lower()


def test_every_description_fits_in_every_language():
    for part in parts():
        for description in (part["description"], *part["description_localizations"].values()):
            assert 1 <= len(description) <= 100


def test_names_in_one_list_are_unique_in_every_language():
    for group in (CHAT_INPUT, *(command["options"] for command in CHAT_INPUT)):
        for names in (
            [part["name"] for part in group],
            [part["name_localizations"]["ko"] for part in group],
        ):
            assert len(set(names)) == len(names)


def test_required_options_come_first():
    for command in CHAT_INPUT:
        required = [option["required"] for option in command["options"]]
        assert required == sorted(required, reverse=True)


def test_command_names_are_the_keys_that_code_reads():
    assert {command["name"] for command in CHAT_INPUT} == {command.name for command in COMMANDS}


def test_there_is_one_message_command():
    assert [command["name"] for command in OURS if command["type"] == 3] == ["Summarise this video"]


def test_settings_is_limited_to_people_who_manage_the_server():
    [settings] = [command for command in CHAT_INPUT if command["name"] == "settings"]
    assert settings["default_member_permissions"] == 1 << 5
    assert settings["contexts"] == [0]


def test_registered_commands_are_equal_to_ours():
    assert not commands_differ(OURS, as_discord_returns(OURS))


def test_one_changed_word_in_one_language_is_a_difference():
    theirs = as_discord_returns(OURS)
    theirs[-1]["options"][0]["description_localizations"]["ko"] = "?"
    assert commands_differ(OURS, theirs)


def test_an_extra_or_missing_command_is_a_difference():
    assert commands_differ(OURS, as_discord_returns(OURS)[1:])
    assert commands_differ(OURS[1:], as_discord_returns(OURS))
    assert commands_differ(OURS, [])
