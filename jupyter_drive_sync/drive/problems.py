"""From what Drive or the network said to what it means: the only reader of Google's errors.

Source: Drive guide, "Resolve errors"; the reasons of structural limits: Drive guide, "File and
folder limits in My Drive"; of blocked apps: Workspace admin help, "Control which apps access data".
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import httplib2

from jupyter_drive_sync.drive.pace import retry_after
from jupyter_drive_sync.drive.secrets import Secret, redact
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    ApiOff,
    AuthExpired,
    Busy,
    ClockWrong,
    DailyUploadLimit,
    DriveFull,
    DriveSyncError,
    Exists,
    FeedTokenRefused,
    Missing,
    NotOurs,
    Offline,
    OrgBlocked,
    ProjectDailyLimit,
    Refused,
    ScopeMissing,
    TreeLimit,
)

CLOCK_TOLERANCE: Final = 300.0
"""Seconds by which this machine may be off before a refusal is put down to its clock."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means.

    Attributes:
        error: what is raised when it is not, or no longer, tried again.
        retry: whether the same request may succeed a little later.
        throttled: whether Drive wants fewer requests.
        after: seconds that Drive asked us to wait.
        token_refused: whether a fresh access token may help.
    """

    error: DriveSyncError
    retry: bool = False
    throttled: bool = False
    after: float | None = None
    token_refused: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """Google's error JSON, taken apart."""

    reason: str
    message: str
    others: frozenset[str]
    """Reasons of ``details`` (the newer form), and the ``status``."""


