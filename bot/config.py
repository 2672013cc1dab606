"""Read config.yaml and the environment into one frozen Config.

Precedence: TUBETHREAD_DATA, the file, the defaults. `${NAME}` is expanded after YAML is parsed, so
that a token may contain YAML's special characters.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, SecretStr, ValidationError

from core.config import Core, Section
from core.errors import ConfigInvalid

DEFAULT_PATH = Path("config.yaml")


class Discord(Section):
    """Discord. Empty `api_base` and `gateway_url` mean Discord's own. `message_content` requests
    the intent to read messages; without it, commands, buttons and mentions still work. An empty
    `allowed_servers` allows all; `private`: private chats are served too."""

    token: SecretStr = SecretStr("")
    message_content: bool = True
    allowed_servers: tuple[int, ...] = ()
    private: bool = True
    api_base: str = ""
    gateway_url: str = ""

    def serves(self, server: str) -> bool:
        """Whether people of a server, or "" for private chats, are served."""
        if not server:
            return self.private
        return not self.allowed_servers or server in map(str, self.allowed_servers)


class Telegram(Section):
    """Telegram. Empty `api_base` and `file_base` mean Telegram's own. `webhook_url` receives
    updates over HTTPS; empty means polling. An empty `allowed_chats` allows all."""

    token: SecretStr = SecretStr("")
    allowed_chats: tuple[int, ...] = ()
    webhook_url: str = ""
    webhook_host: str = "127.0.0.1"
    webhook_port: int = Field(8443, ge=0, le=65535)
    api_base: str = ""
    file_base: str = ""


class Quotas(Section):
    """Limits per day (UTC) on the chat platforms. `videos_in_all`: of everybody everywhere."""

    videos_per_person: int = Field(20, ge=0)
    videos_per_channel: int = Field(100, ge=0)
    videos_per_server: int = Field(300, ge=0)
    videos_in_all: int = Field(1000, ge=0)
    questions_per_person: int = Field(200, ge=0)
    questions_per_channel: int = Field(1000, ge=0)
    questions_per_server: int = Field(3000, ge=0)


class Log(Section):
    """The log file. `format`: lines for people, or one JSON object a line for programs."""

    format: Literal["text", "json"] = "text"


class Config(Core):
    """All of config.yaml: the core's sections, the log, quotas, and a section for each platform."""

    log: Log = Log()
    quotas: Quotas = Quotas()
    discord: Discord = Discord()
    telegram: Telegram = Telegram()


def read_config(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the settings in `path`. Only the default file may be missing.

    Raises ConfigInvalid with the dotted key and the problem, never with the value."""
    values = _parse(path) if path.exists() or path != DEFAULT_PATH else {}
    values = {key: _expand(value, environment, str(key)) for key, value in values.items()}
    if folder := environment.get("TUBETHREAD_DATA"):
        values["data_dir"] = folder
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigInvalid(key, first["msg"]) from None  # the cause contains the value


def _parse(path: Path) -> dict[str, object]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigInvalid(path.name, error.strerror or "can't be read") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"not YAML in line {mark.line + 1}" if mark else "not YAML"
        raise ConfigInvalid(path.name, where) from None  # the cause contains the line
    if not isinstance(values, dict):
        raise ConfigInvalid(path.name, "not a mapping of keys to values")
    return {str(key): value for key, value in values.items() if value is not None}


def _expand(value: object, environment: Mapping[str, str], key: str) -> object:
    if isinstance(value, dict):
        return {k: _expand(v, environment, f"{key}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(item, environment, key) for item in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise ConfigInvalid(key, f"the environment variable {match[1]} is not set")
        return environment[match[1]]

    return re.sub(r"\$\{(\w+)\}", look_up, value)
