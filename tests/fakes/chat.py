"""An in-memory chat platform that enforces Discord's and Telegram's rules and records every call
that breaks them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.chat import Busy, Draft, MessageGone, PlaceClosed, Refused, TooOld, Upload, Where
from core.export.document import Markdown

CHARACTERS = 2000
CARD_CHARACTERS = 4096
BUTTONS = 25
ID_CHARACTERS = 100
LABEL_CHARACTERS = 150
TITLE_CHARACTERS = 100
KEY_CHARACTERS = 25
KEY_REMEMBERED_S = 180.0
"""Discord documents "past few minutes"."""


@dataclass
class Shown:
    """A message as people see it."""

    id: str
    place: str
    key: str
    drafts: list[Draft]
    """Every version of the message, oldest first."""
    at_s: float

    @property
    def draft(self) -> Draft:
        return self.drafts[-1]


@dataclass
class Faults:
    """Inject failures: each share is a probability per call, and at most `in_a_row` happen in a
    row. `lost`: the call takes effect, but its response does not arrive."""

    dice: random.Random = field(default_factory=lambda: random.Random(0))
    busy: float = 0.0
    lost: float = 0.0
    limited: float = 0.0
    slow_s: float = 0.0
    in_a_row: int = 5
    _in_a_row: Counter[str] = field(default_factory=Counter)

    def happens(self, share: float, place: str) -> bool:
        if self.dice.random() >= share or self._in_a_row[place] >= self.in_a_row:
            return False
        self._in_a_row[place] += 1
        return True

    def went_well(self, place: str) -> None:
        self._in_a_row[place] = 0


class FakeStyle(Markdown):
    """`ChatStyle` of a platform that makes no links by itself."""

    def ours(self, text: str) -> str:
        return self.text(text)

    def unlinked(self, text: str) -> str:
        return text


class FakeChat:
    """`Chat` in memory, on the clock of the running loop."""

    name = "fake"
    localised_commands = False
    text_limit, card_limit = CHARACTERS, CARD_CHARACTERS
    style = FakeStyle()

    def __init__(
        self,
        *,
        deduplicates: bool = True,
        faults: Faults | None = None,
        edit_interval_s: float = 1.0,
        editable_s: float = 3600.0,
    ) -> None:
        self.deduplicates = deduplicates
        self.edit_interval_s = edit_interval_s
        self.editable_s = editable_s
        self.faults = faults or Faults()
        self.messages: list[Shown] = []
        self.threads: list[Shown] = []
        self.closed: set[str] = set()
        self.deleted: set[str] = set()
        self.down = False
        self.has_urls = True
        self.typing: list[str] = []
        self.previews: list[tuple[str, Draft]] | None = None
        """(place, draft) of each preview; None on a platform without previews."""
        self.uploads: dict[str, bytes] = {}
        self.calls = 0
        self.lost = 0
        self.too_old = 0
        self.offences: list[str] = []
        self._count = 0
        self._open: set[str] = set()
        self._limited_until: defaultdict[str, float] = defaultdict(float)
        self._told: set[str] = set()
        self._edited_at: dict[str, float] = {}

    def forget_the_caller(self) -> None:
        """Simulate a restarted caller: drop what the previous process was told about rate
        limits."""
        self._open.clear()
        self._told.clear()
        self._edited_at.clear()

    def texts(self, place: str) -> list[str]:
        """The current text of every message in `place`."""
        return [m.draft.text for m in self.messages if m.place == place]

    def limit(self, place: str, seconds: float) -> None:
        """Refuse every call to `place` for `seconds`."""
        self._limited_until[place] = _now() + seconds

    def delete(self, message_id: str) -> None:
        """Delete a message as a person does."""
        self.deleted.add(message_id)
        self.messages = [m for m in self.messages if m.id != message_id]

    async def post(self, place: str, draft: Draft, key: str) -> str:
        with self._call(place, f"post {place}"):
            await self._before(place)
            self._check(draft)
            shown = self._known(self.messages, place, key) or self._new(place, key, draft)
            if shown not in self.messages:
                self.messages.append(shown)
            await self._after(place)
        return shown.id

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        with self._call(place, f"edit {message_id}"):
            await self._before(place)
            self._check(draft)
            shown = self._message(place, message_id)
            now = _now()
            if now < self._edited_at.get(message_id, -1e9) + self.edit_interval_s:
                self._offend(f"{message_id} was edited too soon")
            if now > shown.at_s + self.editable_s:
                self.too_old += 1
                raise TooOld
            self._edited_at[message_id] = now
            shown.drafts.append(draft)
            await self._after(place)

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        with self._call(place, f"thread {place}"):
            await self._before(place)
            if not 0 < len(title) <= TITLE_CHARACTERS:
                raise Refused("title")
            if message_id in self.deleted:
                raise MessageGone
            thread = self._known(self.threads, place, key)
            if thread is None:
                thread = self._new(place, key, Draft((title,)))
                self.threads.append(thread)
            await self._after(place)
        return f"{place}/{thread.id}"

    async def rename_thread(self, thread: str, title: str) -> None:
        place = thread.rpartition("/")[0]  # the place that the thread belongs to
        with self._call(place, f"rename {thread}"):
            await self._before(place)
            shown = next((shown for shown in self.threads if thread.endswith(f"/{shown.id}")), None)
            if shown is None:
                raise MessageGone
            shown.drafts.append(Draft((title[:TITLE_CHARACTERS],)))
            await self._after(place)

    def message_url(self, where: Where, message_id: str) -> str:
        return f"https://fake.example/{where.place}/{message_id}" if self.has_urls else ""

    async def show_typing(self, place: str) -> None:
        self.typing.append(place)

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        self._check(draft)
        if self.previews is not None:
            self.previews.append((place, draft))
        return self.previews is not None

    async def download(self, upload: Upload, target: Path) -> None:
        if upload.id not in self.uploads:
            raise Refused("no such file")
        target.write_bytes(self.uploads[upload.id])

    def length(self, text: str) -> int:
        return len(text.encode("utf-16-le")) // 2

    @contextmanager
    def _call(self, place: str, what: str) -> Iterator[None]:
        self.calls += 1
        if place in self._open:
            self._offend(f"{what} while another call to {place} is under way")
        if _now() < self._limited_until[place] and place in self._told:
            self._offend(f"{what} in spite of a rate limit")
        self._open.add(place)
        try:
            yield
        finally:
            self._open.discard(place)

    async def _before(self, place: str) -> None:
        await asyncio.sleep(self.faults.dice.uniform(0, self.faults.slow_s))
        if self.down or self.faults.happens(self.faults.busy, place):
            raise Busy
        if self.faults.happens(self.faults.limited, place):
            self.limit(place, self.faults.dice.uniform(0.5, 5))
        if (pause_s := self._limited_until[place] - _now()) > 0:
            self._told.add(place)
            raise Busy(pause_s)
        if any(place == gone or place.startswith(f"{gone}/") for gone in self.closed):
            raise PlaceClosed

    async def _after(self, place: str) -> None:
        """Finish a call that has taken effect; its response may still be lost."""
        if self.faults.happens(self.faults.lost, place):
            self.lost += 1
            raise Busy
        self.faults.went_well(place)
        await asyncio.sleep(self.faults.dice.uniform(0, self.faults.slow_s))

    def _check(self, draft: Draft) -> None:
        ids = [button.id for button in draft.buttons]
        labels = [button.label for button in draft.buttons]
        most = CARD_CHARACTERS if draft.card else CHARACTERS
        if not draft.text.strip() or self.length(draft.text) > most:
            raise Refused("text")
        if draft.card and not draft.card.title.strip():
            raise Refused("card")
        if (
            len(ids) > BUTTONS
            or len(set(ids)) < len(ids)
            or not all(0 < len(i) <= ID_CHARACTERS for i in ids)
        ):
            raise Refused("buttons")
        if not all(0 < len(label) <= LABEL_CHARACTERS for label in labels):
            raise Refused("label")

    def _known(self, among: list[Shown], place: str, key: str) -> Shown | None:
        if not 0 < len(key) <= KEY_CHARACTERS:
            self._offend(f"a key of {len(key)} characters")
        if not self.deduplicates:
            return None
        since = _now() - KEY_REMEMBERED_S
        known = (m for m in reversed(among) if (m.place, m.key) == (place, key) and m.at_s >= since)
        return next(known, None)

    def _new(self, place: str, key: str, draft: Draft) -> Shown:
        self._count += 1
        return Shown(f"m{self._count}", place, key, [draft], _now())

    def _message(self, place: str, message_id: str) -> Shown:
        for shown in reversed(self.messages):
            if (shown.place, shown.id) == (place, message_id):
                return shown
        if message_id not in self.deleted:
            self._offend(f"there never was a message {message_id} in {place}")
        raise MessageGone

    def _offend(self, offence: str) -> None:
        self.offences.append(f"at {_now():.2f} s: {offence}")


def says(text: str) -> Draft:
    return Draft((text,))


def _now() -> float:
    return asyncio.get_running_loop().time()
