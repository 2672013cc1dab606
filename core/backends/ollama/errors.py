"""This file turns what goes wrong between us and Ollama into our errors."""

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

_MOST_DETAIL = 200
_TOO_LONG = re.compile(
    "exceed_context_size|exceeds the (available )?context (size|length)"
    "|prompt is longer than the context"
)
_TOKENS = re.compile(r"n_prompt_tokens\W+(\d+)|request \((\d+) tokens\)")
_NUM_CTX = re.compile(r"n_ctx\W+(\d+)|context size \((\d+) tokens\)")
_PATH = re.compile(r"([A-Za-z]:)?[\\/]([\w.@-]+[\\/])+[\w.@-]*")


@contextmanager
def translated(url: str, model: str) -> Iterator[None]:
    """Around each step of the client. `url`: without credentials, for the user's eyes.

    A refusal for length becomes a PromptTooLong with 0 for the counts Ollama does not give."""
    try:
        yield
    except ResponseError as error:
        raise _named(error, url, model) from error
    except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise OllamaUnreachable(url) from error
    except httpx.HTTPError as error:
        raise ModelFailed("the connection broke") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # The client falls over answers that are not Ollama's in all these ways.
        raise ModelFailed("the answer was not Ollama's") from error


def _named(error: ResponseError, url: str, model: str) -> CoreError:
    said = " ".join(str(error.error).split())
    if _TOO_LONG.search(said):  # often the runner's own JSON, inside a text
        return PromptTooLong(_number(_TOKENS, said), _number(_NUM_CTX, said))
    if error.status_code == httpx.codes.NOT_FOUND:
        return ModelMissing(model) if "model" in said else OllamaUnreachable(url)
    if error.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return ModelBusy()
    return ModelFailed(_PATH.sub("…", said)[:_MOST_DETAIL])


def _number(pattern: re.Pattern[str], said: str) -> int:
    found = pattern.search(said)
    return int(found[1] or found[2]) if found else 0
