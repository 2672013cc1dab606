"""What the handlers of one platform work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.chat import Chat
from bot.config import Config
from bot.delivery.outbox import Outbox
from bot.handlers.uploads import Uploads
from bot.rendering.chat_messages import MessageRenderer
from bot.words import Words
from core.pipeline.front import Pipeline
from core.ports import Buttons, Memberships, PlaceBindings, Requests, Settings, Usage


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """Everything is borrowed: the caller opens and closes it."""

    chat: Chat
    outbox: Outbox
    core: Pipeline
    requests: Requests
    bindings: PlaceBindings
    buttons: Buttons
    settings: Settings
    usage: Usage
    memberships: Memberships
    config: Config
    words: Mapping[str, Words]
    """By language."""

    @property
    def uploads(self) -> Uploads:
        return Uploads(self.chat, self.config.data_dir)

    def renderer(self, language: str) -> MessageRenderer:
        """A renderer in this language, or in the configured one if its texts do not exist."""
        known = language if language in self.words else self.config.language
        return MessageRenderer(self.chat, self.words[known])
