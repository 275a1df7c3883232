"""The OpenAPI document, as the judge of replies."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).parents[2] / "jupyter_drive_sync" / "server" / "openapi.yaml"
_URI = "urn:openapi"


@functools.cache
def document() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text("utf-8")))


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference at the top of a node."""
    if "$ref" not in node:
        return node
    found: Any = document()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Make a validator whose references lead into the document."""
    resource = Resource.from_contents(document(), default_specification=DRAFT202012)
    registry: Any = Registry().with_resource(_URI, resource)
    return Draft202012Validator(_absolute(schema), registry=registry)


def _absolute(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: _URI + value if name == "$ref" else _absolute(value)
            for name, value in node.items()
        }
    return [_absolute(item) for item in node] if isinstance(node, list) else node


def find_path(path: str) -> dict[str, Any]:
    """Return the operations of an address."""
    for template, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return dict(operations)
    return {}


def check_reply(method: str, path: str, status: int, values: Any) -> None:
    """See that a reply is what the document says."""
    operation = find_path(path).get(method.lower(), {})
    responses = operation.get("responses", {})
    response = responses.get(str(status))
    if response is None:
        response = {"$ref": "#/components/responses/Error"}
    schema = resolved(response)["content"]["application/json"]["schema"]
    errors = [error.message for error in validator(schema).iter_errors(values)]
    assert not errors, (method, path, status, errors)
