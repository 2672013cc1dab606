"""Telegram's commands: parsing what people type, and registering their descriptions."""

import pytest

from bot.telegram_adapter.command_parsing import COMMANDS, FOR_MODERATORS, read_options
from bot.telegram_adapter.command_registration import _our_commands
from bot.words import Words


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("watch", "https://youtu.be/dQw4w9WgXcQ ko", {"language": "ko"}),
        ("watch", "", {}),
        ("search", "the queen", {"words": "the queen"}),
        ("videos", "2", {"page": "2"}),
        ("summary", "", {}),
        ("summary", "How bees dance", {"video": "How bees dance"}),
        ("transcript", "SRT How bees", {"format": "srt", "video": "How bees"}),
        ("transcript", "How bees", {"video": "How bees"}),
        ("translate", "ko How bees", {"language": "ko", "video": "How bees"}),
        ("language", "ko", {"language": "ko"}),
        ("settings", "links off", {"links": "off"}),
        ("settings", "mentions=on, ask: all", {"mention_only": "on", "who_ask": "all"}),
        ("settings", "colour blue links", {}),
        ("settings", "Reset", {"reset": "on"}),
        ("cancel", "job-1", {"job": "job-1"}),
        ("pin", "How bees dance", {"video": "How bees dance"}),
        ("unpin", "", {}),
        ("help", "me", {}),
    ],
)
def test_text_after_a_command_is_parsed_into_options(name, text, read):
    found = read_options(name, text, may_concern_one_video=False)
    assert {key: value for key, value in found.items() if key != "link"} == read
    assert ("link" in found) == ("youtu" in text)


def test_every_command_has_a_description_and_only_moderators_see_theirs():
    lists = list(_our_commands())
    assert {(scope.type, language) for scope, language, _ in lists} == {
        (scope, language)
        for scope in ("default", "all_private_chats", "all_chat_administrators")
        for language in (None, "ko")
    }
    for scope, language, commands in lists:
        without = FOR_MODERATORS if scope.type == "default" else ()
        assert [one.command for one in commands] == [n for n in COMMANDS if n not in without]
        words = Words(language or "en")
        assert commands[0].description == words("commands.watch.description")
