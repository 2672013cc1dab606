"""An embedder that reads two languages, as multilingual models do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.ports import Kind, Vectors
from core.search.nearness import ENGLISH, KOREAN
from core.text.languages import is_written_in
from tests.fakes.indexes import FakeEmbedder

LANGUAGE_WEIGHT = 1.5
"""How far apart the languages are: with real models translations are no nearer than two unrelated
texts of one language."""


class BilingualEmbedder(FakeEmbedder):
    """`Embedder` that gives a Korean text the direction of its translation, and one of Korean.

    It knows the translations it is given, and those of the sentences about everything else."""

    def __init__(self, translations: Mapping[str, str]) -> None:
        super().__init__("bilingual-embedder")
        known = zip(KOREAN, ENGLISH[: len(KOREAN)], strict=True)
        self._english = {**dict(known), **translations}

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        rows = await super().embed([self._english.get(text, text) for text in texts], kind)
        for row, text in zip(rows, texts, strict=True):
            language = "ko" if is_written_in(text, "ko") else "en"
            row += LANGUAGE_WEIGHT * self._direction(f"in {language}") / 8  # of length 8 or so
            row /= (row @ row) ** 0.5
        return rows
