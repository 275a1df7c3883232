"""The path of one call through the server, and how the rooms plug in.

How things plug in
------------------
`LocalDrive` (`drive.py`) is the assembly: `LocalDrive(folder, clock=…, seed=…, settings=…)`, with
`.oauth`, `.model`, `.faults`, `.log`, `.store`, `.settings`, `.clock` and `.dispatch(request)`.
`LocalDriveServer` (`http.py`) puts it on a socket. Nothing else is needed to run it in process.

One call goes this way (`Api.dispatch`):

1. The `Router` finds the `Route`; none: Google's 404 (or 405) page.
2. `faults.arriving(call)`: a reply here is sent instead, to whoever calls.
3. `route.scopes` not empty: the bearer token is shown to `oauth.authenticate(token)`, which gives
   a `Principal` or None (401 `authError`); none of the scopes granted: 403.
4. `faults.before(call)`: a reply here is sent instead and nothing has happened.
5. Quota units and the write throttle.
6. `route.handler(call)`: the effect. Errors are raised as `replies.ApiError` and become Google's
   error JSON.
7. `faults.after(call, response)`: may replace the reply, bend its body or its `delivery`.
8. The request log gets one record.

The calls inside a batch go through 1 to 8 each, with `call.inner` true.

* Consent (`oauth.py`) offers `routes() -> Iterable[Route]` (with empty `scopes`) and
  `authenticate`; the web page (`page.py`) offers `routes()` too.
* Faults (`faults.py`) implement `routing.FaultHook`.
* What must survive a restart goes through `store.Store`: `store.put(room, key, document)`,
  `store.drop(room, key)`, `store.items(room)`; a room is a name such as `"oauth.grants"`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.account_api import AccountApi
from jupyter_drive_sync.localdrive.batch import Batches
from jupyter_drive_sync.localdrive.files_api import FilesApi
from jupyter_drive_sync.localdrive.listing import Listings
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.request_log import Record, RequestLog
from jupyter_drive_sync.localdrive.routing import (
    Authenticator,
    Call,
    FaultHook,
    Principal,
    Route,
    Router,
)
from jupyter_drive_sync.localdrive.sharing_api import SharingApi
from jupyter_drive_sync.localdrive.store import Store
from jupyter_drive_sync.localdrive.throttle import Throttle
from jupyter_drive_sync.localdrive.transfers import Transfers
from jupyter_drive_sync.localdrive.wire import BodyCutError, BodyTooLargeError, Request, Response

_LONGEST_FORM = 1 << 20
_RENDERINGS = frozenset({"json", "media"})
_DOWNLOADS = frozenset({"files.get", "revisions.get"})


class Api:
    """Sends each request to its handler.

    Args:
        model: The drives.
        store: Where sessions survive.
        oauth: Knows the tokens.
        faults: What may go wrong.
        log: Gets a record of each request.
        random: Draws the order inside batches.
    """

    def __init__(
        self,
        *,
        model: Model,
        store: Store,
        oauth: Authenticator,
        faults: FaultHook,
        log: RequestLog,
        random: Random,
    ) -> None:
        self._model = model
        self._oauth = oauth
        self._faults = faults
        self._log = log
        self._throttle = Throttle(model.settings, model.clock)
        self._batches = Batches(random, self._perform_inner)
        self.transfers = Transfers(model, store, faults)
        self.router = Router()
        self.add(FilesApi(model, Listings(model)).routes())
        self.add(self.transfers.routes())
        self.add(SharingApi(model, self.transfers).routes())
        self.add(AccountApi(model).routes())
        self.add(
            Route("POST", path, "batch", self._batches.run)
            for path in ("/batch", "/batch/drive/v3")
        )

    def add(self, routes: Iterable[Route]) -> None:
        """Take in another room's routes."""
        for route in routes:
            self.router.add(route)

    def dispatch(self, request: Request) -> Response:
        """Answer one request."""
        if self._model.settings.latency > 0:
            self._model.clock.sleep(self._model.settings.latency)
        response, record = self._perform(request, inner=False)
        self._log.add(record)
        return response

    def _perform_inner(self, request: Request) -> tuple[Response, Record]:
        return self._perform(request, inner=True)

    def _perform(self, request: Request, *, inner: bool) -> tuple[Response, Record]:
        """Answer one request, or one call inside a batch; return its record too."""
        try:
            request = _overridden(request)
        except BodyCutError:
            return Response.lost(), self._record(request, None, 0)
        except BodyTooLargeError:
            return replies.bad_request("URL too long").response(), self._record(request, None, 400)
        call = self.router.find(request)
        if call is None:
            methods = self.router.methods(request.path)
            response = replies.wrong_method(methods) if methods else replies.no_such_page()
            return response, self._record(request, None, response.status)
        call = replace(call, inner=inner)
        try:
            call, response = self._answer(call)
        except BodyCutError:
            response = Response.lost()
        return response, self._record(request, call, response.status)

    def _answer(self, call: Call) -> tuple[Call, Response]:
        """Take a call through authentication, faults and throttle to its handler and back."""
        struck = self._faults.arriving(call)
        if struck is not None:
            return call, struck
        try:
            if call.inner and not call.route.batchable:
                raise replies.bad_request("This call is not supported in a batch.")
            _check_rendering(call)
            if call.route.scopes:
                call = replace(call, principal=self._authenticate(call))
            refusal = self._faults.before(call)
            if refusal is not None:
                return call, refusal
            if call.principal is not None:
                self._throttle.admit(call.principal.account, call.principal.project, call.units)
            with self._model.lock:
                self._model.purge_trash()
            response = call.route.handler(call)
        except replies.ApiError as error:
            response = error.response()
        except BodyTooLargeError:
            response = replies.ApiError(413, "uploadTooLarge", "Request too large.").response()
        return call, self._faults.after(call, response)

    def _authenticate(self, call: Call) -> Principal:
        scheme, _, bearer = (call.request.header("authorization") or "").partition(" ")
        bearer = bearer.strip() or call.request.parameter("access_token") or ""
        if not bearer or (scheme and scheme.lower() != "bearer"):
            raise replies.missing_credentials()
        principal = self._oauth.authenticate(bearer)
        if principal is None:
            raise replies.bad_credentials()
        if not principal.scopes & call.route.scopes:
            raise replies.scopes_missing()
        with self._model.lock:
            self._model.account(principal.account)
        return principal

    def _record(self, request: Request, call: Call | None, status: int) -> Record:
        return Record(
            method=request.method,
            path=request.path,
            endpoint=call.endpoint if call else "",
            upload_type=call.upload_type if call else None,
            status=status,
            units=call.units if call else 0,
            account=call.principal.account if call and call.principal else None,
            at=self._model.clock.now(),
            inner=tuple(call.inner_records) if call else (),
        )


