"""Check the language model and the server behind it: Ollama or an OpenAI-compatible one."""

from __future__ import annotations

from typing import Literal

from core.backends.ollama.client import Ollama
from core.backends.ollama.server import DEFAULT_PORT, MINIMUM, RECOMMENDED, is_at_least
from core.backends.ollama.server import ModelFacts as OllamaFacts
from core.backends.openai.client import OpenAi
from core.backends.openai.server import ModelFacts, api_address
from core.config import Core, Llm
from core.errors import (
    CoreError,
    ModelMissing,
    ModelNotServed,
    ModelServerUnreachable,
    OllamaUnreachable,
)
from core.language_model.server_address import split_address, without_login
from core.model import Check, Fact


async def ollama(config: Core) -> Check:
    """Check that Ollama is reachable, not open to the network and obeys JSON schemas.

    Raises OllamaTooOld and ConfigInvalid, even if Ollama is optional."""
    llm = config.llm
    if llm.engine in ("extractive", "openai"):
        return Check("ollama", "ok", "unwanted", {"engine": llm.engine})
    url = without_login(split_address(llm.url, DEFAULT_PORT))
    facts: dict[str, Fact] = {"url": url, "minimum": MINIMUM, "recommended": RECOMMENDED}
    try:
        found = await _ask_ollama(llm)
    except OllamaUnreachable as error:
        return Check("ollama", _missing_status(llm), error=error)
    except ModelMissing:  # reported by language_model
        return Check("ollama", "ok", "answers", facts)
    facts["version"] = found.version
    if not found.is_loopback:
        return Check("ollama", "warn", "open", facts)
    if not is_at_least(found.version, RECOMMENDED):
        return Check("ollama", "warn", "old", facts)
    return Check("ollama", "ok", facts=facts)


async def model_server(config: Core) -> Check | None:
    """Check that the OpenAI-compatible server takes our key and that nobody can read along. None
    if another engine is set.

    Raises ModelKeyRefused, ModelBusy and ConfigInvalid."""
    llm = config.llm
    if llm.engine != "openai":
        return None
    facts: dict[str, Fact] = {"url": without_login(api_address(llm.url))}
    try:
        found = await _ask_server(llm)
    except ModelServerUnreachable as error:
        return Check("model_server", "fail", error=error)
    except ModelNotServed:  # reported by language_model
        return Check("model_server", "ok", facts=facts)
    if not found.is_private:
        return Check("model_server", "warn", "plain", facts)
    return Check("model_server", "ok", facts=facts)


async def language_model(config: Core) -> Check | None:
    """Check that the model is there and supports our context length. None without a server."""
    llm = config.llm
    if llm.engine == "extractive":
        return None
    try:
        found = await (_ask_server(llm) if llm.engine == "openai" else _ask_ollama(llm))
    except (ModelMissing, ModelNotServed) as error:
        return Check("language_model", _missing_status(llm), error=error)
    except CoreError:  # reported by `ollama` or `model_server`
        return None
    facts: dict[str, Fact] = {
        "model": llm.model,
        "context": found.context_length,
        "num_ctx": llm.num_ctx,
    }
    is_wanted = llm.engine != "openai" or "num_ctx" in llm.model_fields_set
    if not is_wanted and found.context_length:
        facts["num_ctx"] = found.context_length
    elif 0 < found.context_length < llm.num_ctx:
        return Check("language_model", "warn", "small_context", facts)
    return Check("language_model", "ok", facts=facts)


def _missing_status(llm: Llm) -> Literal["warn", "fail"]:
    """With `auto` the extractive engine serves; another setting requires the server."""
    return "warn" if llm.engine == "auto" else "fail"


async def _ask_ollama(llm: Llm) -> OllamaFacts:
    model = Ollama(llm)
    try:
        return await model.check()
    finally:
        await model.close()


async def _ask_server(llm: Llm) -> ModelFacts:
    model = OpenAi(llm)
    try:
        return await model.check()
    finally:
        await model.close()
