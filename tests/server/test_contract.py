"""The OpenAPI document and the running application say the same."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import pytest
from jupyter_events.schema import EventSchema
from tornado.web import RequestHandler

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.server import handlers
from jupyter_drive_sync.server.herald import SCHEMA_FILE, SCHEMA_ID
from jupyter_drive_sync.server.service import Service
from tests.server.contract import document, resolved, validator

VERBS = ("get", "post", "put", "patch", "delete")


def served(web_app: Any, verbs: Collection[str] = VERBS) -> dict[str, set[str]]:
    """Return the routes of the running application that are ours, with the verbs that they take.

    Ours is what lies below our address, and what our package answers wherever it lies.
    """
    found: dict[str, set[str]] = {}
    for rule in web_app.wildcard_router.rules + web_app.default_router.rules:
        for inner in getattr(rule.target, "rules", [rule]):
            matcher = getattr(inner.matcher, "regex", None)
            if matcher is None or not is_ours(matcher.pattern, inner.target):
                continue
            base = web_app.settings["base_url"].rstrip("/")
            path = matcher.pattern.removeprefix(base).rstrip("$")
            path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)
            own = {verb for verb in verbs if takes(inner.target, verb)}
            found.setdefault(path.replace("{hold}", "{id}"), set()).update(own)
    return found


def is_ours(pattern: str, handler: Any) -> bool:
    module = str(getattr(handler, "__module__", ""))
    return "drive-sync/" in pattern or module.startswith("jupyter_drive_sync")


def takes(handler: Any, verb: str) -> bool:
    """Tell whether a handler does something with a verb, whoever wrote the method."""
    return getattr(handler, verb, None) not in (None, RequestHandler._unimplemented_method)


def test_every_route_is_described_and_every_description_is_served(
    jp_web_app: Any, service: Service
) -> None:
    described = {
        path: {verb for verb in operations if verb in VERBS}
        for path, operations in document()["paths"].items()
    }
    assert served(jp_web_app) == described


def test_examples_are_what_their_schemas_say() -> None:
    count = 0
    for operations in document()["paths"].values():
        for operation in operations.values():
            parts = [operation.get("requestBody", {}), *operation["responses"].values()]
            for part in parts:
                for content in resolved(part).get("content", {}).values():
                    check = validator(content["schema"])
                    for example in content.get("examples", {}).values():
                        errors = [error.message for error in check.iter_errors(example["value"])]
                        assert not errors, (operation["operationId"], errors)
                        count += 1
    assert count > 25


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for operations in document()["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(names)) == len(names)


def test_settable_names_are_settings() -> None:
    body = document()["paths"]["/drive-sync/api/settings"]["patch"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert set(schema["properties"]) <= set(Settings.__dataclass_fields__)
    assert tuple(schema["properties"]) == tuple(handlers.SETTABLE)


def test_events_hold_counts_and_opaque_ids_only() -> None:
    schema = EventSchema(SCHEMA_FILE)
    assert schema.id == SCHEMA_ID
    properties = schema._schema["properties"]
    free_texts = {
        name
        for name, value in properties.items()
        if value.get("type") == "string" and "enum" not in value
    }
    assert free_texts == {"job", "code", "phase"}


@pytest.mark.parametrize("path", ["nothing", "history/0/files", "holds/../files"])
async def test_unknown_addresses_are_said_in_our_form(api: Any, jp_fetch: Any, path: str) -> None:
    from tornado.httpclient import HTTPClientError  # noqa: PLC0415

    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("drive-sync", "api", *path.split("/"))
    assert caught.value.code == 404
