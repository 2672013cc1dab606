"""Discord's error codes, each with its HTTP status and message."""

from __future__ import annotations

from typing import Any

CODES: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20028: (429, "The write action you are performing on the channel has hit the write rate limit"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40333: (403, "internal network error"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (400, "You cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
    160006: (400, "Maximum number of active threads reached"),
    200000: (400, "Message was blocked by automatic moderation"),
}


class Refusal(Exception):
    """An error response. `breach`: what is wrong with the request itself, whatever the platform's
    state; a bot should never send such a request."""

    def __init__(self, code: int, *, breach: str = "") -> None:
        self.code = code
        self.status, self.words = CODES[code]
        self.breach = breach
        super().__init__(f"{code} {self.words} {breach}".rstrip())

    @property
    def body(self) -> dict[str, Any]:
        told: dict[str, Any] = {"message": self.words, "code": self.code}
        if self.code == 50035:
            reason = {"code": "BASE_TYPE_BAD", "message": self.breach or "refused"}
            told["errors"] = {"_errors": [reason]}
        if self.code in (20028, 30046):
            told |= {"retry_after": 0.2, "global": False}
        return told
