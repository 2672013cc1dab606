"""Read the bot's messages as the clients of Discord and Telegram do: what can be pressed in them,
and whom they call.

Written from the clients' rules, not from our escapes. Where a client's rule is not known exactly,
the wider reading counts: a link too many here is a failing test, one too few a hole.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.counterparts.telegram import texts
from tests.counterparts.telegram.automatic_links import all_links


@dataclass
class View:
    """`text`: as people see it. `links`: (visible text, address). `calls`: mentions of people,
    roles and channels. `presses`: commands, tags, emoji and whatever else acts when pressed."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    presses: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def add(self, other: View) -> None:
        """Append another part of the same message on a line of its own."""
        self.text = f"{self.text}\n{other.text}" if self.text else other.text
        for name in ("links", "calls", "presses", "tags"):
            getattr(self, name).extend(getattr(other, name))


# Discord's client reads with simple-markdown: the first rule that matches at a place wins.
_DISCORD = re.compile(
    r"""(?P<escape>\\[^0-9A-Za-z\s])
    |(?P<code>```[\s\S]+?```|(?P<ticks>`+)(?!`)[\s\S]*?[^`](?P=ticks)(?!`)|\|\|[\s\S]+?\|\|)
    |(?P<masked>\[(?P<label>(?:\[[^\]]*\]|\\.|[^\[\]\\]|\](?=[^\[]*\]))*)\]
        \(\s*<?(?P<target>(?:\([^)]*\)|[^\s\\()]|\\.)*?)>?(?:\s+['"][\s\S]*?['"])?\s*\))
    |(?P<link><(?:[a-z][\w+.-]*:/|mailto:|tel:|\+)[^\s>]+>|<[^\s<>@]+@[^\s<>]+>|(?:https?|steam)://[^\s<]+)
    |(?P<call><(?:@[!&]?|\#)\d+>|@everyone|@here)
    |(?P<press></[^:<>]{1,100}:\d+>|<a?:\w{2,32}:\d+>|<id:\w+>|<t:-?\d+(?::\w)?>
        |(?<!\w):[A-Za-z0-9_+-]{2,32}:)
    |(?P<text>[0-9A-Za-z\u00c0-\uffff]+(?!\w*://)|[\s\S])""",
    re.IGNORECASE | re.VERBOSE,
)
_INVITATION = re.compile(r"(?i)discord(?:app)?\.(?:gg|gift|new|com)(?:/|\b)\S*|dsc\.gg/\S*")


def discord_view(markdown: str) -> View:
    """Read a message's content, or an embed's description."""
    view = _read_discord(markdown)
    # The server looks for invitations and mentions in what was sent, before any Markdown.
    view.links += [(one[0], one[0]) for one in _INVITATION.finditer(markdown)]
    view.calls += re.findall(r"@everyone|@here|<@[!&]?\d+>", markdown)
    return view


def _read_discord(markdown: str) -> View:
    view = View()
    for found in _DISCORD.finditer(markdown):
        said = found[0]
        if found["masked"]:
            inside = _read_discord(found["label"])
            view.links += [(inside.text, found["target"]), *inside.links]
            view.calls += inside.calls
            view.presses += inside.presses
            view.text += inside.text
            continue
        if found["link"] and not found["press"]:
            view.links.append((said, said.strip("<>")))
        elif found["call"]:
            view.calls.append(said)
        elif found["press"] or found["code"]:
            view.presses.append(said)
        view.text += said[1:] if found["escape"] else said
    return view


def telegram_view(markup: str) -> View:
    """Read HTML as Telegram does. Raises Refusal if Telegram would not take it."""
    text, entities = texts.read(markup, "HTML", None)
    units = text.encode("utf-16-le")
    view, left = View(text), bytearray(units)
    for one in entities:
        start, end = 2 * one["offset"], 2 * (one["offset"] + one["length"])
        said = units[start:end].decode("utf-16-le")
        if one["type"] == "text_link":
            view.links.append((said, html.unescape(one["url"])))
            left[start:end] = "\N{OBJECT REPLACEMENT CHARACTER}".encode("utf-16-le") * one["length"]
        elif one["type"] not in ("bold", "hashtag", "mention", "bot_command", "url", "email"):
            view.presses.append(f"{one['type']} {said}")
    for kind, said in all_links(left.decode("utf-16-le")):
        _sort(view, kind, said)
    return view


def plain_telegram_view(text: str) -> View:
    """Read what Telegram shows without markup, such as a file's caption."""
    view = View(text)
    for kind, said in all_links(text):
        _sort(view, kind, said)
    return view


def _sort(view: View, kind: str, said: str) -> None:
    if kind == "mention":
        view.calls.append(said)
    elif kind == "hashtag":
        view.tags.append(said)
    elif kind in ("bot_command", "cashtag"):
        view.presses.append(said)
    else:
        view.links.append((said, said))


def markers(text: str) -> Iterator[re.Match[str]]:
    """What looks like a citation's marker: digits of any script in brackets of any but round
    shape."""
    opening, closing = "\\[［【〔〖⟦❲⁅⦋⦅｢", "\\]］】〕〗⟧❳⁆⦌⦆｣"
    return re.finditer(rf"[{opening}]\s*[\d²①][^{closing}\n]{{0,20}}[{closing}]", text)
