"""Errors in the user's language: what happened, and the next step."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.words import Words
from core.errors import CoreError
from core.text.display import one_line, shorten

FACT_CHARACTERS = 200

# The folders before a file name: `/home/ada/models/tiny` is shown as `tiny`.
_FOLDERS = re.compile(r"(?<![\w/:.])(?:~|[A-Za-z]:)?(?:[/\\][\w.@+~-]+)+[/\\](?=[\w.@+~-])")
_LOGIN = re.compile(r"(?<=//)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error as users see it. `hint` is the next step."""

    code: str
    message: str
    hint: str
    permanent: bool


def describe_error(error: Exception, words: Words) -> ErrorText:
    """Put an error into words. Any exception but a CoreError is "unexpected", without details."""
    if not isinstance(error, CoreError):
        message, hint = words("errors.unexpected.message"), words("errors.unexpected.hint")
        return ErrorText("unexpected", message, hint, permanent=False)
    key = f"errors.{error.code}"
    facts = {name: public_fact(value) for name, value in error.facts.items()}
    message = words(f"{key}.message", **facts)
    if f"{key}.more" in words and all(facts.values()):
        message += " " + words(f"{key}.more", **facts)
    return ErrorText(error.code, message, words(f"{key}.hint", **facts), error.permanent)


def public_fact(fact: object) -> str:
    """A fact that is safe to show: one line, at most FACT_CHARACTERS, no folders, no passwords."""
    text = ", ".join(map(str, fact)) if isinstance(fact, tuple) else str(fact)
    text = _LOGIN.sub("", _FOLDERS.sub("", one_line(text)))
    return shorten(text, FACT_CHARACTERS)
