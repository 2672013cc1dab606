"""Discord's gateway: sessions that receive every event in order and can be resumed.

Tests disturb it with `drop`, `reconnect`, `invalidate`, `refuse_resumes`, `repeat`, `hold` and
`release`, and `say`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.counterparts.discord import events
from tests.counterparts.discord.twin import TOKEN
from tests.counterparts.discord.world import World

HEARTBEAT_S = 41.25
SENDS_A_MINUTE = 120
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
CONTENT = 1 << 15


@dataclass
class Session:
    """A gateway session. `log`: its last 5,000 events, each with its sequence number."""

    id: str
    intents: int
    log: deque[tuple[int, str, Any]] = field(default_factory=lambda: deque(maxlen=5000))
    last: int = 0
    line: Line | None = None


@dataclass(eq=False)
class Line:
    """One WebSocket connection."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    squeeze: Callable[[bytes], bytes] | None
    """The compression that the client requested; its stream lasts as long as the connection."""
    sends: deque[float] = field(default_factory=deque)
    is_ours: bool = False
    """Whether the gateway closed the connection."""
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def say(self, op: int, d: Any = None, s: int | None = None, t: str | None = None) -> None:
        text = json.dumps({"op": op, "d": d, "s": s, "t": t})
        async with self.sending:
            with suppress(ConnectionError):
                if self.squeeze is None:
                    await self.socket.send_str(text)
                else:
                    await self.socket.send_bytes(self.squeeze(text.encode()))


@dataclass
class Gateway:
    world: World
    url: str = ""
    sessions: dict[str, Session] = field(default_factory=dict)
    lines: set[Line] = field(default_factory=set)
    identifies: int = 0
    resumes: int = 0
    """Number of successful resumes."""
    closes: list[tuple[int, str]] = field(default_factory=list)
    """(code, reason) of each connection that the gateway closed because of the client's error."""
    heartbeats: list[float] = field(default_factory=list)
    _refused_resumes: int = 0
    _held: list[events.Event] | None = None

    @property
    def connected(self) -> int:
        return sum(session.line is not None for session in self.sessions.values())

    async def drop(self, code: int | None = None) -> None:
        """Cut every connection, or close it with `code`."""
        for line in self._open():
            line.is_ours = True
            if code is None:
                if line.transport:
                    line.transport.abort()
            else:
                await line.socket.close(code=code)

    async def reconnect(self) -> None:
        """Send op 7: ask every client to reconnect and resume."""
        for line in self._open():
            await line.say(7)

    async def invalidate(self, *, resumable: bool) -> None:
        """Send op 9: end every session, or let clients resume it."""
        for session in [one for one in self.sessions.values() if one.line]:
            if not resumable:
                del self.sessions[session.id]
            await session.line.say(9, resumable)

    def refuse_resumes(self, times: int) -> None:
        """Answer the next resumes with op 9, so that clients must identify again; many of them make
        a resume loop."""
        self._refused_resumes = times

    async def repeat(self, last: int = 1) -> None:
        """Send the last events again, as new ones."""
        for session in list(self.sessions.values()):
            for _, event, data in list(session.log)[-last:]:
                await self._tell(session, event, data)

    def hold(self) -> None:
        """Delay all events until `release`."""
        self._held = []

    async def release(self) -> None:
        held, self._held = self._held or [], None
        for event, data in held:
            await self.dispatch(event, data)

    async def say(self, event: str, data: Any) -> None:
        """Send an event unchanged, such as one that no client can parse."""
        for session in list(self.sessions.values()):
            await self._tell(session, event, data)

    async def dispatch(self, event: str, data: dict[str, Any]) -> None:
        if self._held is not None:
            self._held.append((event, data))
            return
        if not await events.is_visible(self.world, data):
            return
        for session in list(self.sessions.values()):
            if events.wanted(event, data, session.intents):
                await self._tell(session, event, events.gated(self.world, data, session.intents))

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=4096 * 4, autoclose=True)
        await socket.prepare(request)
        line = Line(socket, request.transport, _squeezer(request.query.get("compress", "")))
        self.lines.add(line)
        await line.say(10, {"heartbeat_interval": HEARTBEAT_S * 1000})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(line, json.loads(message.data))
        finally:
            self._part(line, None if line.is_ours else socket.close_code)
        return socket

    async def _hear(self, line: Line, said: dict[str, Any]) -> None:
        now = time.monotonic()
        line.sends.append(now)
        while line.sends[0] < now - 60:
            line.sends.popleft()
        if len(line.sends) > SENDS_A_MINUTE:
            await self._close(line, 4008, "rate limited")
        elif said["op"] == 1:
            self.heartbeats.append(now)
            await line.say(11)
        elif said["op"] == 2:
            await self._identify(line, said["d"])
        elif said["op"] == 6:
            await self._resume(line, said["d"])
        elif said["op"] not in (3, 4, 8):
            await self._close(line, 4001, f"op {said['op']}")

    async def _identify(self, line: Line, given: dict[str, Any]) -> None:
        self.identifies += 1
        if given["token"] != TOKEN:
            await self._close(line, 4004, "authentication failed")
            return
        allowed = CONTENT if self.world.message_content else 0
        if given["intents"] & PRIVILEGED & ~allowed:
            await self._close(line, 4014, f"disallowed intents {given['intents']:b}")
            return
        session = Session(secrets.token_hex(16), given["intents"])
        async with self.world.lock:
            ready, guilds = await events.ready(self.world, session.id, self.url)
            session.line = line
            self.sessions[session.id] = session
            await self._tell(session, "READY", ready)
            for guild in guilds:
                await self._tell(session, "GUILD_CREATE", guild)

    async def _resume(self, line: Line, given: dict[str, Any]) -> None:
        session = self.sessions.get(given["session_id"])
        self._refused_resumes -= (refused := self._refused_resumes > 0)
        oldest = session.log[0][0] if session and session.log else 0
        if refused or session is None or given["token"] != TOKEN or given["seq"] < oldest - 1:
            await line.say(9, False)
            return
        self.resumes += 1
        heard = given["seq"]
        while missed := [one for one in session.log if one[0] > heard]:  # more arrive meanwhile
            for heard, event, data in missed:
                await line.say(0, data, heard, event)
        session.line = line
        await self._tell(session, "RESUMED", {"_trace": []})

    async def _tell(self, session: Session, event: str, data: Any) -> None:
        session.last += 1
        session.log.append((session.last, event, data))
        if session.line is not None:
            await session.line.say(0, data, session.last, event)

    async def _close(self, line: Line, code: int, reason: str) -> None:
        self.closes.append((code, reason))
        await line.socket.close(code=code)

    def _part(self, line: Line, code: int | None) -> None:
        """Disconnect a client. A close with 1000 or 1001 ends its session; after any other it can
        resume."""
        self.lines.discard(line)
        for session in [one for one in self.sessions.values() if one.line is line]:
            session.line = None
            if code in (1000, 1001):
                del self.sessions[session.id]

    def _open(self) -> list[Line]:
        return [session.line for session in self.sessions.values() if session.line]


def _squeezer(kind: str) -> Callable[[bytes], bytes] | None:
    """A compressor that flushes after every message, so the client can decode it at once."""
    if kind == "zlib-stream":
        stream = zlib.compressobj()
        return lambda message: stream.compress(message) + stream.flush(zlib.Z_SYNC_FLUSH)
    if kind == "zstd-stream":
        from compression import zstd  # requested only by 3.14 and newer, which has it

        whole = zstd.ZstdCompressor()
        return lambda message: whole.compress(message, mode=whole.FLUSH_BLOCK)
    return None
