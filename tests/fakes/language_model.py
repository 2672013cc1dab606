"""A language model that returns scripted replies and records its prompts."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

from core.errors import CoreError, PromptTooLong, ReplyBroken
from core.ports import CUT_OFF, STEADY, Prompt, Sampling


@dataclass(frozen=True)
class Broken:
    """A reply that ends with an error."""

    text: str
    error: CoreError


Reply = str | Broken | dict | CoreError


@dataclass
class ScriptedModel:
    """`LanguageModel` with scripted replies.

    `replies`: one per call, or a function of the prompt. A dict is sent as JSON, an error is
    raised. Prompts that do not fit are refused by the model's own count: `miscount` times the
    estimate of `tokens`.
    """

    replies: list[Reply] | Callable[[Prompt], Reply]
    num_ctx: int = 16_384
    name: str = "scripted"
    miscount: float = 1.0
    prompts: list[Prompt] = field(default_factory=list)
    """All prompts read, except the refused ones."""
    schemas: list[dict[str, object]] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)
    refused: int = 0
    spoken: str = ""
    """Text that callers consumed from its streams."""

    def tokens(self, text: str) -> int:
        return math.ceil(len(text.encode()) / 4)

    def size(self, prompt: Prompt) -> int:
        """Count the prompt's tokens."""
        return sum(self.tokens(message.text) for message in prompt)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Stream the reply in small, uneven pieces that split markers anywhere."""
        reply = self._reply(prompt, max_tokens)
        text, error = (reply.text, reply.error) if isinstance(reply, Broken) else (reply, None)
        if self.tokens(text) > max_tokens:
            text = text.encode()[: 4 * max_tokens].decode(errors="ignore") + CUT_OFF
        for piece in _pieces(text):
            self.spoken += piece
            yield piece
        if error:
            raise error

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        self.samplings.append(sampling)
        reply = self._reply(prompt, max_tokens)
        if isinstance(reply, Broken):
            if isinstance(reply.error, ReplyBroken):
                reply.error.text = reply.text
            raise reply.error
        self.schemas.append(schema)
        return reply

    def _reply(self, prompt: Prompt, max_tokens: int) -> str | Broken:
        size = math.ceil(self.size(prompt) * self.miscount)
        if size + max_tokens > self.num_ctx:
            self.refused += 1
            raise PromptTooLong(size, self.num_ctx)
        self.prompts.append(prompt)
        reply = self.replies(prompt) if callable(self.replies) else self.replies.pop(0)
        if isinstance(reply, CoreError):
            raise reply
        return json.dumps(reply, ensure_ascii=False) if isinstance(reply, dict) else reply


def _pieces(text: str) -> Iterator[str]:
    sizes = cycle((1, 3, 2, 5))
    while text:
        size = next(sizes)
        yield text[:size]
        text = text[size:]
