"""Refuse calls with Telegram's own error texts (tdlib/telegram-bot-api, Client.cpp)."""

from __future__ import annotations

from typing import Any

PREFIXES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
OTHER_POLLER = (
    "terminated by other getUpdates request; make sure that only one bot instance is running"
)
WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook "
    "first"
)


class Refusal(Exception):
    """An error response. `breach`: the call itself is wrong, whatever the platform's state; a bot
    should never make such a call."""

    def __init__(
        self, words: str, code: int = 400, *, breach: bool = False, **parameters: int
    ) -> None:
        self.code, self.breach, self.parameters = code, breach, parameters
        prefix = PREFIXES[code]
        whole = words.startswith(prefix)
        self.words = words if whole else f"{prefix}: {words}" if words else prefix
        super().__init__(f"{code} {self.words}")

    @property
    def body(self) -> dict[str, Any]:
        told = {"ok": False, "error_code": self.code, "description": self.words}
        return told | ({"parameters": self.parameters} if self.parameters else {})


def breach(words: str) -> Refusal:
    return Refusal(words, breach=True)


def in_words(words: str) -> Refusal:
    """The error with this description; its first words determine the code."""
    found = [code for code, prefix in PREFIXES.items() if words.startswith(prefix)]
    return Refusal(words, found[0] if found else 400)
