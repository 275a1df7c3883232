"""The route matrix: every route of the running application, every verb, every kind of caller."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from jupyter_server.auth import Authorizer
from jupyter_server.utils import url_path_join

from tests.server.test_contract import served

ALL_VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
CALLBACK: Final = "oauth2callback"
SAFE: Final = {"get"}
HARMLESS: Final = {"get", "head", "options"}
"""Verbs that change nothing, whether a route takes them or not; but for the callback's GET."""
XSRF: Final = "abcdef0123456789"

_FILLED: Final = {"{id}": "abc", "{run}": "1", "{name}": "course"}
_BODIES: Final = {
    "release": {"id": "abc", "choice": "keep"},
    "settings": {"time_zone": "UTC"},
    "prompt": {"action": "reset"},
    "acknowledge": {"id": "abc"},
    "versions": {"path": "a", "revision": "r", "action": "keep"},
    "storages": {"name": "new", "local": "new", "drive": "home/new", "direction": "export"},
    "validate": {"name": "new", "local": "new", "drive": "home/new", "direction": "export"},
    "course": {"local": "course", "drive": "home/course", "direction": "export"},
}
"""What makes a request of the route whole, where nothing does not."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One route and one verb.

    Attributes:
        path: below the base URL.
        verb: in small letters.
        taken: whether the route does something with it.
    """

    path: str
    verb: str
    taken: bool

    @property
    def changes(self) -> bool:
        """Whether it may change something; the callback's GET does, under its single-use state."""
        return self.verb not in HARMLESS or self.path.endswith(CALLBACK)


def cells(web_app: Any) -> list[Cell]:
    """Ask the running application for all there is."""
    return [
        Cell(path, verb, verb in verbs)
        for path, verbs in sorted(served(web_app, ALL_VERBS).items())
        for verb in ALL_VERBS
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
        for name, value in _FILLED.items():
            path = path.replace(name, value)
        body = json.dumps(_BODIES.get(path.rsplit("/", 1)[-1], {}))
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

    async def from_elsewhere(self, path: str, verb: str) -> Any:
        """Send what a page of another site makes a browser send."""
        return await self.send(
            path,
            verb,
            Cookie=self.cookies,
            Origin="https://evil.example",
            Referer="https://evil.example/",
        )


Send = Callable[[str, str], Any]
Judge = Callable[[Cell, Any], bool]


async def violations(
    web_app: Any, state: Path, send: Send, *, judge: Judge, may_change: bool = False
) -> list[str]:
    """Play a row of the matrix.

    Args:
        web_app: the running application.
        state: the state folder; nothing in it may change but by what is allowed to.
        send: sends as one kind of caller.
        judge: tells whether a reply is what such a caller must get.
        may_change: whether this caller may change something, with the verbs that do.

    Returns:
        What is wrong; nothing where all is well.
    """
    wrong: list[str] = []
    async for cell, reply, changed in _played(web_app, state, send):
        name = f"{cell.verb} {cell.path}"
        if not judge(cell, reply):
            wrong.append(f"{name}: {reply.code} {reply.body[:80]!r}")
        if changed and not (may_change and cell.taken and cell.changes):
            wrong.append(f"{name}: changed {sorted(changed)}")
        if reply.code == 403 and cell.verb != "head":
            wrong += [f"{name}: {problem}" for problem in _form(cell, reply)]
        if "evil.example" in reply.headers.get("Access-Control-Allow-Origin", ""):
            wrong.append(f"{name}: a page of another site may read it")
        if "Location" in reply.headers:
            wrong.append(f"{name}: sends elsewhere")
    return wrong


async def _played(
    web_app: Any, state: Path, send: Send
) -> AsyncIterator[tuple[Cell, Any, set[str]]]:
    for cell in cells(web_app):
        before = snapshot(state)
        reply = await send(cell.path, cell.verb)
        after = snapshot(state)
        yield cell, reply, {name for name, _ in before.items() ^ after.items()}


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Read a folder: each file with its time and content, folders by their name."""
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        name = str(path.relative_to(folder))
        status = path.lstat()
        found[name] = (
            (status.st_mtime_ns, path.read_bytes()) if path.is_file() else (status.st_mode, b"")
        )
    return found


def _form(cell: Cell, reply: Any) -> list[str]:
    """See that a refusal is said in our form."""
    if cell.path.endswith(CALLBACK):
        if not cell.taken:
            return []
        good = reply.headers["Content-Type"].startswith("text/html")
        return [] if good and "data-drive-sync" in reply.body.decode() else ["not our page"]
    try:
        said = json.loads(reply.body)
    except ValueError:
        return ["no JSON"]
    return [] if set(said) == {"code", "who", "sentence", "params"} else ["not our form"]
