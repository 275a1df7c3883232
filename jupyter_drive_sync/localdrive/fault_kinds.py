"""The kinds of faults, as data: what each does to a call, and which number the laws give it.

Sources: the shapes of error replies are `replies`'; that a refused write may have been carried out
is measured in stackoverflow question 18578768 ("403 rate limit" on insert, three of 63 done).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from jupyter_drive_sync.localdrive.replies import error_response
from jupyter_drive_sync.localdrive.routing import Call
from jupyter_drive_sync.localdrive.wire import JSON_TYPE, Delivery, Response

Parameters = Mapping[str, Any]

_CHECKSUMS = frozenset({"md5Checksum", "sha1Checksum", "sha256Checksum"})
_SWAP = str.maketrans("0123456789abcdef", "123456789abcdef0")
_PORTAL = "<!DOCTYPE html><title>Welcome</title><p>Please log in to use this network.</p>"


class Moment(enum.Enum):
    """When a fault strikes."""

    ARRIVING = "before anybody asks who calls"
    BEFORE = "before the effect"
    AFTER = "after the effect"
    KEPT = "when a chunk is kept"


def _lost(call: Call, parameters: Parameters) -> Response:  # noqa: ARG001
    return Response.lost()


def _always(response: Response) -> bool:  # noqa: ARG001 - the shape of `applies`
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        number: The fault's number in the laws, such as `F18`.
        sentence: What happens, for the command line's help.
        moment: When it strikes, unless `done` moves it behind the effect.
        parameters: Names of what it takes.
        reply: Makes the reply that is sent instead; by default there is none.
        change: Changes the true reply, for kinds that bend.
        applies: Whether a true reply that is no error can be bent so.
    """

    number: str
    sentence: str
    moment: Moment
    parameters: frozenset[str] = frozenset()
    reply: Callable[[Call, Parameters], Response] = _lost
    change: Callable[[Response, Parameters, Random], Response] | None = None
    applies: Callable[[Response], bool] = _always

    def bend(
        self, call: Call, response: Response, parameters: Parameters, random: Random
    ) -> Response:
        """Return what is sent instead of the true reply."""
        if self.change is None:
            return self.reply(call, parameters)
        return self.change(response, parameters, random)

    def keep(self, received: int, parameters: Parameters) -> int:
        """Return how many of the bytes received are kept."""
        return min(received, int(parameters.get("bytes", 0)))


def refusal(
    call: Call, status: int, reason: str, message: str, retry_after: float | None = None
) -> Response:
    """Build an error reply in the shape of the endpoint: Drive's JSON, or that of consent."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    if call.endpoint.startswith("oauth."):
        word = "internal_failure" if status >= 500 else reason
        return Response.of_json({"error": word, "error_description": message}, status, headers)
    if status == 502:
        page = f"<!DOCTYPE html><title>Error 502 (Server Error)</title><p>{message}</p>"
        reply = Response.of_text(page, 502)
        return replace(reply, headers={**reply.headers, **headers})
    return error_response(status, reason, message, headers=headers)


def _status(
    number: str,
    status: int,
    reason: str,
    message: str,
    *more: str,
    moment: Moment = Moment.BEFORE,
) -> Kind:
    def reply(call: Call, parameters: Parameters) -> Response:
        chosen = str(parameters.get("reason", reason))
        return refusal(call, status, chosen, message, parameters.get("retry_after"))

    sentence = f"{status} {reason} (`done`: after the effect)"
    return Kind(number, sentence, moment, frozenset({"done", "reason", *more}), reply)


def _outage(status: int, reason: str, message: str) -> Kind:
    """Describe an error of Google's front end, which strikes whoever calls."""
    return _status("F18", status, reason, message, "retry_after", moment=Moment.ARRIVING)


def _invalid_grant(call: Call, parameters: Parameters) -> Response:  # noqa: ARG001
    return Response.of_json(
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400
    )


def _hang(call: Call, parameters: Parameters) -> Response:  # noqa: ARG001
    return replace(
        Response.lost(),
        delivery=Delivery(delay=float(parameters.get("seconds", 30)), cut_after=-1),
    )


def _redirect(call: Call, parameters: Parameters) -> Response:
    target = str(parameters.get("to", "http://localhost:9"))
    return Response(307, {"Location": target.rstrip("/") + call.request.path})


def _cut(response: Response, parameters: Parameters, random: Random) -> Response:
    cut = int(parameters.get("bytes", random.randrange(max(1, response.size))))
    orderly = bool(parameters.get("orderly", False))
    return response.with_delivery(replace(response.delivery, cut_after=cut, reset=not orderly))


def _drip(response: Response, parameters: Parameters, random: Random) -> Response:  # noqa: ARG001
    return response.with_delivery(
        replace(
            response.delivery,
            drip=int(parameters.get("bytes", 64)),
            pause=float(parameters.get("seconds", 0.05)),
        )
    )


