"""Reduce a description of Telegram's Bot API to tests/assets/telegram-bot-api.min.json:

    python -m tests.counterparts.telegram.trim_api telegram-bot-api.min.json > tests/assets/…

Keeps every method and every type with its fields: their types, whether they are required, and the
lengths and fixed values that the prose states. Drops the rest of the prose.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

_LENGTH = re.compile(r"\b(\d+)-(\d+) (characters|bytes|identifiers|items|tasks)")
_MOST = re.compile(r"\b(?:[Uu]p to|[Aa]t most) (\d+) (characters|commands)")
_BETWEEN = re.compile(r"[Vv]alues between (\d+)-(\d+) are accepted")
_FIXED = re.compile(r'(?:, must be|, always) [“"]?(\w+)[”"]?\.?$')


def trimmed(full: dict[str, Any]) -> dict[str, Any]:
    methods = {
        name: {"fields": _fields(of), "returns": of["returns"]}
        for name, of in full["methods"].items()
    }
    types = {
        name: {"subtypes": of["subtypes"]} if "subtypes" in of else {"fields": _fields(of)}
        for name, of in full["types"].items()
    }
    return {"version": full["version"], "methods": methods, "types": types}


def _fields(of: dict[str, Any]) -> dict[str, Any]:
    return {field["name"]: _field(field) for field in of.get("fields", ())}


def _field(field: dict[str, Any]) -> dict[str, Any]:
    said = field["description"]
    kept: dict[str, Any] = {"types": field["types"]}
    if field["required"]:
        kept["required"] = True
    if found := _LENGTH.search(said):
        kept["limit"] = [int(found[1]), int(found[2]), found[3]]
    elif found := _MOST.search(said):
        kept["limit"] = [0, int(found[1]), found[2]]
    elif found := _BETWEEN.search(said):
        kept["limit"] = [int(found[1]), int(found[2]), "value"]
    if re.search("after entit(y|ies) parsing", said):
        kept["parsed"] = True
    if field["name"] in ("type", "source", "status") and (found := _FIXED.search(said)):
        kept["fixed"] = found[1]
    return kept


if __name__ == "__main__":
    described = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    print(json.dumps(trimmed(described), separators=(",", ":"), ensure_ascii=False))
