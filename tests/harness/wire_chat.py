"""Chats in memory that make of every draft what the real adapters would send, and read it as the
platform's client shows it."""

from __future__ import annotations

import json
from typing import Any

import discord
from discord.http import handle_message_parameters

from bot.chat import ChatStyle, Draft
from bot.discord_adapter import payloads as discord_payloads
from bot.discord_adapter.adapter import Discord
from bot.telegram_adapter import html as telegram_html
from bot.telegram_adapter import payloads as telegram_payloads
from bot.telegram_adapter.adapter import Telegram
from tests.fakes.chat import FakeChat
from tests.harness.client_views import View, discord_view, plain_telegram_view, telegram_view


class WireChat(FakeChat):
    """`views`: every version of every message with its place, also private replies given to `show`.
    `sent`: the same as JSON text, as it leaves the machine."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.previews = []
        self.views: list[tuple[str, Draft, View]] = []
        self.sent: list[tuple[str, str]] = []

    async def post(self, place: str, draft: Draft, key: str) -> str:
        self.show(draft, place)
        return await super().post(place, draft, key)

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        self.show(draft, place)
        await super().edit(place, message_id, draft)

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        self.show(draft, place)
        return await super().preview(place, draft, key)

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        self.sent.append((place, title))  # neither platform reads markup or links in titles
        return await super().open_thread(place, message_id, title, key)

    def show(self, draft: Draft, place: str = "") -> View:
        """Render a draft as the adapter does. Raises Refused, and Telegram's Refusal."""
        view, payload = self._render(draft)
        written = json.dumps(payload, ensure_ascii=False, default=str)
        self.sent.append((place, written + (draft.file.text if draft.file else "")))
        self.views.append((place, draft, view))
        return view

    def seen_in(self, channel: str) -> list[tuple[Draft, View]]:
        """What was shown in a channel and its threads."""
        return [(draft, view) for place, draft, view in self.views if _is_in(place, channel)]

    def sent_to(self, channel: str) -> list[str]:
        return [written for place, written in self.sent if _is_in(place, channel)]

    def _render(self, draft: Draft) -> tuple[View, object]:
        """What the client shows, and what the adapter sends."""
        raise NotImplementedError


def _is_in(place: str, channel: str) -> bool:
    return place.partition("/")[0] == channel


class DiscordWire(WireChat):
    """As the Discord adapter sends it."""

    localised_commands = Discord.localised_commands
    text_limit, card_limit = Discord.text_limit, Discord.card_limit
    style: ChatStyle = Discord.style  # type: ignore[assignment]

    def _render(self, draft: Draft) -> tuple[View, object]:
        arguments = discord_payloads.send_arguments(draft)
        arguments.pop("file", None)
        view, embed = arguments.pop("view", None), arguments.pop("embed", None)
        with handle_message_parameters(
            **arguments,
            embed=embed or discord.utils.MISSING,
            view=view or discord.utils.MISSING,
        ) as parameters:
            payload: Any = parameters.payload
        assert payload["allowed_mentions"]["parse"] == [], "a message that may notify people"
        shown = discord_view(payload.get("content") or "")
        for one in payload.get("embeds", ()):
            title = discord_view(one.get("title", ""))
            title.links += [(title.text, one["url"])] if "url" in one else []
            shown.add(title)
            shown.add(discord_view(one.get("description", "")))
        return shown, payload


class TelegramWire(WireChat):
    """As the Telegram adapter sends it."""

    localised_commands = Telegram.localised_commands
    text_limit, card_limit = Telegram.text_limit, Telegram.card_limit
    style: ChatStyle = Telegram.style  # type: ignore[assignment]

    def length(self, text: str) -> int:
        return telegram_html.length(text)

    def _check(self, draft: Draft) -> None:
        """Its own limits are checked where the message is read, after markup."""

    def _render(self, draft: Draft) -> tuple[View, object]:
        arguments = telegram_payloads.send_arguments(draft)
        keyboard = arguments["reply_markup"]
        shown = telegram_view(arguments["text"])
        # The same without markup is sent if Telegram cannot parse it.
        plain = telegram_payloads.as_plain_text(arguments)["text"]
        found = plain_telegram_view(plain)
        shown.calls += found.calls
        shown.presses += found.presses
        return shown, {**arguments, "reply_markup": keyboard and keyboard.to_dict()}


PLATFORMS: dict[str, type[WireChat]] = {"discord": DiscordWire, "telegram": TelegramWire}
