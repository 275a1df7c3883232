"""The discovery document inside google-api-python-client, as JSON schemas.

Replies are held against it strictly: a field that the document does not know fails.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonschema

_DEPTH = 6
"""How far references are followed: Change holds Drive holds ..., none of ours goes deeper."""

_FORMATS = {
    "int64": {"pattern": r"^-?\d+$"},
    "date-time": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
}


@cache
def document() -> dict[str, Any]:
    """Return the document of Drive v3."""
    shipped = resources.files("googleapiclient.discovery_cache") / "documents" / "drive.v3.json"
    return dict(json.loads(shipped.read_text("utf-8")))


def schema_of(name: str) -> dict[str, Any]:
    """Return one of the document's schemas as a JSON schema, references followed."""
    return _converted(document()["schemas"][name], _DEPTH)


def _converted(shape: dict[str, Any], depth: int) -> dict[str, Any]:
    if "$ref" in shape:
        return _converted(document()["schemas"][shape["$ref"]], depth - 1) if depth else {}
    kind = shape.get("type", "any")
    if kind == "any":
        return {}
    found: dict[str, Any] = {"type": kind, **_FORMATS.get(shape.get("format", ""), {})}
    if "enum" in shape:
        found["enum"] = shape["enum"]
    if "items" in shape:
        found["items"] = _converted(shape["items"], depth)
    if "properties" in shape:
        found["properties"] = {
            name: _converted(inner, depth) for name, inner in shape["properties"].items()
        }
        found["additionalProperties"] = False
    elif "additionalProperties" in shape:
        found["additionalProperties"] = _converted(shape["additionalProperties"], depth)
    return found


def check(reply: Any, name: str) -> None:
    """Hold a reply against a schema.

    Raises:
        jsonschema.ValidationError: It does not fit.
    """
    jsonschema.validate(reply, schema_of(name))
