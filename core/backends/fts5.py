"""Index each channel's chunks in an SQLite FTS5 table and rank them by BM25."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import DiskFull, IndexBroken
from core.model import Chunk
from core.text.tokens import cjk_characters, tokenise

_SCHEMA = """
CREATE TABLE IF NOT EXISTS videos (
    channel BLOB, video_id TEXT, digest TEXT, first INTEGER, last INTEGER,
    PRIMARY KEY (channel, video_id)
) WITHOUT ROWID
"""
# The text is already tokenised: keep all non-ASCII letters, the point and the apostrophe.
_TOKENIZER = "ascii tokenchars '.'''"


class Fts5:
    """A synchronous `KeywordIndex` in the single file `path`. One call at a time.

    Each channel has its own table, to keep texts and word statistics apart. After IndexBroken,
    call `drop`, which removes the file, and put the channels' videos again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def holdings(self, channel: str) -> dict[str, str]:
        """Map video id → digest. Needs no row count: rows and digest share a transaction."""
        with self._transaction() as db:
            known = "SELECT video_id, digest FROM videos WHERE channel = ?"
            return dict(db.execute(known, (_bytes(channel),)).fetchall())

    def put(self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk]) -> None:
        """Replace the video's chunks in one transaction."""
        name, table = _bytes(channel), _table(channel)
        with self._transaction() as db:
            db.execute(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}"
                f' USING fts5(tokens, key UNINDEXED, tokenize="{_TOKENIZER}")'
            )
            _delete(db, channel, video_id)
            held = "SELECT coalesce(max(last), 0) FROM videos WHERE channel = ?"
            first = 1 + db.execute(held, (name,)).fetchone()[0]
            rows = [
                (row, " ".join(tokenise(chunk.indexed)), chunk.key)
                for row, chunk in enumerate(chunks, first)
            ]
            db.executemany(f"INSERT INTO {table} (rowid, tokens, key) VALUES (?, ?, ?)", rows)
            if rows:
                video = (name, video_id, digest, first, rows[-1][0])
                db.execute("INSERT INTO videos VALUES (?, ?, ?, ?, ?)", video)

    def matching(self, channel: str, tokens: Sequence[str], limit: int) -> list[str]:
        """Return chunk keys that match any of the tokens, ranked by BM25, best first."""
        table = _table(channel)
        query = " OR ".join(map(_match, dict.fromkeys(tokens)))
        with self._transaction() as db:
            if not query or not _exists(db, table):
                return []
            best = (
                f"SELECT key FROM {table} WHERE {table} MATCH ?"
                f" ORDER BY bm25({table}), rowid LIMIT ?"
            )
            return [key for (key,) in db.execute(best, (query, limit))]

    def drop(self, channel: str, video_id: str | None = None) -> None:
        """Erase one video, or the channel, from the disk. Removes a broken file entirely."""
        try:
            with self._transaction() as db:
                if video_id is None:
                    db.execute(f"DROP TABLE IF EXISTS {_table(channel)}")
                    db.execute("DELETE FROM videos WHERE channel = ?", (_bytes(channel),))
                elif _delete(db, channel, video_id):
                    # A deleted row's words stay in the FTS index until a merge.
                    db.execute(
                        f"INSERT INTO {_table(channel)}({_table(channel)}) VALUES ('optimize')"
                    )
            self._empty_log()
        except IndexBroken:
            self.close()
            for end in ("", "-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)

    def keep(self, channels: Sequence[str]) -> None:
        """Erase every channel but these from the disk."""
        if not self._path.exists():
            return
        names = {_bytes(channel) for channel in channels}
        with self._transaction() as db:
            held = [name for (name,) in db.execute("SELECT DISTINCT channel FROM videos")]
            gone = [name for name in held if name not in names]
            for name in gone:
                db.execute(f"DROP TABLE IF EXISTS {_table_of(name)}")
                db.execute("DELETE FROM videos WHERE channel = ?", (name,))
        if gone:
            self._empty_log()

    def close(self) -> None:
        """Close the file. The next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _empty_log(self) -> None:
        try:
            self._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            self.close()
            raise IndexBroken(str(error)) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connected() as db:
                db.execute("BEGIN")
                yield db
        except (sqlite3.Error, OSError) as error:
            self.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise DiskFull from error
            raise IndexBroken(str(error)) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._connection = db
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")  # this is a cache: the last puts may be lost
            db.execute("PRAGMA secure_delete = ON")  # overwrite deleted data
            # To drop a table takes a temporary file, where the child may not write.
            db.execute("PRAGMA temp_store = MEMORY")
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(found)
            db.execute(_SCHEMA)
        return self._connection


def _delete(db: sqlite3.Connection, channel: str, video_id: str) -> bool:
    """Return whether the video was indexed."""
    video = (_bytes(channel), video_id)
    where = "FROM videos WHERE channel = ? AND video_id = ?"
    rows = db.execute(f"SELECT first, last {where}", video).fetchone()
    if rows:
        db.execute(f"DELETE FROM {_table(channel)} WHERE rowid BETWEEN ? AND ?", rows)
        db.execute(f"DELETE {where}", video)
    return bool(rows)


def _match(token: str) -> str:
    """Write a token as a query; a single CJK character also finds the bigrams it begins."""
    quoted = '"' + token.replace('"', '""') + '"'
    return f"{quoted}*" if len(token) == cjk_characters(token) == 1 else quoted


def _exists(db: sqlite3.Connection, table: str) -> bool:
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())


def _table(channel: str) -> str:
    """Turn any channel name into a valid table name."""
    return _table_of(_bytes(channel))


def _table_of(name: bytes) -> str:
    return f"channel_{hashlib.sha256(name).hexdigest()[:32]}"


def _bytes(channel: str) -> bytes:
    """Encode any name, even with a lone surrogate, which SQLite refuses as text."""
    return channel.encode("utf-8", "surrogatepass")
