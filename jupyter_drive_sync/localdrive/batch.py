"""Batches: up to 100 calls in one request.

Source: Drive guide, "Batch requests" (`multipart/mixed` of `application/http` parts; at most 100
calls; no media; the outer Authorization holds for calls that bring none; the order of execution is
not promised, so it is shuffled by seed; `Content-ID` comes back with `response-` before it).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from jupyter_drive_sync.localdrive import multipart, replies
from jupyter_drive_sync.localdrive.request_log import Record
from jupyter_drive_sync.localdrive.routing import Call
from jupyter_drive_sync.localdrive.wire import Request, Response

LIMIT = 100
_BODY_LIMIT = 64 << 20
_LONGEST_URL = 8000

Perform = Callable[[Request], tuple[Response, Record]]


class Batches:
    """Handles batches.

    Args:
        random: Draws the order of execution.
        perform: Carries out one inner call.
    """

    def __init__(self, random: Random, perform: Perform) -> None:
        self._random = random
        self._perform = perform

    def run(self, call: Call) -> Response:
        """Carry out a batch."""
        request = call.request
        try:
            parts = multipart.parse(request.header("content-type"), request.read_all(_BODY_LIMIT))
            inner = [(part.headers.get("content-id"), _request(request, part)) for part in parts]
        except multipart.MultipartError as error:
            raise replies.bad_request(f"Failed to parse batch request: {error}.") from None
        if not inner:
            raise replies.bad_request("The batch request contains no calls.")
        if len(inner) > LIMIT:
            raise replies.bad_request(
                f"The batch request contains {len(inner)} calls, more than the limit of {LIMIT}."
            )
        self._random.shuffle(inner)
        boundary = f"batch_{self._random.getrandbits(96):024x}"
        pieces: list[bytes] = []
        for content_id, each in inner:
            response, record = self._perform(each)
            call.inner_records.append(record)
            pieces.append(_part(boundary, content_id, response))
        pieces.append(f"--{boundary}--\r\n".encode())
        kind = f"multipart/mixed; boundary={boundary}"
        return Response(200, {"Content-Type": kind}, b"".join(pieces))


def _request(outer: Request, part: multipart.Part) -> Request:
    """Read one inner call.

    Raises:
        MultipartError: It is no HTTP request.
    """
    lines, body = multipart.split_head(part.content.lstrip(b"\r\n"))
    words = lines[0].split() if lines else []
    if len(words) not in {2, 3}:
        raise multipart.MultipartError("malformed request line")
    method, target = words[0], words[1]
    if len(target) > _LONGEST_URL:
        raise multipart.MultipartError("URL too long")
    if "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    headers = multipart.headers_of(lines[1:])
    length = headers.get("content-length")
    if length is not None and length.isdigit():
        body = body[: int(length)]
    outer_token = outer.header("authorization")
    if outer_token is not None:
        headers.setdefault("authorization", outer_token)
    return Request.make(method, target, headers=headers, body=body, base_url=outer.base_url)


def _part(boundary: str, content_id: str | None, response: Response) -> bytes:
    content = response.content()
    head = [f"--{boundary}", "Content-Type: application/http"]
    if content_id is not None:
        head.append(f"Content-ID: <response-{content_id.strip().strip('<>')}>")
    head += ["", f"HTTP/1.1 {response.status} {reason_phrase(response.status)}"]
    head += [f"{name}: {value}" for name, value in response.headers.items()]
    head += [f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(head).encode() + content + b"\r\n"


def reason_phrase(status: int) -> str:
    """Return the words that go with a status."""
    return _PHRASES.get(status, "Status")


_PHRASES = {
    200: "OK",
    204: "No Content",
    206: "Partial Content",
    308: "Resume Incomplete",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Payload Too Large",
    416: "Requested Range Not Satisfiable",
    429: "Too Many Requests",
    499: "Client Closed Request",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
