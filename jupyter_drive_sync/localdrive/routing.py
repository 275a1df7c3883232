"""Routes, calls, and the two doors through which consent and faults plug in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from jupyter_drive_sync.localdrive.request_log import Record
from jupyter_drive_sync.localdrive.throttle import DOWNLOAD
from jupyter_drive_sync.localdrive.wire import Request, Response


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: an account, through a client of a Cloud project, with the scopes granted.

    Attributes:
        account: The account's e-mail address.
        project: The Cloud project of the OAuth client; `drive.file` visibility is bound to it
            (Source: Drive guide, "Choose Google Drive API scopes").
        scopes: Full scope URLs, such as `https://www.googleapis.com/auth/drive.file`.
    """

    account: str
    project: str
    scopes: frozenset[str]


class Authenticator(Protocol):
    """Turns an access token into a principal."""

    def authenticate(self, bearer: str) -> Principal | None:
        """Return who bears this token, None when it is unknown, expired or revoked."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that found its route.

    Attributes:
        request: The request.
        route: The route.
        arguments: What the route's `{name}` segments matched, percent-decoded.
        principal: Who calls; None on routes that need no token.
        inner: Whether this is one of the calls inside a batch.
        inner_records: What a batch's handler reports of its calls.
    """

    request: Request
    route: Route
    arguments: Mapping[str, str] = field(default_factory=dict)
    principal: Principal | None = None
    inner: bool = False
    inner_records: list[Record] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """The method's name in the discovery document, such as `files.create`."""
        return self.route.endpoint

    @property
    def upload_type(self) -> str | None:
        """`media`, `multipart` or `resumable` on an upload, else None."""
        return self.request.parameter("uploadType") if self.route.upload else None

    @property
    def is_download(self) -> bool:
        """Whether the content is asked for, not the metadata."""
        return self.request.parameter("alt") == "media"

    @property
    def units(self) -> int:
        """Quota units that the call costs."""
        return DOWNLOAD if self.is_download and self.route.units else self.route.units

    @property
    def caller(self) -> Principal:
        """Who calls, on a route that needs a token."""
        if self.principal is None:
            raise TypeError(f"{self.endpoint} takes calls without a token")
        return self.principal


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path, and what answers there.

    Attributes:
        method: The HTTP method.
        pattern: The path; a segment in braces matches anything but a slash.
        endpoint: The name used by the request log, the fault rules and the quota table:
            the discovery document's for Drive (`files.create`), `oauth.token` and the like
            for consent, `page.folder` and the like for the web page.
        handler: What answers.
        scopes: A token needs one of these; an empty set needs no token at all.
        units: Quota units that a call costs.
        upload: Whether the path takes media.
        batchable: Whether it may be called from within a batch.
    """

    method: str
    pattern: str
    endpoint: str
    handler: Handler
    scopes: frozenset[str] = frozenset()
    units: int = 0
    upload: bool = False
    batchable: bool = False


class FaultHook(Protocol):
    """What may go wrong, asked at four moments of every call, batches' inner calls included."""

    def arriving(self, call: Call) -> Response | None:
        """Called before authentication: what networks and front ends do to whoever calls.

        A reply given here is sent and the call has no effect (F1, F2, F18, F21).
        """

    def before(self, call: Call) -> Response | None:
        """Called after authentication, before the effect and before the body is read.

        A reply given here is sent and the call has no effect (F6-F9, F11-F17).
        """

    def after(self, call: Call, response: Response) -> Response:
        """Called when the effect is done; what it returns is sent (F3-F5, F10, F18, F19, F22)."""

    def kept(self, call: Call, received: int) -> int:
        """Return how many of the bytes received in a resumable PUT are kept (F20).

        What is returned is rounded down to the granule of 256 KiB. Only asked of a chunk that
        does not complete its upload; 0 to `received`.
        """


class NoFaults:
    """The hook under which nothing goes wrong."""

    def arriving(self, call: Call) -> Response | None:  # noqa: ARG002 - the hook's shape
        """Let the call go on."""
        return None

    def before(self, call: Call) -> Response | None:  # noqa: ARG002 - the hook's shape
        """Let the call go on."""
        return None

    def after(self, call: Call, response: Response) -> Response:  # noqa: ARG002 - the hook's shape
        """Let the reply go on."""
        return response

    def kept(self, call: Call, received: int) -> int:  # noqa: ARG002 - the hook's shape
        """Keep everything."""
        return received


class Router:
    """Finds the route of a request. Fixed segments win over `{name}` ones."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self._root: _Node = _Node()
        for route in routes:
            self.add(route)

    def add(self, route: Route) -> None:
        """Add a route; a later one with the same method and pattern replaces the earlier."""
        node = self._root
        for segment in route.pattern.strip("/").split("/"):
            if segment.startswith("{"):
                if node.any is None:
                    node.any = _Node()
                node = node.any
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.routes[route.method] = route

    def find(self, request: Request) -> Call | None:
        """Return the call for a request, None when no route fits."""
        segments = [unquote(segment) for segment in request.path.strip("/").split("/")]
        node = self._root.walk(segments, 0)
        route = node.routes.get(request.method) if node else None
        if route is None:
            return None
        names = route.pattern.strip("/").split("/")
        arguments = {
            name[1:-1]: segment
            for name, segment in zip(names, segments, strict=True)
            if name.startswith("{")
        }
        return Call(request, route, arguments)

    def methods(self, path: str) -> frozenset[str]:
        """Return the methods that a path takes, none when there is no such path."""
        node = self._root.walk([unquote(segment) for segment in path.strip("/").split("/")], 0)
        return frozenset(node.routes) if node else frozenset()


class _Node:
    """A segment of the tree of routes."""

    __slots__ = ("any", "fixed", "routes")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.routes: dict[str, Route] = {}

    def walk(self, segments: list[str], depth: int) -> _Node | None:
        """Return the node that the segments from `depth` on lead to."""
        if depth == len(segments):
            return self if self.routes else None
        exact = self.fixed.get(segments[depth])
        found = exact.walk(segments, depth + 1) if exact else None
        if found is None and self.any is not None and segments[depth]:
            found = self.any.walk(segments, depth + 1)
        return found