def _overridden(request: Request) -> Request:
    """Return a request as the one that it stands for.

    A POST to a session URI is a PUT: Google's Go client, and with it rclone, sends chunks so. A
    POST with `X-HTTP-Method-Override` is what google-api-python-client makes of a GET whose URL is
    longer than 2048 characters: the query is its body.
    """
    if request.method != "POST":
        return request
    if request.parameter("upload_id") is not None:
        return replace(request, method="PUT")
    method = request.header("x-http-method-override")
    if method is None:
        return request
    kind = (request.header("content-type") or "").partition(";")[0]
    if kind != "application/x-www-form-urlencoded":
        return replace(request, method=method.upper())
    form = request.read_all(_LONGEST_FORM).decode("latin-1")
    return Request.make(
        method,
        f"{request.path}?{form}",
        headers=request.headers,
        base_url=request.base_url,
    )


def _check_rendering(call: Call) -> None:
    """Check `alt`. Source: brekkylab/backlot issue 309, sentence included."""
    alt = call.request.parameter("alt")
    if alt is None or not call.route.scopes:
        return
    if alt not in _RENDERINGS:
        raise replies.bad_request(f'Invalid value "{alt}" for system query parameter: alt')
    if alt == "media" and call.endpoint not in _DOWNLOADS:
        raise replies.bad_request('Unsupported alt type "media" for non byte stream request.')
    if alt == "media" and call.inner:
        raise replies.bad_request("Media downloads are not supported in a batch.")
