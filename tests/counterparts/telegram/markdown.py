"""Read MarkdownV2 as strictly as Telegram does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.counterparts.telegram.api_check import utf16
from tests.counterparts.telegram.html import Entity, cannot_parse

RESERVED = "_*[]()~`>#+-=|{}.!"
_MARKS = {
    "*": "bold",
    "_": "italic",
    "__": "underline",
    "~": "strikethrough",
    "||": "spoiler",
    "[": "text_link",
    "![": "custom_emoji",
    "`": "code",
    "```": "pre",
}
_CLOSING = {"[": "]", "![": "]"}
_NAMES = {"text_link": "TextUrl", "custom_emoji": "CustomEmoji", "blockquote": "BlockQuote"}
_LANGUAGE = re.compile(r"([^\s`]*)(?=\s)")
_ADDRESS = re.compile(r"\(((?:\\.|[^)\\])*)\)", re.DOTALL)


@dataclass
class _Open:
    mark: str
    at: int
    source_at: int
    text_at: int
    language: str = ""

    @property
    def type(self) -> str:
        return _MARKS.get(self.mark, "blockquote")

    @property
    def closing(self) -> str:
        return _CLOSING.get(self.mark, self.mark)


@dataclass
class Markdown:
    """Parses one text."""

    source: str
    text: list[str] = field(default_factory=list)
    length: int = 0
    entities: list[Entity] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)

    def read(self) -> tuple[str, list[Entity]]:
        """Return the text and its entities. Raises Refusal."""
        at = 0
        while at < len(self.source):
            at = self._step(at)
        if self.open and self.open[-1].mark == ">":
            self._close(len(self.source))
        if self.open:
            raise self._unended()
        return "".join(self.text), self.entities

    def _step(self, at: int) -> int:
        character = self.source[at]
        if character == "\\" and "\0" < self.source[at + 1 : at + 2] <= "~":
            return self._plain(self.source[at + 1], at + 2)
        if self.open and self._ends(at):
            return self._close(at)
        if self.open and self.open[-1].type in ("code", "pre"):
            return self._plain(character, at + 1)
        if character == "\n" or (character == ">" and at == 0):
            return self._line(at)
        if character not in RESERVED:
            return self._plain(character, at + 1)
        return self._begin(at)

    def _plain(self, character: str, after: int) -> int:
        self.text.append(character)
        self.length += utf16(character)
        return after

    def _ends(self, at: int) -> bool:
        """Whether the delimiter at `at` closes the innermost entity; `__` takes precedence over
        `_`."""
        last = self.open[-1]
        if last.mark == ">" or not self.source.startswith(last.closing, at):
            return False
        return last.mark != "_" or not self.source.startswith("__", at)

    def _begin(self, at: int) -> int:
        here = [mark for mark in _MARKS if self.source.startswith(mark, at)]
        if not here:
            said = f"Character '{self.source[at]}' is reserved and must be escaped"
            raise cannot_parse(f"{said} with the preceding '\\'")
        mark = max(here, key=len)
        opened = _Open(mark, self.length, at, len(self.text))
        at += len(mark)
        if mark == "```":
            found = _LANGUAGE.match(self.source, at)
            opened.language = found[1] if found else ""
            at += len(opened.language)
            at += self.source.startswith("\n", at)
        self.open.append(opened)
        return at

    def _line(self, at: int) -> int:
        """End a line; a quotation may begin, continue or end with it."""
        quotes = any(one.mark == ">" for one in self.open)
        begins = self.source.startswith(">", at if at == 0 and self.source[0] == ">" else at + 1)
        after = at
        if self.source[at] == "\n":
            if quotes and not begins:
                if self.open[-1].mark != ">":
                    raise self._unended()
                self._close(at)
            after = self._plain("\n", at + 1)
        if begins:
            if not quotes:
                self.open.append(_Open(">", self.length, at, len(self.text)))
            after += 1
        return after

    def _close(self, at: int) -> int:
        opened = self.open.pop()
        made: Entity = {"type": opened.type, "offset": opened.at}
        made["length"] = self.length - opened.at
        at += 0 if opened.mark == ">" else len(opened.closing)
        if opened.language:
            made["language"] = opened.language
        if opened.mark in _CLOSING:
            found = _ADDRESS.match(self.source, at)
            if found is None and (opened.mark == "![" or self.source.startswith("(", at)):
                raise cannot_parse(f"Can't find end of a URL at byte offset {self._bytes(at + 1)}")
            said = found[1] if found else "".join(self.text[opened.text_at :])
            made["url"] = re.sub(r"\\(.)", r"\1", said)
            at = found.end() if found else at
        if made["length"]:
            self.entities.append(made)
        return at

    def _bytes(self, at: int) -> int:
        return len(self.source[:at].encode())

    def _unended(self) -> Exception:
        last = self.open[-1]
        name = _NAMES.get(last.type, last.type.title())
        return cannot_parse(
            f"Can't find end of {name} entity at byte offset {self._bytes(last.source_at)}"
        )
