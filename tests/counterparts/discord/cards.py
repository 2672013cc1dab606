"""Read a message's embeds."""

from __future__ import annotations

from tests.counterparts.discord.people import Seen


def description(seen: Seen) -> str:
    """The description of the message's card; empty if there is none."""
    return str(seen.embeds[0].get("description", "")) if seen.embeds else ""


def shown(seen: Seen) -> list[str]:
    """Every description that the message's card has had, oldest first."""
    return [
        str(version.embeds[0].get("description", "")) for version in seen.versions if version.embeds
    ]
