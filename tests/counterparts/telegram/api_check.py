"""Check a call against the Bot API description (tests/assets/telegram-bot-api.min.json; what it
omits is in keyboards.py, texts.py, files.py and directory.py).

Form values arrive as text, JSON values with their types. Telegram is more lenient (it ignores
unknown parameters and reads "abc" as 0): whatever it would silently ignore is a breach here.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tests.counterparts.telegram.refusal import Refusal, breach

DESCRIPTION = Path(__file__).resolve().parents[2] / "assets" / "telegram-bot-api.min.json"
MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
}
TOO_LONG = {
    "callback_data": "BUTTON_DATA_INVALID",
    "command": "BOT_COMMAND_INVALID",
    "description": "BOT_COMMAND_DESCRIPTION_INVALID",
    "answerCallbackQuery.text": "MESSAGE_TOO_LONG",
    "createForumTopic.name": "TOPIC_TITLE_EMPTY",
    "editForumTopic.name": "TOPIC_TITLE_EMPTY",
}
"""Telegram's error text for a violated length limit, where known."""
ATTACHED = "attach://"


@cache
def description() -> dict[str, Any]:
    return dict(json.loads(DESCRIPTION.read_text("utf-8")))


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in description()["methods"]}


def method_named(name: str) -> str:
    """The method's name as the description spells it; Telegram ignores case."""
    if name.lower() not in _names():
        raise Refusal("method not found", 404, breach=True)
    return _names()[name.lower()]


def checked(method: str, raw: dict[str, Any], files: set[str]) -> dict[str, Any]:
    """Parse and validate the parameters. `raw`: the received values. `files`: field names of
    uploaded files. Raises Refusal."""
    fields = description()["methods"][method]["fields"]
    unknown = (raw.keys() | files) - fields.keys()
    unknown -= _attached(raw) & files
    if unknown:
        raise breach(f"{method} knows no parameter {', '.join(sorted(unknown))}")
    for name, of in fields.items():
        if of.get("required") and raw.get(name, "") in ("", None) and name not in files:
            raise breach(MISSING.get(name, f'parameter "{name}" is required'))
    given = {name: _read(value, fields[name], name) for name, value in raw.items()}
    for name, value in given.items():
        _check(value, fields[name], f"{method}.{name}")
    missing = _attached(raw) - files
    if missing:
        raise breach(f"wrong file identifier/HTTP URL specified: no part {sorted(missing)}")
    return given


def misfits(result: Any, types: list[str]) -> list[str]:
    """List what is wrong with one of our own answers or updates."""
    try:
        _check(result, {"types": types}, "result")
    except Refusal as refusal:
        return [refusal.words]
    return []


def _attached(raw: dict[str, Any]) -> set[str]:
    """Names of the files that the parameters refer to."""
    return set(re.findall(rf"{ATTACHED}([\w.-]+)", json.dumps(raw)))


def _read(value: Any, of: dict[str, Any], name: str) -> Any:
    """Parse a form value: everything but text is JSON."""
    types = of["types"]
    if not isinstance(value, str) or types in (["String"], ["InputFile"]):
        return value
    if "String" in types and not re.fullmatch(r"-?\d+", value):
        return value
    if types == ["Boolean"] and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return json.loads(value)
    except ValueError:
        raise breach(f"can't parse {name} JSON object") from None


def _check(value: Any, of: dict[str, Any], where: str) -> None:
    """Validate a value against its field's description. Raises Refusal."""
    _check_any(value, of["types"], where)
    if not of.get("parsed"):
        _check_length(value, of, where)
    if "fixed" in of and value != of["fixed"]:
        raise breach(f"{where}: must be {of['fixed']}")


def _check_any(value: Any, kinds: list[str], where: str) -> None:
    """Require that the value matches one of `kinds`. Raises the Refusal of the closest kind."""
    reasons = []
    for kind in kinds:
        try:
            _check_type(value, kind, where)
        except Refusal as refusal:
            reasons.append(refusal)
        else:
            return
    raise max(reasons, key=lambda one: ("must be" in one.words) + ("knows no" in one.words) == 0)


def _check_type(value: Any, kind: str, where: str) -> None:
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            raise breach(f"{where}: expected an Array")
        for number, one in enumerate(value):
            _check_type(one, kind.removeprefix("Array of "), f"{where}[{number}]")
    elif kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) != (kind == "Boolean")):
            raise breach(f"{where}: must be of type {kind}")
    elif kind != "InputFile":
        _check_object(value, kind, where)


_PLAIN: dict[str, Any] = {"Integer": int, "Boolean": bool, "Float": (int, float), "String": str}


def _check_object(value: Any, kind: str, where: str) -> None:
    of = description()["types"][kind]
    if "subtypes" in of:
        _check_any(value, of["subtypes"], where)
        return
    if not isinstance(value, dict):
        words = "object expected as reply markup" if where.endswith("reply_markup") else where
        raise breach(words)
    if unknown := value.keys() - of["fields"].keys():
        raise breach(f"{where}: a {kind} knows no {', '.join(sorted(unknown))}")
    for name, field in of["fields"].items():
        if name in value:
            _check(value[name], field, f"{where}.{name}")
        elif field.get("required"):
            raise breach(f'can\'t find field "{name}" in {where}')


def _check_length(value: Any, of: dict[str, Any], where: str) -> None:
    least, most, unit = of.get("limit", (0, float("inf"), ""))
    if not unit or (unit == "value") != isinstance(value, int):
        return
    if not least <= _size(value, unit) <= most:
        words = TOO_LONG.get(where) or TOO_LONG.get(where.rpartition(".")[2])
        raise breach(words or f"{where}: {least}-{most} {unit}")


def _size(value: Any, unit: str) -> int:
    if unit == "value":
        return int(value)
    if isinstance(value, str):
        return len(value.encode()) if unit == "bytes" else utf16(value)
    return len(value)


def utf16(text: str) -> int:
    """The length as Telegram counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