_RATE: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded"})
_DAILY_UPLOAD: Final = re.compile(
    r"upload limit|daily upload|uploads? .{0,40}(per day|today)", re.IGNORECASE
)
_TREE_LIMITS: Final = frozenset(
    {
        "activeItemCreationLimitExceeded",
        "numChildrenInNonRootLimitExceeded",
        "myDriveHierarchyDepthLimitExceeded",
    }
)
_SHARED_DRIVE_LIMIT: Final = re.compile(r"teamDrive\w*(Limit|TooDeep)\w*")
_NOT_OURS: Final = frozenset(
    {
        "appNotAuthorizedToFile",
        "insufficientFilePermissions",
        "insufficientParentPermissions",
        "insufficientPermissions",
    }
)
_BY_REASON: Final[dict[str, type[DriveSyncError]]] = {
    "dailyLimitExceeded": ProjectDailyLimit,
    "uploadLimitExceeded": DailyUploadLimit,
    "storageQuotaExceeded": DriveFull,
    "domainPolicy": OrgBlocked,
    "admin_policy_enforced": OrgBlocked,
    "access_not_configured": OrgBlocked,
    "accessNotConfigured": ApiOff,
    **dict.fromkeys(_TREE_LIMITS, TreeLimit),
    **dict.fromkeys(_NOT_OURS, NotOurs),
}
_BY_STATUS: Final[dict[int, type[DriveSyncError]]] = {404: Missing, 409: Exists}
_SCOPE_REASONS: Final = frozenset({"ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_NETWORK_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httplib2.ServerNotFoundError, "Google's server is not known to this network"),
    (socket.gaierror, "Google's server is not known to this network"),
    (ConnectionRefusedError, "the connection was refused"),
    (ssl.SSLCertVerificationError, "the other side could not prove that it is Google"),
    (ssl.SSLError, "the secure connection failed"),
    (httplib2.ProxiesUnavailableError, "the proxy cannot be used"),
    (ConnectionError, "the connection was cut"),
    (http.client.HTTPException, "the connection was cut"),
)
_FEED: Final = "changes.list"
_IMPOSTOR: Final = "something on the network answers in Google's place"


def judge_reply(
    reply: Reply,
    endpoint: str,
    *,
    now: float = 0.0,
    skew: float = 0.0,
    known: Iterable[Secret] = (),
) -> Verdict:
    """Say what a reply means that is no success.

    Args:
        reply: the reply, of any status that the caller did not expect.
        endpoint: the method's name in the discovery document, such as ``files.create``.
        now: our clock, seconds since the epoch; for ``Retry-After``.
        skew: seconds by which our clock is ahead of Google's.
        known: secrets that must not appear in the error's detail.
    """
    said = _said(reply)
    detail = redact(f"{endpoint}: {reply.status} {said.reason} {said.message}".strip(), known)
    after = retry_after(reply.headers.get("retry-after"), reply.headers.get("date"), now)
    status = reply.status
    if said.reason == "userRateLimitExceeded" and _DAILY_UPLOAD.search(said.message):
        return Verdict(DailyUploadLimit(detail=detail))
    throttled = status == 429 or (status == 403 and said.reason in _RATE)
    if throttled or status >= 500 or status == 408:
        return Verdict(Busy(detail=detail), retry=True, throttled=throttled, after=after)
    if status == 401:
        refused = clock_error(skew, detail) or AuthExpired(detail=detail)
        return Verdict(refused, token_refused=True)
    if status < 400:
        # Drive's calls do not redirect: somebody in between answers (a login page of the network).
        # The token must not go there, so the redirect is not followed.
        return Verdict(Offline(problem=_IMPOSTOR, detail=detail), retry=True)
    feed_token = endpoint == _FEED and status in (400, 404, 410)
    return Verdict(FeedTokenRefused(detail=detail) if feed_token else _final(status, said, detail))


def judge_exception(problem: Exception, endpoint: str, timeout: float = 60.0) -> Verdict:
    """Say what it means that no whole reply came.

    Args:
        problem: what the wire raised.
        endpoint: as in :func:`judge_reply`.
        timeout: seconds that the wire waits for a byte.
    """
    detail = redact(f"{endpoint}: {type(problem).__name__}: {problem}")
    if isinstance(problem, ssl.SSLCertVerificationError) and problem.verify_code in (9, 10):
        # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED: by how much is not told.
        return Verdict(ClockWrong(minutes="many", detail=detail))
    return Verdict(
        Offline(problem=_network_words(problem, timeout), detail=detail),
        retry=not isinstance(problem, ssl.SSLCertVerificationError),
    )


def judge_body(problem: ValueError, endpoint: str) -> Verdict:
    """Say what a success with a body that makes no sense means: no success, and tried again."""
    detail = redact(f"{endpoint}: unreadable reply: {problem}")
    return Verdict(Offline(problem=_IMPOSTOR, detail=detail), retry=True)


def clock_error(skew: float, detail: str = "") -> ClockWrong | None:
    """Return the error of a clock that is off by too much, None for a good one.

    Args:
        skew: seconds, ours minus Google's.
        detail: what was refused because of it.
    """
    if abs(skew) <= CLOCK_TOLERANCE:
        return None
    return ClockWrong(minutes=round(abs(skew) / 60), detail=detail)


def _final(status: int, said: _Said, detail: str) -> DriveSyncError:
    """Choose the error of a refusal that no waiting mends."""
    if said.others & _SCOPE_REASONS or (
        said.reason == "insufficientPermissions" and "scope" in said.message.lower()
    ):
        return ScopeMissing(detail=detail)
    if "SERVICE_DISABLED" in said.others:
        return ApiOff(detail=detail)
    for reason in (said.reason, *sorted(said.others)):
        if _SHARED_DRIVE_LIMIT.fullmatch(reason):
            return TreeLimit(detail=detail)
        if reason in _BY_REASON:
            return _BY_REASON[reason](detail=detail)
    if status in _BY_STATUS:
        return _BY_STATUS[status](detail=detail)
    return Refused(reason=plain(said.reason) or f"status {status}", detail=detail)


def _said(reply: Reply) -> _Said:
    """Read Google's error JSON; whatever else came counts as no reason at all."""
    try:
        error: Any = reply.json()["error"]
        if isinstance(error, str):  # the form of the token endpoint
            return _Said(error, "", frozenset())
        first = (error.get("errors") or [{}])[0]
        details = error.get("details") or []
        others = {str(item.get("reason")) for item in details if item.get("reason")}
        others.add(str(error.get("status", "")))
        return _Said(
            str(first.get("reason", "")),
            str(error.get("message") or first.get("message") or ""),
            frozenset(others),
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return _Said("", "", frozenset())


def plain(reason: str) -> str:
    """Let a reason into a sentence only if it looks like one of Google's words."""
    return reason if re.fullmatch(r"[A-Za-z_.]{1,60}", reason) else ""


def _network_words(problem: Exception, timeout: float) -> str:
    if type(problem).__module__ == "socks":
        return "the proxy does not let us through"
    if isinstance(problem, TimeoutError):
        return f"there was no answer within {timeout:g} seconds"
    for kind, words in _NETWORK_WORDS:
        if isinstance(problem, kind):
            return words
    return "there is no way to reach it"
