"""Two faults of the matrix (tests/faults) in the way of one link: the first from its beginning, the
second after a drawn number of calls, or at once."""

from __future__ import annotations

import inspect
import math
import random
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from bot.chat import Busy, MessageGone, PlaceClosed, Refused, TooOld
from core import errors
from core.errors import CoreError
from tests.faults.cell import Cell
from tests.faults.matrix import MATRIX

TOKEN = re.compile(r"n\d{6}")
"""What the names of a link's channel, place, message and video have in common."""
FOR_GOOD = math.inf
LATEST = 40
"""Calls of a link without faults: the second fault begins before the last of them."""


@dataclass(frozen=True, slots=True)
class Injection:
    """What a cell of the matrix does at our ports. `errors`: what the methods raise.
    `results`: what they return instead, made of what they would. `after`: so many items of a stream
    come first. `times`: one is drawn. `is_effective`: the call takes effect, then fails."""

    errors: Mapping[str, Exception] = field(default_factory=dict)
    results: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    after: int = 0
    times: Sequence[float] = (FOR_GOOD,)
    is_effective: bool = False
    is_about_words: bool = False
    """Only texts that name the video fail, as with words that a server blocks."""
    is_twice: bool = False
    """The event comes twice."""
    late_s: float = 0.0
    """The event comes late."""


_OFTEN = (1, 2, 3)
_PASSING = (1, 3, 20)
"""How often something fails that a platform or a machine does for a while."""


def _raised(*methods: str) -> Callable[[Cell], Injection]:
    """What the matrix tells people of, raised by these methods."""

    def made(cell: Cell) -> Injection:
        assert isinstance(cell.reads, CoreError), cell.fault
        return Injection(dict.fromkeys(methods, cell.reads))

    return made


def _for_a_while(error: Exception, *methods: str, **more: Any) -> Injection:
    return Injection(dict.fromkeys(methods, error), times=_PASSING, **more)


_LOOK_UP = _raised("fetcher.look_up")
_DOWNLOAD = _raised("fetcher.download")
_CAPTIONS = _raised("fetcher.captions", "fetcher.download")
_MODEL = _raised("model.complete", "model.stream")
_LIMITED = _for_a_while(Busy(3.0), "chat")
_CLOSED = Injection({"chat": PlaceClosed("closed")})
_NO_THREAD = Injection({"chat.open_thread": Refused("no threads")})
_GONE = Injection({"chat.edit": MessageGone()})
_REFUSED = Injection(
    dict.fromkeys(("chat.post", "chat.edit"), Refused("words")), is_about_words=True
)
_LOST = _for_a_while(Busy(), "chat.post", "chat.edit", is_effective=True)
_BAD_INDEX = Injection(
    dict.fromkeys(("vectors", "keywords"), errors.IndexBroken("damaged")), times=(1, FOR_GOOD)
)
_STORE = ("videos", "library", "checkpoints", "chunks", "requests", "bindings", "outbox_entries")

