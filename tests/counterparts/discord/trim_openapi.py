"""Reduce Discord's OpenAPI file to tests/assets/discord-openapi.min.json:

    python -m tests.counterparts.discord.trim_openapi openapi.json > tests/assets/…

Keeps every operation with its parameters and the schema of its JSON body. Drops the responses, the
prose and the form encodings (a multipart body carries the same JSON as payload_json).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_PROSE = {"description", "title", "x-discord-union", "deprecated"}


def trimmed(full: dict[str, Any]) -> dict[str, Any]:
    paths = {
        path: {key: of[key] if key == "parameters" else _operation(of[key]) for key in of}
        for path, of in full["paths"].items()
    }
    schemas = full["components"]["schemas"]
    kept: dict[str, Any] = {}
    _keep(paths, schemas, kept)
    whole = {"openapi": full["openapi"], "info": full["info"], "paths": paths}
    return _without_prose({**whole, "components": {"schemas": dict(sorted(kept.items()))}})


def _operation(of: dict[str, Any]) -> dict[str, Any]:
    kept = {key: of[key] for key in ("operationId", "parameters") if key in of}
    content = of.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        forms: dict[str, Any] = {"application/json": content["application/json"]}
        if "multipart/form-data" in content:
            forms["multipart/form-data"] = {}
        required = of["requestBody"].get("required", False)
        kept["requestBody"] = {"required": required, "content": forms}
    return kept


def _keep(found: Any, schemas: dict[str, Any], kept: dict[str, Any]) -> None:
    """Collect every schema reachable from `found`."""
    if isinstance(found, list):
        for one in found:
            _keep(one, schemas, kept)
    elif isinstance(found, dict):
        name = str(found.get("$ref", "")).rpartition("/")[2]
        if name and name not in kept:
            kept[name] = schemas[name]
            _keep(schemas[name], schemas, kept)
        for one in found.values():
            _keep(one, schemas, kept)


def _without_prose(found: Any, *, names: bool = False) -> Any:
    """Strip the prose. `names`: the keys are property names, not schema keywords."""
    if isinstance(found, list):
        return [_without_prose(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {
        key: _without_prose(value, names=key == "properties" and not names)
        for key, value in found.items()
        if names or key not in _PROSE
    }


if __name__ == "__main__":
    described = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    print(json.dumps(trimmed(described), separators=(",", ":"), ensure_ascii=False))
