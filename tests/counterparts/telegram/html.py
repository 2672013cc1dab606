"""Read HTML as strictly as Telegram does: a text and its entities, or a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.counterparts.telegram.api_check import utf16
from tests.counterparts.telegram.refusal import Refusal, breach

Entity = dict[str, Any]
_TYPES = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|([a-zA-Z]+));?")
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(r"\s*([^\s=>]+)\s*(=?)\s*")
_VALUE = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9.-]+)(?=[\s>])")


def cannot_parse(words: str) -> Refusal:
    return breach(f"can't parse entities: {words}")


@dataclass
class _Open:
    tag: str
    argument: str
    at: int
    text_at: int


@dataclass
class Html:
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
            if self.source[at] == "<":
                closing = self.source.startswith("</", at)
                at = self._end(at) if closing else self._start(at)
                continue
            character, at = _character(self.source, at)
            self.text.append(character)
            self.length += utf16(character)
        if self.open:
            tag = self.open[-1].tag
            raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{tag}"')
        return "".join(self.text), self.entities

    def _where(self, at: int) -> str:
        return f"at byte offset {len(self.source[:at].encode())}"

    def _start(self, begin: int) -> int:
        found = _TAG_NAME.match(self.source, begin + 1)
        assert found is not None
        tag, at = found[0].lower(), found.end()
        if at == len(self.source):
            raise cannot_parse(f"Unclosed start tag {self._where(begin)}")
        if tag not in _TYPES:
            raise cannot_parse(f'Unsupported start tag "{tag}" {self._where(begin)}')
        argument = ""
        while self.source[at : at + 1] != ">":
            name, value, at = self._attribute(tag, begin, at)
            argument = _argument(tag, name, value) or argument
        if tag == "span" and argument != "spoiler":
            where = self._where(begin)
            raise cannot_parse(f'Tag "span" must have class "tg-spoiler" {where}')
        self.open.append(_Open(tag, argument, self.length, len(self.text)))
        return at + 1

    def _attribute(self, tag: str, begin: int, at: int) -> tuple[str, str, int]:
        found = _ATTRIBUTE.match(self.source, at)
        if found is None:
            rest = self.source[at:].lstrip()
            if rest.startswith(">"):
                return "", "", len(self.source) - len(rest)
            raise cannot_parse(f"Unclosed start tag {self._where(begin)}")
        if not found[2]:
            if tag == "blockquote" and found[1] == "expandable":
                return found[1], "yes", found.end()
            declared = f'declaration of an attribute of the tag "{tag}"'
            raise cannot_parse(f"Expected equal sign in {declared} {self._where(begin)}")
        value = _VALUE.match(self.source, found.end())
        if value is None or value.end() == len(self.source):
            raise cannot_parse(f"Unclosed start tag {self._where(begin)}")
        text = value[1] or value[2] or (value[3] or "").lower()
        return found[1], _decoded(text), value.end()

    def _end(self, begin: int) -> int:
        if not self.open:
            raise cannot_parse(f"Unexpected end tag {self._where(begin)}")
        found = re.compile(r"([^\s>]*)\s*>").match(self.source, begin + 2)
        if found is None:
            raise cannot_parse(f"Unclosed end tag {self._where(begin)}")
        tag, opened = found[1].lower(), self.open.pop()
        if tag and tag != opened.tag:
            said = f'expected "</{opened.tag}>", found "</{tag}>"'
            raise cannot_parse(f"Unmatched end tag {self._where(begin)}, {said}")
        if self.length > opened.at:
            self._add(opened)
        return found.end()

    def _add(self, opened: _Open) -> None:
        made: Entity = {"type": _TYPES[opened.tag]}
        made |= {"offset": opened.at, "length": self.length - opened.at}
        if opened.tag == "a":
            made |= {"url": opened.argument or "".join(self.text[opened.text_at :])}
        elif opened.tag == "blockquote" and opened.argument:
            made["type"] = "expandable_blockquote"
        elif opened.tag == "tg-emoji":
            if not opened.argument.isdigit():
                raise cannot_parse("Invalid custom emoji identifier specified")
            made["custom_emoji_id"] = opened.argument
        elif opened.tag in ("pre", "code") and self._joins(made, opened):
            return
        self.entities.append(made)

    def _joins(self, made: Entity, opened: _Open) -> bool:
        """Join `<pre><code class="language-x">` into one entity with a language."""
        if opened.tag == "code" and opened.argument:
            made["language"] = opened.argument
        inner = self.entities[-1] if self.entities else {}
        same = all(inner.get(key) == made[key] for key in ("offset", "length"))
        if opened.tag == "pre" and same and inner.get("type") == "code":
            inner["type"] = "pre"
            return True
        return False


def _argument(tag: str, name: str, value: str) -> str:
    if (tag, name) in (("a", "href"), ("tg-emoji", "emoji-id"), ("blockquote", "expandable")):
        return value
    if (tag, name) == ("code", "class"):
        return value.removeprefix("language-") if value.startswith("language-") else ""
    return value.removeprefix("tg-") if (tag, name) == ("span", "class") else ""


def _character(source: str, at: int) -> tuple[str, int]:
    """Read one character or character reference; return it and the next position. An unknown
    reference stays as it is."""
    found = _REFERENCE.match(source, at) if source[at] == "&" else None
    if found is None:
        return source[at], at + 1
    code = int(found[1], 16) if found[1] else int(found[2] or 0)
    named = _NAMED.get(found[3] or "")
    if named or 0 < code < 0x10FFFF:
        return named or chr(code), found.end()
    return source[at], at + 1


def _decoded(text: str) -> str:
    at, characters = 0, []
    while at < len(text):
        character, at = _character(text, at)
        characters.append(character)
    return "".join(characters)
