"""Keep a language model's replies on disk: a run that was stopped goes on, and one after a change
of the core asks only what has changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import asdict

from core.errors import BadModelOutput
from core.ports import STEADY, LanguageModel, Prompt, Sampling
from tests.eval.vectors import CACHE


class KeptReplies:
    """A `LanguageModel` that asks another one only what it has not asked it before. `name` tells
    models apart. Other errors than BadModelOutput are not kept."""

    def __init__(self, name: str, model: LanguageModel) -> None:
        self.name = name
        self._model = model
        CACHE.mkdir(parents=True, exist_ok=True)
        self._store = sqlite3.connect(CACHE / "replies.sqlite", timeout=60)
        self._store.execute(
            "CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, text, wrong)"
        )

    @property
    def num_ctx(self) -> int:
        return self._model.num_ctx

    def tokens(self, text: str) -> int:
        return self._model.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Yield a kept reply in one piece. A caller that ends a reply early does so again."""
        key = self._key(prompt, max_tokens)
        if kept := self._kept(key):
            yield _reply(*kept)
            return
        pieces: list[str] = []
        try:
            async for piece in self._model.stream(prompt, max_tokens=max_tokens):
                pieces.append(piece)
                yield piece
        except BadModelOutput as error:
            self._keep(key, "".join(pieces), error.detail)
            raise
        except GeneratorExit:
            self._keep(key, "".join(pieces))
            raise
        self._keep(key, "".join(pieces))

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        key = self._key(prompt, max_tokens, schema, sampling)
        if kept := self._kept(key):
            return _reply(*kept)
        try:
            reply = await self._model.complete(
                prompt, max_tokens=max_tokens, schema=schema, sampling=sampling
            )
        except BadModelOutput as error:
            self._keep(key, error.text, error.detail)
            raise
        self._keep(key, reply)
        return reply

    def _kept(self, key: bytes) -> tuple[str, str] | None:
        found: tuple[str, str] | None = self._store.execute(
            "SELECT text, wrong FROM replies WHERE key = ?", (key,)
        ).fetchone()
        return found

    def _keep(self, key: bytes, text: str, wrong: str = "") -> None:
        with self._store:
            self._store.execute(
                "INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (key, text, wrong)
            )

    def _key(
        self,
        prompt: Prompt,
        max_tokens: int,
        schema: dict[str, object] | None = None,
        sampling: Sampling = STEADY,
    ) -> bytes:
        told = [asdict(message) for message in prompt]
        asked = json.dumps([self.name, told, max_tokens, schema, asdict(sampling)])
        return hashlib.sha256(asked.encode()).digest()


def _reply(text: str, wrong: str) -> str:
    """Return a kept reply, or raise as its model did."""
    if wrong:
        error = BadModelOutput(wrong)
        error.text = text
        raise error
    return text
