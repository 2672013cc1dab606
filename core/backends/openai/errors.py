"""Translate errors of OpenAI-compatible servers and of httpx into ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from pydantic import SecretStr

from core.errors import (
    CoreError,
    ModelBusy,
    ModelFailed,
    ModelKeyRefused,
    ModelNotServed,
    ModelServerUnreachable,
    PromptTooLong,
)

_MAX_DETAIL = 200
# llama-server, OpenAI and vLLM, vLLM since 0.11, LM Studio.
_TOO_LONG = re.compile(
    "exceed_context_size|exceeds the available context size"
    "|context_length_exceeded|maximum context length"
    "|context length is only"
    "|context length of only|greater than the context length"
)
_TOKENS = re.compile(
    r"n_prompt_tokens\W+(\d+)|request \((\d+) tokens\)|\((\d+) in the messages"
    r"|resulted in (\d+) tokens|(?:has|contains|passed) (?:at least )?(\d+) input tokens"
)
_NUM_CTX = re.compile(
    r"n_ctx\W+(\d+)|context size \((\d+) tokens\)|maximum context length is (\d+)"
    r"|context length (?:is|of) only (\d+)"
)
_PATH = re.compile(r"([A-Za-z]:)?[\\/]([\w.@-]+[\\/])+[\w.@-]*")


class Refused(Exception):
    """The server's own error. `status`: 0 if it came in the stream. The body is not for logs."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = " ".join(body.split())


@contextmanager
def translated(url: str, model: str, api_key: SecretStr) -> Iterator[None]:
    """Wrap each call of the server. `url`: without credentials, because users see it.

    A prompt refused for its length becomes PromptTooLong, with 0 for counts the server omits."""
    try:
        yield
    except Refused as error:
        raise _translate(error, url, model, api_key.get_secret_value()) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ModelServerUnreachable(url) from error
    except httpx.HTTPError as error:
        raise ModelFailed("the connection broke") from error
    except ValueError:
        # pydantic's and ours, for answers that are not of this API. They contain the answer.
        raise ModelFailed("the answer was not of the OpenAI API") from None


def _translate(error: Refused, url: str, model: str, secret: str) -> CoreError:
    if _TOO_LONG.search(error.body):
        return PromptTooLong(_number(_TOKENS, error.body), _number(_NUM_CTX, error.body))
    if error.status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ModelKeyRefused(url)
    if error.status == httpx.codes.NOT_FOUND:
        is_model = "model" in error.body.lower()
        return ModelNotServed(model, url) if is_model else ModelServerUnreachable(url)
    is_busy = error.status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
    if is_busy and "insufficient_quota" not in error.body:
        return ModelBusy()
    message = _message(error.body)
    message = message.replace(secret, "…") if secret else message
    return ModelFailed(_PATH.sub("…", message)[:_MAX_DETAIL])


def _message(body: str) -> str:
    """Return the message in the server's JSON: `{"error": {"message": …}}` or `{"error": …}`."""
    try:
        told = json.loads(body)
    except ValueError:
        return body
    for key in ("error", "message"):
        told = told.get(key, told) if isinstance(told, dict) else told
    return told if isinstance(told, str) else body


def _number(pattern: re.Pattern[str], message: str) -> int:
    found = pattern.search(message)
    return int(next(filter(None, found.groups()))) if found else 0
