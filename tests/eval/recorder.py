"""Write real replies of a language model to a file of JSON lines, as data for unit tests.

A line names the recording, the sentences that the prompt held, as ranges, the task and the reply,
so that it is short and a test can rebuild the passages.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.language_model.prompts import harmless
from core.ports import STEADY, LanguageModel, Prompt, Sampling
from tests.eval.datasets import Recording

ANSWER = "Answer"
"""The kind of a reply that is no JSON. The others are named as their classes in
core/language_model/replies.py."""
_LINE = re.compile(r"^\[\d+\] (.*)$", re.MULTILINE)


@dataclass
class Recorder:
    """A `LanguageModel` that records the replies of another one about `recordings`."""

    model: LanguageModel
    recordings: Sequence[Recording]
    file: Path

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def num_ctx(self) -> int:
        return self.model.num_ctx

    def tokens(self, text: str) -> int:
        return self.model.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Record what was read, also of a reply that breaks off."""
        pieces: list[str] = []
        try:
            async for piece in self.model.stream(prompt, max_tokens=max_tokens):
                pieces.append(piece)
                yield piece
        finally:
            self._write(ANSWER, prompt, "".join(pieces))

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        """Record a whole reply."""
        reply = await self.model.complete(
            prompt, max_tokens=max_tokens, schema=schema, sampling=sampling
        )
        self._write(str(schema["title"]), prompt, reply)
        return reply

    def _write(self, kind: str, prompt: Prompt, reply: str) -> None:
        source = self._source(prompt[1].text)
        if source is None:
            return
        recording, ranges = source
        line = {
            "kind": kind,
            "model": self.name,
            "recording": recording.video.id,
            "sentences": ranges,
            "task": prompt[-1].text,
            "reply": reply,
        }
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _source(self, told: str) -> tuple[Recording, list[list[int]]] | None:
        """Return the recording that these lines are of, and which sentences, as [first, after].

        None: there are no lines, or they are a model's notes."""
        lines = _LINE.findall(told)
        for recording in self.recordings:
            texts = [harmless(sentence.text) for sentence in recording.sentences]
            if lines and set(lines) <= set(texts):
                return recording, _ranges(lines, texts)
        return None


def _ranges(lines: Sequence[str], texts: Sequence[str]) -> list[list[int]]:
    """Return where the lines stand among the texts, as [first, after].

    >>> _ranges(["c", "d", "a"], ["a", "b", "c", "d"])
    [[2, 4], [0, 1]]
    """
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and ranges[-1][1] < len(texts) and texts[ranges[-1][1]] == line:
            ranges[-1][1] += 1
        else:
            at = texts.index(line)
            ranges.append([at, at + 1])
    return ranges
