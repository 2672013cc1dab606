"""Find a language model for the demo: LLM_URL's, or else Ollama's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.rendering.errors import describe_error
from bot.words import Words
from core.backends.ollama.client import Ollama
from core.backends.openai.client import OpenAi
from core.config import Llm
from core.errors import CoreError, ModelNotServed

NONE = {"engine": "extractive"}
OLLAMA_URL = Llm().url


@dataclass(frozen=True)
class Found:
    """`settings`: the section `llm` of the configuration. `about`: the same for people."""

    settings: Mapping[str, str]
    about: str


async def find_language_model(
    environment: Mapping[str, str], ollama_url: str = OLLAMA_URL
) -> Found:
    """Return the model at LLM_URL, with LLM_MODEL and LLM_API_KEY if they are set, or Ollama's; or
    the engine that needs none, and why."""
    url, model = environment.get("LLM_URL", ""), environment.get("LLM_MODEL", "")
    try:
        if url:
            return await _served(url, model, environment.get("LLM_API_KEY", ""))
        return await _pulled(Llm(url=ollama_url, model=model or Llm().model))
    except CoreError as error:
        return Found(NONE, f"none. {describe_error(error, Words('en')).message}")


async def _pulled(llm: Llm) -> Found:
    ollama = Ollama(llm)
    try:
        await ollama.check()
    finally:
        await ollama.close()
    return Found({"url": llm.url, "model": llm.model}, f"{llm.model}, by Ollama")


async def _served(url: str, model: str, key: str) -> Found:
    """Without a name, take the first model that the server has."""
    llm = Llm.model_validate({"engine": "openai", "url": url, "model": model, "api_key": key})
    server = OpenAi(llm)
    try:
        await server.check()
    except ModelNotServed as error:
        if model or not error.served:
            raise
        model = error.served[0]
    finally:
        await server.close()
    settings = {"engine": "openai", "url": url, "model": model}
    # The key itself stays in the environment.
    return Found(settings | ({"api_key": "${LLM_API_KEY}"} if key else {}), f"{model} at {url}")
