"""Write Discord's Markdown.

URLs are written in angle brackets, so that they are clickable but get no preview. Texts are
untrusted: links, mentions, emoji and all other markup in them are escaped, and what looks like a
citation of ours is in round brackets.
"""

from __future__ import annotations

import re

from core.export.document import Markdown
from core.model import Answer
from core.text.display import clock, one_line, printable, unmarked

# A colon needs escaping only where a URL (https://) or an emoji (:bee:) begins.
_ACTIVE = re.compile(r"[\\`*_{}\[\]<>()#|~@]|:(?=//|[^\s:]+:)")
# The client makes invitations of these also without https://.
_INVITATION = re.compile(r"(?i)discord\w*\.(?=\w)")
_LINE_START = re.compile(r"^(?:[-+]|\d+(?=[.)]))")


class DiscordMarkdown(Markdown):
    """`Style` for messages and embeds."""

    def heading(self, level: int, text: str) -> str:
        return self.strong(text)

    def text(self, text: str) -> str:
        r"""
        >>> print(DiscordMarkdown().text("*See*: https://evil.example"))
        \*See\*: https\://evil.example
        """
        return self._unlinked_line(unmarked(text))

    def _unlinked_line(self, text: str) -> str:
        return self.ours(self.unlinked(one_line(text)))

    def ours(self, text: str) -> str:
        escaped = _ACTIVE.sub(_harmless, one_line(text))
        return _LINE_START.sub(_escaped_start, escaped)

    def unlinked(self, text: str) -> str:
        return _INVITATION.sub("\\g<0>\u200b", text)

    def address(self, url: str) -> str:
        return f"<{url}>" if is_address(url) else self.text(url)

    def at(self, second: float, url: str, text: str) -> str:
        return f"{_link(clock(second), url)} {self.text(text)}"

    def answer(self, answer: Answer) -> str:
        lines = printable(answer.text).strip().split("\n")
        text = "\n".join(map(self._unlinked_line, lines))
        for citation in answer.citations:
            marker = rf"\[{citation.n}\]"
            text = text.replace(marker, _link(marker, citation.url))
        return text


def is_address(url: str) -> bool:
    """Whether it leads somewhere: the address of an uploaded video is only its file's name."""
    return url.startswith(("https://", "http://"))


def _link(text: str, url: str) -> str:
    return f"[{text}](<{url}>)" if is_address(url) else text


def _harmless(found: re.Match[str]) -> str:
    # A backslash does not stop "@everyone" from looking like a mention; a zero-width space does.
    return "\\@\u200b" if found[0] == "@" else f"\\{found[0]}"


def _escaped_start(start: re.Match[str]) -> str:
    return f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}"
