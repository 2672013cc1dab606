"""Translate errors of Ollama and its client into ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from ollama import ResponseError

from core.errors import (
    CoreError,
    ModelBusy,
    ModelFailed,
    ModelMissing,
    OllamaUnreachable,
    PromptTooLong,
)

_MAX_DETAIL = 200
_TOO_LONG = re.compile(
    "exceed_context_size|exceeds the (available )?context (size|length)"
    "|prompt is longer than the context"
)
_TOKENS = re.compile(r"n_prompt_tokens\W+(\d+)|request \((\d+) tokens\)")
_NUM_CTX = re.compile(r"n_ctx\W+(\d+)|context size \((\d+) tokens\)")
_PATH = re.compile(r"([A-Za-z]:)?[\\/]([\w.@-]+[\\/])+[\w.@-]*")


@contextmanager
def translated(url: str, model: str) -> Iterator[None]:
    """Wrap each call of the client. `url`: without credentials, because users see it.

    A prompt refused for its length becomes PromptTooLong, with 0 for counts Ollama omits."""
    try:
        yield
    except ResponseError as error:
        raise _translate(error, url, model) from error
    except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise OllamaUnreachable(url) from error
    except httpx.HTTPError as error:
        raise ModelFailed("the connection broke") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # The client raises these for answers that are not Ollama's.
        raise ModelFailed("the answer was not Ollama's") from error


def _translate(error: ResponseError, url: str, model: str) -> CoreError:
    message = " ".join(str(error.error).split())
    if _TOO_LONG.search(message):  # often the runner's JSON inside a text
        return PromptTooLong(_number(_TOKENS, message), _number(_NUM_CTX, message))
    if error.status_code == httpx.codes.NOT_FOUND:
        return ModelMissing(model) if "model" in message else OllamaUnreachable(url)
    if error.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return ModelBusy()
    return ModelFailed(_PATH.sub("…", message)[:_MAX_DETAIL])


def _number(pattern: re.Pattern[str], message: str) -> int:
    found = pattern.search(message)
    return int(found[1] or found[2]) if found else 0
