"""Who may do what: every route of the running application, every verb, every kind of caller.

Faults F52 and F55, law 14. The routes are asked of the application, so that a new one is in the
table the day that it is made.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer
from jupyter_server.utils import url_path_join

from jupyter_drive_sync.server.service import Service
from tests.server.contract import document
from tests.server.test_contract import VERBS, served

SAFE = {"get"}
FILLED = {"{id}": "abc", "{run}": "1"}
BODIES = {
    "release": {"id": "abc", "choice": "keep"},
    "settings": {"time_zone": "UTC"},
    "prompt": {"action": "reset"},
    "acknowledge": {"id": "abc"},
}
"""What makes a request of the route whole, where nothing does not."""


def cells(web_app: Any) -> list[tuple[str, str]]:
    """Return address and verb of all there is."""
    return [
        (path, verb) for path, verbs in sorted(served(web_app).items()) for verb in sorted(verbs)
    ]


class Nobody(Authorizer):
    """Allows what is not ours, and nothing that is."""

    asked: ClassVar[set[tuple[str, str]]] = set()

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.add((action, resource))
        return resource != "drive_sync"


class Caller:
    """Sends requests as this or that kind of person."""

    def __init__(self, client: Any, base_url: str, token: str) -> None:
        self._client = client
        self._base = base_url
        self._token = token
        self.cookies = ""

    async def log_in(self) -> None:
        """Get the cookie that a browser has after it opened Jupyter with a token."""
        reply = await self._client.fetch(
            url_path_join(self._base, "login") + f"?token={self._token}",
            follow_redirects=False,
            raise_error=False,
        )
        self.cookies = "; ".join(
            line.split(";")[0] for line in reply.headers.get_list("Set-Cookie")
        )
        assert "username" in self.cookies

    async def send(self, path: str, verb: str, **headers: str) -> Any:
        for name, value in FILLED.items():
            path = path.replace(name, value)
        body = json.dumps(BODIES.get(path.rsplit("/", 1)[-1], {}))
        return await self._client.fetch(
            url_path_join(self._base, path),
            method=verb.upper(),
            headers=headers,
            body=body if verb in ("post", "patch", "put") else None,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            raise_error=False,
        )

    async def with_token(self, path: str, verb: str) -> Any:
        return await self.send(path, verb, Authorization=f"token {self._token}")

    async def with_cookie(self, path: str, verb: str, xsrf: str = "") -> Any:
        cookies = self.cookies
        headers = {}
        if xsrf:
            cookies += f"; _xsrf={xsrf}"
            headers["X-XSRFToken"] = xsrf
        return await self.send(path, verb, Cookie=cookies, **headers)


@pytest.fixture
def caller(
    http_server_client: Any, jp_base_url: str, jp_serverapp: Any, service: Service
) -> Caller:
    return Caller(http_server_client, jp_base_url, jp_serverapp.identity_provider.token)


def in_our_form(reply: Any, path: str) -> None:
    if path.endswith("oauth2callback"):
        assert reply.headers["Content-Type"].startswith("text/html")
        assert "data-drive-sync" in reply.body.decode()
    else:
        said = json.loads(reply.body)
        assert set(said) == {"code", "who", "sentence", "params"}


async def test_anonymous(jp_web_app: Any, caller: Caller, fake_child: None) -> None:
    for path, verb in cells(jp_web_app):
        reply = await caller.send(path, verb)
        assert reply.code == 403, (path, verb)
        assert "Location" not in reply.headers
        in_our_form(reply, path)


async def test_a_cookie_without_the_xsrf_token(
    jp_web_app: Any, caller: Caller, fake_child: None
) -> None:
    await caller.log_in()
    for path, verb in cells(jp_web_app):
        reply = await caller.with_cookie(path, verb)
        if verb in SAFE and not path.endswith("oauth2callback"):
            assert reply.code != 403, (path, verb)
        else:
            assert reply.code == 403, (path, verb)
            in_our_form(reply, path)


async def test_denied_by_the_authorizer(
    jp_web_app: Any, caller: Caller, fake_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Nobody()
    monkeypatch.setitem(jp_web_app.settings, "authorizer", nobody)
    Nobody.asked.clear()
    for path, verb in cells(jp_web_app):
        Nobody.asked.clear()
        reply = await caller.with_token(path, verb)
        assert reply.code == 403, (path, verb)
        in_our_form(reply, path)
        changes = verb not in SAFE or path.endswith("oauth2callback")
        assert Nobody.asked == {("write" if changes else "read", "drive_sync")}, (path, verb)


async def test_allowed(jp_web_app: Any, caller: Caller, fake_child: None) -> None:
    await caller.log_in()
    for path, verb in cells(jp_web_app):
        if path.endswith("oauth2callback"):
            continue  # 403 is its answer to a forged state: tests/server/test_flow.py
        for reply in (
            await caller.with_token(path, verb),
            await caller.with_cookie(path, verb, xsrf="abcdef0123456789"),
        ):
            assert reply.code not in (403, 405), (path, verb)
            assert reply.code < 500, (path, verb, reply.body)


async def test_other_verbs_are_refused(jp_web_app: Any, caller: Caller) -> None:
    for path, verbs in served(jp_web_app).items():
        for verb in {*VERBS, "head"} - verbs:
            reply = await caller.with_token(path, verb)
            assert reply.code == 405, (path, verb)


async def test_a_foreign_page_changes_nothing(
    jp_web_app: Any, caller: Caller, fake_child: None
) -> None:
    await caller.log_in()
    for path, verb in cells(jp_web_app):
        if verb in SAFE:
            continue
        reply = await caller.send(
            path,
            verb,
            Cookie=caller.cookies,
            Origin="https://evil.example",
            Referer="https://evil.example/",
        )
        assert reply.code in (403, 404), (path, verb)


async def test_on_a_hub_only_the_owner_changes_things(
    jp_web_app: Any, caller: Caller, fake_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    for path, verb in cells(jp_web_app):
        reply = await caller.with_token(path, verb)  # a random name, not ann
        if path.endswith("oauth2callback"):
            assert (reply.code, b'"forbidden"' in reply.body) == (403, True)
        elif verb in SAFE:
            assert reply.code != 403, (path, verb)
        else:
            assert reply.code == 403, (path, verb)
            assert json.loads(reply.body)["code"] == "request.not_owner"


async def test_the_owner_on_a_hub(
    jp_serverapp: Any, caller: Caller, fake_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_server.auth import User  # noqa: PLC0415

    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    monkeypatch.setattr(
        jp_serverapp.identity_provider, "generate_anonymous_user", lambda _: User("ann")
    )
    reply = await caller.with_token("drive-sync/api/cancel", "post")
    assert reply.code == 200


async def test_what_counts_as_activity(jp_web_app: Any, caller: Caller, fake_child: None) -> None:
    for path, verb in cells(jp_web_app):
        jp_web_app.settings.pop("api_last_activity", None)
        await caller.with_token(path, verb)
        counted = "api_last_activity" in jp_web_app.settings
        clicked = verb not in SAFE and not path.endswith(("prompt", "acknowledge"))
        assert counted == clicked, (path, verb)


def test_the_table_is_whole(jp_web_app: Any, service: Service) -> None:
    described = sum(len(set(verbs) & set(VERBS)) for verbs in document()["paths"].values())
    assert len(cells(jp_web_app)) == described >= 19
