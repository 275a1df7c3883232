"""How Drive says no (Source: Resolve errors)."""

from __future__ import annotations

from typing import Any

from tests.contract.ground import Ground, Reply


def error_of(reply: Reply) -> dict[str, Any]:
    """The error, its shape judged: code, message, and errors with domain, reason, message."""
    assert reply.headers["content-type"].lower().startswith("application/json")
    error = reply.json()["error"]
    assert error["code"] == reply.status
    assert error["message"]
    for one in error["errors"]:
        assert {"domain", "reason", "message"} <= one.keys()
    return dict(error)


def test_a_token_that_is_none_is_401(ground: Ground) -> None:
    """Source: Resolve errors, "401: Invalid credentials", reason authError."""
    reply = ground.send("GET", "/drive/v3/files", token="not-a-token")
    assert reply.status == 401
    error = error_of(reply)
    assert error["errors"][0]["reason"] == "authError"
    assert error["errors"][0]["location"] == "Authorization"
    assert "www-authenticate" in reply.headers


def test_without_a_token_nothing_is_told(ground: Ground) -> None:
    """Source: Resolve errors: 401, or 403 for a call of nobody."""
    reply = ground.send("GET", "/drive/v3/files", token=None)
    assert reply.status in {401, 403}
    assert error_of(reply)


def test_a_file_that_is_not_there_is_404(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found: {fileId}", at parameter fileId."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    for method, body in (("GET", b""), ("DELETE", b""), ("PATCH", b"{}")):
        reply = ground.send(
            method, f"/drive/v3/files/{file_id}", body, {"Content-Type": "application/json"}
        )
        assert reply.status == 404
        error = error_of(reply)["errors"][0]
        assert error["reason"] == "notFound"
        assert (error["locationType"], error["location"]) == ("parameter", "fileId")
        assert file_id in error["message"]


def test_a_bad_mask_is_400(ground: Ground) -> None:
    """Source: Return specific fields: invalidParameter at parameter fields."""
    reply = ground.send("GET", "/drive/v3/files?fields=nonsense")
    assert reply.status == 400
    error = error_of(reply)["errors"][0]
    assert (error["reason"], error["location"]) == ("invalidParameter", "fields")


def test_a_bad_query_is_400(ground: Ground) -> None:
    """Source: Resolve errors, "400: Bad request": invalid at parameter q."""
    reply = ground.send("GET", "/drive/v3/files?q=nonsense")
    assert reply.status == 400
    error = error_of(reply)["errors"][0]
    assert (error["reason"], error["location"]) == ("invalid", "q")


def test_a_used_id_is_409(ground: Ground) -> None:
    """Source: Create and manage files: a pre-made id in use answers 409 Conflict."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    ground.make("n", id=file_id)
    body = f'{{"id": "{file_id}", "name": "n", "parents": ["{ground.folder}"]}}'.encode()
    reply = ground.send("POST", "/drive/v3/files", body, {"Content-Type": "application/json"})
    assert reply.status == 409
    assert error_of(reply)


def test_what_may_not_be_done_is_403(ground: Ground) -> None:
    """Source: Resolve errors: 403 with a reason that says which right is missing."""
    folder = ground.make_folder("folder")["id"]
    reply = ground.send(
        "POST", f"/drive/v3/files/{folder}/copy", b"{}", {"Content-Type": "application/json"}
    )
    assert reply.status == 403
    assert error_of(reply)["errors"][0]["domain"] == "global"


def test_a_path_that_is_none_is_404(ground: Ground) -> None:
    """Source: discovery document: there is no such method."""
    assert ground.send("GET", "/drive/v3/nonsense").status == 404
