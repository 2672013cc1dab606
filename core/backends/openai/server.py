"""Query an OpenAI-compatible server: its models and their context size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import SplitResult, quote

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from core.backends.openai.errors import Refused
from core.errors import ConfigInvalid, ModelNotServed
from core.language_model.server_address import is_loopback, login, split_address, without_login

CONNECT_S = 5.0

Answer = TypeVar("Answer", bound=BaseModel)
_LLAMA_CPP = "llamacpp"
_WITH_TEMPLATE_OPTIONS = ("vllm", _LLAMA_CPP)
"""Servers that pass `chat_template_kwargs` on. Others may refuse unknown fields."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts about the served model. `id`: the server's name of it. `context_length`: 0 if unknown.
    `is_private`: whether nobody between here and the server can read along."""

    id: str
    context_length: int
    can_stop_thoughts: bool
    is_private: bool


class _Meta(BaseModel):
    """What llama-server tells of a model. `n_ctx`: of one request; older versions omit it here."""

    n_ctx: int = 0


class _Model(BaseModel):
    id: str
    owned_by: str = ""
    meta: _Meta | None = None
    # The context size as vLLM, OpenRouter and Groq tell it.
    max_model_len: int | None = None
    context_length: int | None = None
    context_window: int | None = None

    @property
    def size(self) -> int:
        told = (self.max_model_len, self.context_length, self.context_window)
        return next(filter(None, told), self.meta.n_ctx if self.meta else 0)


class _Models(BaseModel):
    data: list[_Model]


class _Props(BaseModel):
    """What llama-server tells at /props."""

    default_generation_settings: _Meta = _Meta()


class _LmStudioModel(BaseModel):
    """What LM Studio tells at /api/v0/models."""

    loaded_context_length: int = 0


class _OllamaVersion(BaseModel):
    version: str


def api_address(url: str) -> SplitResult:
    """Parse `llm.url`, with or without the path of the API. Raises ConfigInvalid.

    >>> api_address("http://127.0.0.1:8000").path, api_address("https://host/api/v1/").path
    ('/v1', '/api/v1')
    """
    address = split_address(url)
    path = address.path.rstrip("/")
    return address._replace(path=path or "/v1", query="", fragment="")


def connect(address: SplitResult, api_key: SecretStr) -> httpx.AsyncClient:
    """Create a client without a read timeout. Sends nothing yet. Raises ConfigInvalid for a key
    that no header can carry: httpx's own error would show it."""
    key = api_key.get_secret_value().strip()
    if key and not (key.isascii() and key.isprintable()):
        raise ConfigInvalid("llm.api_key", "not a key")
    return httpx.AsyncClient(
        base_url=without_login(address),
        headers={"Authorization": f"Bearer {key}"} if key else None,
        auth=None if key else login(address),
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        # llama-server closes a connection after a stream, and the next request on it is lost.
        limits=httpx.Limits(max_keepalive_connections=0),
        trust_env=not is_loopback(address),  # a proxy cannot reach our loopback
    )


async def look(client: httpx.AsyncClient, address: SplitResult, name: str) -> ModelFacts:
    """Query the model. Raises ModelNotServed, ConfigInvalid for Ollama, which would truncate
    prompts here, Refused and the client's errors."""
    response = await client.get("models")
    if not response.is_success:
        raise Refused(response.status_code, response.text)
    models = _Models.model_validate_json(response.content).data
    model = _find(models, name)
    if model is None:
        served = tuple(model.id for model in models)
        raise ModelNotServed(name, without_login(address), served)
    return ModelFacts(
        id=model.id,
        context_length=model.size or await _context_length(client, address, model),
        can_stop_thoughts=model.owned_by in _WITH_TEMPLATE_OPTIONS,
        is_private=address.scheme == "https" or is_loopback(address),
    )


async def _context_length(client: httpx.AsyncClient, address: SplitResult, model: _Model) -> int:
    """Return what llama-server or LM Studio tells beside the OpenAI API; 0 if unknown."""
    if address.scheme == "https":  # none of them, or behind a proxy that hides it
        return 0
    root = without_login(address._replace(path=address.path.removesuffix("/v1")))
    if model.owned_by == _LLAMA_CPP:
        props = await _tell(client, f"{root}/props", _Props)
        return props.default_generation_settings.n_ctx if props else 0
    if await _tell(client, f"{root}/api/version", _OllamaVersion):
        raise ConfigInvalid("llm.engine", "the server at llm.url is Ollama, so set it to ollama")
    loaded = await _tell(client, f"{root}/api/v0/models/{quote(model.id)}", _LmStudioModel)
    return loaded.loaded_context_length if loaded else 0


async def _tell(client: httpx.AsyncClient, url: str, kind: type[Answer]) -> Answer | None:
    """Ask for more than the OpenAI API; None from a server that does not know the address."""
    response = await client.get(url)
    try:
        return kind.model_validate_json(response.content) if response.is_success else None
    except ValidationError:
        return None


def _find(models: Sequence[_Model], name: str) -> _Model | None:
    """Find the model by its id, or by the last part of an id that is a path."""
    same = [model for model in models if model.id == name]
    alike = [model for model in models if model.id.rpartition("/")[2] == name]
    return next(iter(same or alike), None)
