"""LocalDrive's table of routes, and the path of one call through the server.

How things plug in
------------------
`LocalDrive` (`drive.py`) is the assembly: `LocalDrive(folder, clock=…, seed=…, settings=…)`, with
`.oauth`, `.model`, `.faults`, `.log`, `.store`, `.settings`, `.clock` and `.dispatch(request)`.
`LocalDriveServer` (`http.py`) puts it on a socket. Nothing else is needed to run it in process.

One call goes this way (`Api.dispatch`):

1. The `Router` finds the `Route`; none: Google's 404 (or 405) page.
2. `route.scopes` not empty: the bearer token is shown to `oauth.authenticate(token)`, which gives
   a `Principal` or None (401 `authError`); none of the scopes granted: 403.
3. `faults.before(call)`: a reply here is sent instead and nothing has happened.
4. Quota units and the write throttle.
5. `route.handler(call)`: the effect. Errors are raised as `replies.ApiError` and become Google's
   error JSON.
6. `faults.after(call, response)`: may replace the reply, bend its body or its `delivery`.
7. The request log gets one record.

The calls inside a batch go through 1 to 7 each, with `call.inner` true.

* Consent (`oauth.py`) offers `routes() -> Iterable[Route]` (with empty `scopes`) and
  `authenticate`; the web page (`page.py`) offers `routes()` too.
* Faults (`faults.py`) implement `routing.FaultHook`.
* What must survive a restart goes through `store.Store`: `store.put(room, key, document)`,
  `store.drop(room, key)`, `store.items(room)`; a room is a name such as `"oauth.grants"`.
"""
