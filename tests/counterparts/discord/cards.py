"""Read a message's embed."""

from __future__ import annotations

from tests.counterparts.discord.people import Seen


def description(seen: Seen) -> str:
    """Empty where there is no card."""
    return str(seen.embeds[0].get("description", "")) if seen.embeds else ""


def shown(seen: Seen) -> list[str]:
    """What it has shown so far, one after the other."""
    return [
        str(version.embeds[0].get("description", "")) for version in seen.versions if version.embeds
    ]
