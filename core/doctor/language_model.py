"""This file checks Ollama and the language model behind it."""

from __future__ import annotations

from typing import Literal

from core.backends.ollama.client import Ollama
from core.backends.ollama.server import MINIMUM, ModelFacts, shown, split
from core.config import Core, Llm
from core.errors import CoreError, ModelMissing, OllamaUnreachable
from core.model import Check, Fact


async def ollama(config: Core) -> Check:
    """Wanted, reachable, safe. Raises OllamaTooOld and ConfigInvalid whoever wants it."""
    llm = config.llm
    if llm.engine == "extractive":
        return Check("ollama", "ok", "unwanted")
    facts: dict[str, Fact] = {"url": shown(split(llm.url)), "minimum": MINIMUM}
    try:
        found = await _look(llm)
    except OllamaUnreachable as error:
        return Check("ollama", _missed(llm), error=error)
    except ModelMissing:  # language_model tells it
        return Check("ollama", "ok", "answers", facts)
    facts["version"] = found.version
    if not found.is_loopback:
        return Check("ollama", "warn", "open", facts)
    return Check("ollama", "ok", facts=facts)


async def language_model(config: Core) -> Check | None:
    """Pulled, and made for a context as long as ours. None where Ollama cannot be asked."""
    llm = config.llm
    if llm.engine == "extractive":
        return None
    try:
        found = await _look(llm)
    except ModelMissing as error:
        return Check("language_model", _missed(llm), error=error)
    except CoreError:  # `ollama` tells it
        return None
    facts: dict[str, Fact] = {
        "model": llm.model,
        "context": found.context_length,
        "num_ctx": llm.num_ctx,
    }
    if 0 < found.context_length < llm.num_ctx:
        return Check("language_model", "warn", "small_context", facts)
    return Check("language_model", "ok", facts=facts)


def _missed(llm: Llm) -> Literal["warn", "fail"]:
    """Where nobody insists on Ollama, the video's own sentences do its work."""
    return "fail" if llm.engine == "ollama" else "warn"


async def _look(llm: Llm) -> ModelFacts:
    model = Ollama(llm)
    try:
        return await model.check()
    finally:
        await model.close()