def _truncated(response: Response, parameters: Parameters, random: Random) -> Response:  # noqa: ARG001
    content = response.content()
    return replace(response, body=content[: random.randrange(len(content))])


def _portal(response: Response, parameters: Parameters, random: Random) -> Response:  # noqa: ARG001
    return Response.of_text(_PORTAL)


def _other_json(response: Response, parameters: Parameters, random: Random) -> Response:  # noqa: ARG001
    return Response.of_json({"kind": "localdrive#other"}, response.status)


def _wrong_checksum(response: Response, parameters: Parameters, random: Random) -> Response:  # noqa: ARG001
    bent = _bend_checksums(response.json())
    return replace(Response.of_json(bent, response.status), headers=response.headers)


def _bend_checksums(value: Any) -> Any:
    if isinstance(value, list):
        return [_bend_checksums(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each[::-1].translate(_SWAP) if name in _CHECKSUMS else _bend_checksums(each)
        for name, each in value.items()
    }


def _corrupt(response: Response, parameters: Parameters, random: Random) -> Response:  # noqa: ARG001
    content = bytearray(response.content())
    content[random.randrange(len(content))] ^= 0x20
    return replace(response, body=bytes(content))


def _has_body(response: Response) -> bool:
    return response.status < 300 and response.size > 0


def _is_json(response: Response) -> bool:
    return response.headers.get("Content-Type") == JSON_TYPE


def _has_checksum(response: Response) -> bool:
    if not _has_body(response) or not _is_json(response):
        return False
    return any(name.encode() in response.content() for name in _CHECKSUMS)


def _is_media(response: Response) -> bool:
    return _has_body(response) and not _is_json(response)


_RATE = "User Rate Limit Exceeded"
_BACKEND = "The service is currently unavailable."

KINDS: Mapping[str, Kind] = {
    "refused": Kind("F1", "the connection ends at once", Moment.ARRIVING),
    "hang": Kind(
        "F2",
        "no reply for `seconds` (30), then the connection ends",
        Moment.ARRIVING,
        frozenset({"seconds"}),
        _hang,
    ),
    "lost": Kind("F3", "done, but the reply is lost", Moment.AFTER),
    "cut": Kind(
        "F4",
        "the reply ends after `bytes` of its body (`orderly`: closed, not reset)",
        Moment.AFTER,
        frozenset({"bytes", "orderly"}),
        change=_cut,
        applies=_has_body,
    ),
    "drip": Kind(
        "F5",
        "the reply comes `bytes` (64) at a time, every `seconds` (0.05)",
        Moment.AFTER,
        frozenset({"bytes", "seconds"}),
        change=_drip,
        applies=_has_body,
    ),
    "400": _status("F6", 400, "badRequest", "Bad Request"),
    "401": _status("F7", 401, "authError", "Invalid Credentials"),
    "invalid_grant": Kind(
        "F8", "the grant is said to be gone", Moment.BEFORE, reply=_invalid_grant
    ),
    "rate": _status("F9, F10", 403, "userRateLimitExceeded", _RATE, "retry_after"),
    "storage": _status(
        "F11",
        403,
        "storageQuotaExceeded",
        "The user's Drive storage quota has been exceeded.",
    ),
    "policy": _status(
        "F12",
        403,
        "domainPolicy",
        "The domain administrators have disabled Drive apps.",
    ),
    "404": _status("F13, F20", 404, "notFound", "File not found."),
    "409": _status("F14", 409, "fileIdInUse", "A file already exists with the provided ID."),
    "page_token": _status("F15", 400, "invalid", "Invalid Value"),
    "412": _status("F16", 412, "conditionNotMet", "Precondition Failed"),
    "429": _status("F17", 429, "rateLimitExceeded", "Rate Limit Exceeded", "retry_after"),
    "500": _outage(500, "internalError", "Internal Error"),
    "502": _outage(502, "badGateway", "The server had an error."),
    "503": _outage(503, "backendError", _BACKEND),
    "504": _outage(504, "gatewayTimeout", "Gateway Timeout"),
    "truncated": Kind(
        "F19", "200 with half a body", Moment.AFTER, change=_truncated, applies=_has_body
    ),
    "not_json": Kind("F19", "200 with a portal's page", Moment.AFTER, change=_portal),
    "wrong_json": Kind(
        "F19",
        "200 with JSON of something else",
        Moment.AFTER,
        change=_other_json,
        applies=_has_body,
    ),
    "keep": Kind(
        "F20",
        "of a chunk only `bytes` (0) are kept",
        Moment.KEPT,
        frozenset({"bytes"}),
    ),
    "redirect": Kind("F21", "307 to the host `to`", Moment.ARRIVING, frozenset({"to"}), _redirect),
    "checksum": Kind(
        "F22",
        "the reply names wrong checksums",
        Moment.AFTER,
        change=_wrong_checksum,
        applies=_has_checksum,
    ),
    "corrupt": Kind(
        "F22", "a byte of a download is changed", Moment.AFTER, change=_corrupt, applies=_is_media
    ),
}
