"""The store's tables. The migrations in core/backends/storage/migrations create them."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.types import TypeDecorator

from core.chat_records import ChatSettings
from core.json_values import from_plain
from core.model import Summary, Turn, Video

# PostgreSQL stores no NUL; no database and no terminal takes half a surrogate pair.
_UNFIT = re.compile("[\0\ud800-\udfff]")


class Words(TypeDecorator[str]):
    """Text of any length. A character that not every database stores becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return _fit(value)  # type: ignore[no-any-return]


class JsonObject(TypeDecorator[dict[str, Any]]):
    """A JSON object; the writer of a row knows its shape."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return _fit(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, Any]:
        return from_plain(dict, value)


class Value(TypeDecorator[Any]):
    """A dataclass of the core, as JSON. A field added to it later needs a default, as stored rows
    lack it."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return _fit(asdict(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return from_plain(self.kind, value)


def _fit(value: Any) -> Any:
    if isinstance(value, str):
        return _UNFIT.sub("\ufffd", value)
    if isinstance(value, dict):
        return {key: _fit(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(inner) for inner in value]
    return value


metadata = MetaData()

videos = Table(
    "videos",
    metadata,
    Column("id", Words, primary_key=True),
    Column("video", Value(Video), nullable=False),
)

transcripts = Table(
    "transcripts",
    metadata,
    Column("video_id", Words, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True),
    Column("language", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("recipe", Words, nullable=False),
)

segments = Table(
    "segments",
    metadata,
    Column(
        "video_id", Words, ForeignKey("transcripts.video_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("number", Integer, primary_key=True),
    Column("start_s", Double, nullable=False),
    Column("end_s", Double, nullable=False),
    Column("text", Words, nullable=False),
)

summaries = Table(
    "summaries",
    metadata,
    Column("video_id", Words, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True),
    Column("recipe", Words, primary_key=True),
    Column("summary", Value(Summary), nullable=False),
)

# `vectors`: all of a video as one matrix, row by row, little-endian float32; NULL if none.
# `sentence_vectors`: one row per segment of the transcript, as float16.
chunkings = Table(
    "chunkings",
    metadata,
    Column("video_id", Words, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True),
    Column("recipe", Words, nullable=False),
    Column("vectors", LargeBinary),
    Column("sentence_vectors", LargeBinary),
)

chunks = Table(
    "chunks",
    metadata,
    Column(
        "video_id", Words, ForeignKey("chunkings.video_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("number", Integer, primary_key=True),
    Column("start_s", Double, nullable=False),
    Column("end_s", Double, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("heading", Words, nullable=False),
    Column("text", Words, nullable=False),
)

# A higher `id` is a later row, here and in `turns`: a clock may jump. `search_title`: the title
# as it is searched, so that a search reads no video. `file_name`: the channel's own
# name for a file. `pinned`: retention leaves it.
library = Table(
    "library",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("channel", Words, nullable=False),
    Column("video_id", Words, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False),
    Column("added_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
    Column("search_title", Words, nullable=False, server_default=""),
    Column("file_name", Words, nullable=False, server_default=""),
    Column("pinned", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("channel", "video_id"),
    Index("library_video", "video_id"),
    Index("library_newest", "channel", "id"),
)

# A token per channel that changes with its videos and their chunks.
revisions = Table(
    "revisions",
    metadata,
    Column("channel", Words, primary_key=True),
    Column("revision", Words, nullable=False),
)

# `person`: who asked, with the platform: "discord:42"; "" on the command line, and in rows from
# before it was noted.
turns = Table(
    "turns",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("channel", Words, nullable=False),
    Column("thread", Words, nullable=False),
    Column("turn", Value(Turn), nullable=False),
    Column("person", Words, nullable=False, server_default=""),
    Column("asked_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
    Index("turns_thread", "channel", "thread"),
)

# The videos that a turn is about.
mentions = Table(
    "mentions",
    metadata,
    Column("turn_id", Integer, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("video_id", Words, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True),
    Index("mentions_video", "video_id"),
)

# Messages to deliver. `number`: their order. `draft`: "" once the platform shows it for good.
outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, Identity(), primary_key=True),
    Column("platform", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("place", Words, nullable=False),
    Column("draft", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("owner", Words, nullable=False),
    Column("parent", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("shown", Integer, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("platform", "key"),
)

# Finished parts of unfinished work. No foreign key: a video may be stored after its first part.
pieces = Table(
    "pieces",
    metadata,
    Column("video_id", Words, primary_key=True),
    Column("recipe", Words, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("piece", Words, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
)

# Videos that no channel knows any more, until a transaction of their own has deleted them.
forgotten = Table("forgotten", metadata, Column("video_id", Words, primary_key=True))

# One row if copies of the store hold what was deleted since. `deletion`: another one each time.
outdated_copies = Table(
    "outdated_copies",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("deletion", Words, nullable=False),
)

# Requests made in chats. `number`: their order. `request`: once it is done, only its kind, so that
# no word stays that somebody wrote. The other columns repeat fields of the request that queries
# need; rows of a deleted video are found by `video_id`.
requests = Table(
    "requests",
    metadata,
    Column("number", Integer, Identity(), primary_key=True),
    Column("id", Words, nullable=False, unique=True),
    Column("platform", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("request", JsonObject, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("video_id", Words, nullable=False, server_default=""),
)

# Bindings and buttons have no foreign key: they are created before their video is stored.
bindings = Table(
    "rooms",
    metadata,
    Column("platform", Words, primary_key=True),
    Column("place", Words, primary_key=True),
    Column("message_id", Words, primary_key=True),
    Column("channel", Words, nullable=False),
    Column("video_id", Words, nullable=False),
    Column("thread", Words, nullable=False),
)

buttons = Table(
    "buttons",
    metadata,
    Column("id", Words, primary_key=True),
    Column("channel", Words, nullable=False),
    Column("video_id", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("text", Words, nullable=False),
    Index("buttons_video", "channel", "video_id"),
)

settings = Table(
    "settings",
    metadata,
    Column("scope", Words, primary_key=True),
    Column("habits", Value(ChatSettings), nullable=False),
)

# The server that a channel is in. `left_at`: since when the bot is not in it any more.
memberships = Table(
    "memberships",
    metadata,
    Column("channel", Words, primary_key=True),
    Column("server", Words, nullable=False),
    Column("left_at", DateTime(timezone=True)),
)

# How often something was used on a day (UTC). `told`: whether a refusal was shown that day.
usage = Table(
    "usage",
    metadata,
    Column("scope", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("used", Integer, nullable=False),
    Column("told", Boolean, nullable=False),
)
