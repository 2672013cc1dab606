"""Check Ollama and its language model."""

from __future__ import annotations

from typing import Literal

from core.backends.ollama.client import Ollama
from core.backends.ollama.server import DEFAULT_PORT, MINIMUM, ModelFacts
from core.config import Core, Llm
from core.errors import CoreError, ModelMissing, OllamaUnreachable
from core.language_model.server_address import split_address, without_login
from core.model import Check, Fact


async def ollama(config: Core) -> Check:
    """Check that Ollama is reachable and not open to the network.

    Raises OllamaTooOld and ConfigInvalid, even if Ollama is optional."""
    llm = config.llm
    if llm.engine == "extractive":
        return Check("ollama", "ok", "unwanted")
    facts: dict[str, Fact] = {
        "url": without_login(split_address(llm.url, DEFAULT_PORT)),
        "minimum": MINIMUM,
    }
    try:
        found = await _ask_ollama(llm)
    except OllamaUnreachable as error:
        return Check("ollama", _missing_status(llm), error=error)
    except ModelMissing:  # reported by language_model
        return Check("ollama", "ok", "answers", facts)
    facts["version"] = found.version
    if not found.is_loopback:
        return Check("ollama", "warn", "open", facts)
    return Check("ollama", "ok", facts=facts)


async def language_model(config: Core) -> Check | None:
    """Check that the model is pulled and supports our context length. None without Ollama."""
    llm = config.llm
    if llm.engine == "extractive":
        return None
    try:
        found = await _ask_ollama(llm)
    except ModelMissing as error:
        return Check("language_model", _missing_status(llm), error=error)
    except CoreError:  # reported by `ollama`
        return None
    facts: dict[str, Fact] = {
        "model": llm.model,
        "context": found.context_length,
        "num_ctx": llm.num_ctx,
    }
    if 0 < found.context_length < llm.num_ctx:
        return Check("language_model", "warn", "small_context", facts)
    return Check("language_model", "ok", facts=facts)


def _missing_status(llm: Llm) -> Literal["warn", "fail"]:
    """Without Ollama the extractive engine serves, unless the settings require Ollama."""
    return "fail" if llm.engine == "ollama" else "warn"


async def _ask_ollama(llm: Llm) -> ModelFacts:
    model = Ollama(llm)
    try:
        return await model.check()
    finally:
        await model.close()