INJECTIONS: dict[str, dict[str, Injection | Callable[[Cell], Injection]]] = {
    "YouTube": {
        "bot check": Injection({"fetcher": errors.BotCheck()}, times=_OFTEN),
        **dict.fromkeys(("403", "404", "0 bytes", "slow (1 kB/s)", "mid-file cut"), _DOWNLOAD),
        **dict.fromkeys(("private", "deleted", "age", "region", "members", "premiere"), _LOOK_UP),
        **dict.fromkeys(("live", "12 h", "no audio", "hang", "extractor crash"), _LOOK_UP),
        "endless body": _DOWNLOAD,
        "JavaScript runtime missing": _LOOK_UP,
        "output not audio": _raised("transcriber.transcribe"),
    },
    "Captions": {
        **dict.fromkeys(("none", "blocked", "empty"), _CAPTIONS),
        "10 MB": _CAPTIONS,
    },
    "Speech recognition": {
        "out of memory at load": Injection(
            {"transcriber.transcribe": errors.WorkerOutOfMemory("speech")}, times=_OFTEN
        ),
        "out of memory in mid-file": Injection(
            {"transcriber.transcribe": errors.WorkerOutOfMemory("speech")}, after=2, times=_OFTEN
        ),
        "hang": _raised("transcriber.transcribe"),
        "crash (SIGSEGV)": _raised("transcriber.transcribe"),
        "empty": _raised("transcriber.transcribe"),
        "GPU vanished": Injection(
            {"transcriber.transcribe": errors.SpeechDeviceFailed("gone")}, after=1, times=_OFTEN
        ),
        "model missing": _raised("transcriber.transcribe"),
    },
    "Language model": {
        **dict.fromkeys(("down", "404 model", "503 queue", "500", "cut stream"), _MODEL),
        **dict.fromkeys(("error line in a 200 stream", "endless repeat"), _MODEL),
        **dict.fromkeys(("hang before the first token", "hang after the first token"), _MODEL),
        "400 too long": Injection(
            {"model.complete": errors.PromptTooLong(9000, 8192)}, times=(1, FOR_GOOD)
        ),
        "silent truncation": _MODEL,
        "empty answer": Injection(results={"model.complete": lambda _: ""}, times=(1, FOR_GOOD)),
        "bad JSON": Injection(
            results={"model.complete": lambda said: said[: len(said) // 2]}, times=(1, FOR_GOOD)
        ),
    },
    "Index": {
        "locked": Injection({"keywords": errors.IndexBroken("locked")}, times=_OFTEN),
        "missing": Injection(
            results=dict.fromkeys(("vectors.holdings", "keywords.holdings"), lambda _: {}),
            times=_OFTEN,
        ),
        "corrupt": _BAD_INDEX,
        "stale": Injection(
            results={"vectors.holdings": lambda held: dict.fromkeys(held, "an older recipe")},
            times=_OFTEN,
        ),
        "never returns": Injection(
            dict.fromkeys(("vectors", "keywords"), errors.WorkerTimeout("index", 10)),
            times=(1, FOR_GOOD),
        ),
    },
    "Discord": {
        **dict.fromkeys(("429 of the user", "429, global", "429, shared"), _LIMITED),
        "500 or 502 after it took effect": _LOST,
        **dict.fromkeys(("10003", "50001"), _CLOSED),
        "10008": _GONE,
        "30046": Injection({"chat.edit": TooOld()}, times=_OFTEN),
        **dict.fromkeys(("50013", "160006"), _NO_THREAD),
        **dict.fromkeys(("50035", "200000"), _REFUSED),
        "50083": _CLOSED,
        "Cloudflare page": _for_a_while(Busy(60.0), "chat"),
        "duplicate events": Injection(is_twice=True),
        "late events": Injection(late_s=600.0),
    },
    "Telegram": {
        "RetryAfter 3 s": _LIMITED,
        "RetryAfter 300 s": Injection({"chat": Busy(300.0)}, times=_OFTEN),
        "parse error": _REFUSED,
        "message gone": _GONE,
        "bot blocked": _CLOSED,
        "502": _for_a_while(Busy(), "chat"),
        "time-out after it took effect": _LOST,
    },
    "Host": {
        "SQLite busy for 30 s": Injection(
            dict.fromkeys(_STORE, errors.StoreBroken("SQLITE_BUSY")), times=(*_PASSING, FOR_GOOD)
        ),
        "disk full": Injection(
            dict.fromkeys(_STORE, errors.DiskFull()), times=(*_PASSING, FOR_GOOD)
        ),
        "out of file handles": _raised("fetcher"),
        "memory limit": _raised("transcriber.transcribe"),
        "network away for 10 min": Injection(
            {"fetcher": errors.YouTubeUnreachable(), "chat": Busy()}, times=_PASSING
        ),
        "DNS failure": _LOOK_UP,
    },
}

IN_ADAPTERS = "the adapter of the platform hides it from the work on a link"
IN_BACKENDS = "the backend repairs it before the port"
ELSEWHERE = {
    ("Captions", "wrong language"): IN_BACKENDS,
    ("Captions", "absurd times"): IN_BACKENDS,
    ("Speech recognition", "loop text"): IN_BACKENDS,
    ("Speech recognition", "wrong language"): IN_BACKENDS,
    ("Speech recognition", "out-of-order times"): IN_BACKENDS,
    ("Language model", "model unloaded"): IN_BACKENDS,
    ("Index", "wrong dimension"): IN_BACKENDS,
    ("Discord", "10062"): IN_ADAPTERS,
    ("Discord", "40060"): IN_ADAPTERS,
    ("Discord", "50027"): IN_ADAPTERS,
    ("Discord", "gateway drop"): IN_ADAPTERS,
    ("Discord", "invalid session"): IN_ADAPTERS,
    ("Discord", "resume loop"): IN_ADAPTERS,
    ("Telegram", "not modified"): IN_ADAPTERS,
    ("Telegram", "chat migrated"): IN_ADAPTERS,
    ("Telegram", "409, two pollers"): IN_ADAPTERS,
    ("Telegram", "callback too old"): IN_ADAPTERS,
    ("Host", "clock jump of an hour"): "it hits all links at once",
}
"""Faults of the matrix that no port shows for one link, and why."""


def known() -> dict[tuple[str, str], Injection]:
    """Return what is injected, by component and fault."""
    found = {}
    for component, cells in MATRIX.items():
        for cell in cells:
            if injected := INJECTIONS[component].get(cell.fault):
                made = injected if isinstance(injected, Injection) else injected(cell)
                found[component, cell.fault] = made
    return found


@dataclass
class Armed:
    """One fault in the way of one link."""

    name: str
    injection: Injection
    begins: int
    """After so many calls."""
    left: float
    struck: int = 0


@dataclass
class Pair:
    """Two faults in the way of a link, and how many calls were made for it."""

    token: str
    faults: tuple[Armed, Armed]
    calls: int = 0

    def __str__(self) -> str:
        first, second = (f"{one.name} (struck {one.struck})" for one in self.faults)
        return f"{self.token}: {first}, then {second} from call {self.faults[1].begins} on"

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be said to its author."""
        return any(one.injection is _CLOSED and one.struck for one in self.faults)


def draw(dice: random.Random, number: int) -> Pair:
    """Draw two different faults for the link of this number."""
    names = dice.sample(sorted(known()), 2)
    begins = (0, dice.choice((0, dice.randrange(LATEST))))
    armed = []
    for (component, fault), first_call in zip(names, begins, strict=True):
        injection = known()[component, fault]
        name = f"{component}: {fault}"
        armed.append(Armed(name, injection, first_call, dice.choice(injection.times)))
    return Pair(f"n{number:06}", (armed[0], armed[1]))


_DRAFT = {"post": 1, "edit": 2}
"""Where the text is among a method's arguments."""


class Fates:
    """Which faults meet which call: by the token in its arguments."""

    def __init__(self) -> None:
        self.pairs: dict[str, Pair] = {}
        self.is_healed = False

    def wrap(self, name: str, port: Any) -> Any:
        return _Fated(name, port, self)

    def strike(self, port: str, method: str, args: Sequence[Any]) -> Armed | None:
        """Return the fault that meets this call."""
        if self.is_healed or not (found := TOKEN.search(repr(args))):
            return None
        pair = self.pairs.get(found[0])
        if pair is None:
            return None
        pair.calls += 1
        for one in pair.faults:
            kinds = one.injection.errors.keys() | one.injection.results.keys()
            is_meant = bool(kinds & {port, f"{port}.{method}"})
            if one.injection.is_about_words:
                is_meant &= pair.token in str(args[_DRAFT[method]])
            if is_meant and one.left > 0 and pair.calls > one.begins:
                one.left -= 1
                one.struck += 1
                return one
        return None


class _Fated:
    """A port whose calls may fail."""

    def __init__(self, name: str, port: Any, fates: Fates) -> None:
        self._name, self._port, self._fates = name, port, fates

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        if inspect.isasyncgenfunction(real):
            return lambda *args, **more: self._stream(method, real, args, more)
        if inspect.iscoroutinefunction(real):
            return lambda *args, **more: self._call(method, real, args, more)
        return real

    async def _call(self, method: str, real: Any, args: Any, more: Any) -> Any:
        armed = self._fates.strike(self._name, method, [*args, more])
        if armed is None:
            return await real(*args, **more)
        if change := armed.injection.results.get(f"{self._name}.{method}"):
            return change(await real(*args, **more))
        if armed.injection.is_effective:
            await real(*args, **more)
        raise self._error(armed, method)

    async def _stream(self, method: str, real: Any, args: Any, more: Any) -> AsyncGenerator[Any]:
        armed = self._fates.strike(self._name, method, [*args, more])
        seen = 0
        async for item in real(*args, **more):
            if armed and seen >= armed.injection.after:
                break
            seen += 1
            yield item
        if armed:
            raise self._error(armed, method)

    def _error(self, armed: Armed, method: str) -> Exception:
        kinds = armed.injection.errors
        return copy(kinds.get(f"{self._name}.{method}") or kinds[self._name])


def grouped(found: Sequence[Pair]) -> dict[str, int]:
    """Count the pairs by how many of their faults struck."""
    counts: defaultdict[str, int] = defaultdict(int)
    for pair in found:
        counts[str(sum(one.struck > 0 or one.injection.is_twice for one in pair.faults))] += 1
    return dict(counts)
