"""What each reply of Drive and each failure of the network means: the table, row by row."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any

import httplib2
import pytest
import socks

from jupyter_drive_sync import errors
from jupyter_drive_sync.drive.problems import judge_body, judge_exception, judge_reply
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.wire import Reply


def refusal(status: int, reason: str, message: str = "", **more: Any) -> Reply:
    error = {"code": status, "message": message, "errors": [{"reason": reason}], **more}
    return Reply(
        status, {"content-type": "application/json"}, json.dumps({"error": error}).encode()
    )


FINAL = [
    (403, "dailyLimitExceeded", "", errors.ProjectDailyLimit),
    (403, "uploadLimitExceeded", "", errors.DailyUploadLimit),
    (
        403,
        "userRateLimitExceeded",
        "User rate limit exceeded: the daily upload limit is reached.",
        errors.DailyUploadLimit,
    ),
    (403, "storageQuotaExceeded", "", errors.DriveFull),
    (403, "activeItemCreationLimitExceeded", "", errors.TreeLimit),
    (403, "numChildrenInNonRootLimitExceeded", "", errors.TreeLimit),
    (403, "myDriveHierarchyDepthLimitExceeded", "", errors.TreeLimit),
    (403, "teamDriveFileLimitExceeded", "", errors.TreeLimit),
    (403, "teamDriveHierarchyTooDeep", "", errors.TreeLimit),
    (403, "teamDrivesParentLimit", "", errors.TreeLimit),
    (403, "appNotAuthorizedToFile", "", errors.NotOurs),
    (403, "insufficientFilePermissions", "", errors.NotOurs),
    (403, "insufficientPermissions", "The user does not have rights.", errors.NotOurs),
    (
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        errors.ScopeMissing,
    ),
    (403, "domainPolicy", "", errors.OrgBlocked),
    (403, "admin_policy_enforced", "", errors.OrgBlocked),
    (403, "accessNotConfigured", "", errors.ApiOff),
    (404, "notFound", "", errors.Missing),
    (409, "fileIdInUse", "", errors.Exists),
    (409, "duplicate", "", errors.Exists),
    (400, "badRequest", "", errors.Refused),
    (412, "conditionNotMet", "", errors.Refused),
    (403, "somethingNew", "", errors.Refused),
]


@pytest.mark.parametrize(("status", "reason", "message", "expected"), FINAL)
def test_refusals_that_no_waiting_mends(
    status: int, reason: str, message: str, expected: type[errors.DriveSyncError]
) -> None:
    verdict = judge_reply(refusal(status, reason, message), "files.update")
    assert type(verdict.error) is expected
    assert not verdict.retry
    assert reason in verdict.error.detail


@pytest.mark.parametrize(
    ("status", "reason", "throttled"),
    [
        (403, "userRateLimitExceeded", True),
        (403, "rateLimitExceeded", True),
        (429, "rateLimitExceeded", True),
        (429, "", True),
        (500, "internalError", False),
        (502, "", False),
        (503, "backendError", False),
        (504, "", False),
        (408, "", False),
    ],
)
def test_refusals_for_now(status: int, reason: str, throttled: bool) -> None:
    verdict = judge_reply(refusal(status, reason, "User Rate Limit Exceeded"), "files.update")
    assert type(verdict.error) is errors.Busy
    assert (verdict.retry, verdict.throttled) == (True, throttled)


def test_the_newer_form_of_errors_is_read_too() -> None:
    scope = {"@type": "…ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
    reply = refusal(403, "forbidden", details=[scope])
    assert type(judge_reply(reply, "files.get").error) is errors.ScopeMissing
    off = {"@type": "…ErrorInfo", "reason": "SERVICE_DISABLED"}
    reply = refusal(403, "forbidden", details=[off])
    assert type(judge_reply(reply, "files.get").error) is errors.ApiOff


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_refused_page_token_is_told_from_a_missing_file(status: int) -> None:
    reply = refusal(status, "invalid")
    assert type(judge_reply(reply, "changes.list").error) is errors.FeedTokenRefused
    assert type(judge_reply(reply, "files.get").error) is not errors.FeedTokenRefused


def test_401_asks_for_another_token_and_ends_in_reconnecting() -> None:
    verdict = judge_reply(refusal(401, "authError"), "files.get")
    assert type(verdict.error) is errors.AuthExpired
    assert verdict.token_refused
    assert not verdict.retry


def test_401_under_a_wrong_clock_is_the_clocks_fault() -> None:
    error = judge_reply(refusal(401, "authError"), "files.get", skew=-3600).error
    assert isinstance(error, errors.ClockWrong)
    assert error.params["minutes"] == 60
    assert type(judge_reply(refusal(401, "authError"), "x", skew=299).error) is errors.AuthExpired


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_is_somebody_elses_answer(status: int) -> None:
    verdict = judge_reply(Reply(status, {"location": "http://portal/"}), "files.get")
    assert type(verdict.error) is errors.Offline
    assert verdict.retry


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(value: str, seconds: float | None) -> None:
    headers = {"retry-after": value, "date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    reply = Reply(429, headers, b"")
    assert judge_reply(reply, "files.get", now=5e9).after == seconds


def test_a_date_without_the_replys_own_is_judged_by_our_clock() -> None:
    reply = Reply(503, {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, b"")
    assert judge_reply(reply, "files.get", now=1_800_000_000.0).after == 30.0


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": 7}', b'{"error": {}}', b"null"]
)
def test_errors_without_googles_form(body: bytes) -> None:
    error = judge_reply(Reply(403, {}, body), "files.get").error
    assert isinstance(error, errors.Refused)
    assert "403" in error.sentence
    assert type(judge_reply(Reply(404, {}, body), "files.get").error) is errors.Missing


def test_a_hostile_reason_does_not_get_into_the_sentence() -> None:
    error = judge_reply(refusal(400, "\x1b[31m<script>"), "files.get").error
    assert error.sentence == errors.Refused(reason="status 400").sentence


@pytest.mark.parametrize(
    "problem",
    [
        ConnectionRefusedError(111, "Connection refused"),
        ConnectionResetError(104, "Connection reset"),
        BrokenPipeError(32, "Broken pipe"),
        TimeoutError("timed out"),
        socket.gaierror(-2, "Name or service not known"),
        httplib2.ServerNotFoundError("Unable to find the server"),
        http.client.IncompleteRead(b"", 7),
        ssl.SSLError(1, "handshake failure"),
        socks.ProxyConnectionError("refused"),
        socks.HTTPError("407: Proxy Authentication Required"),
        OSError(101, "Network is unreachable"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_no_reply_means_offline_and_is_tried_again(problem: Exception) -> None:
    verdict = judge_exception(problem, "files.get", 60)
    assert type(verdict.error) is errors.Offline
    assert verdict.retry
    assert type(problem).__name__ in verdict.error.detail


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    problem = ssl.SSLCertVerificationError(1, "certificate verify failed")
    problem.verify_code = code
    return problem


@pytest.mark.parametrize("code", [9, 10])
def test_a_certificate_from_another_time_means_a_wrong_clock(code: int) -> None:
    verdict = judge_exception(certificate_error(code), "files.get", 60)
    assert type(verdict.error) is errors.ClockWrong
    assert not verdict.retry


def test_a_stranger_with_a_certificate_of_his_own_is_not_tried_again() -> None:
    verdict = judge_exception(certificate_error(18), "files.get", 60)
    assert type(verdict.error) is errors.Offline
    assert not verdict.retry


def test_a_wrong_body_counts_as_no_reply() -> None:
    verdict = judge_body(ValueError("no id"), "files.get")
    assert type(verdict.error) is errors.Offline
    assert verdict.retry


def test_no_secret_gets_into_an_error() -> None:
    token = Secret("t0ken-of-an-unknown-form")
    said = f"{token.reveal()} ya29.abc-DEF 1//0refresh GOCSPX-secret Bearer xyz upload_id=AbC&x=1"
    error = judge_reply(refusal(400, "badRequest", said), "files.get", known=[token]).error
    shown = error.sentence + error.detail
    for secret in (token.reveal(), "ya29", "1//0", "GOCSPX", "xyz", "AbC"):
        assert secret not in shown
    problem = OSError(f"cannot send {said}")
    detail = judge_exception(problem, "files.get", 60).error.detail
    assert "ya29" not in detail
    assert "AbC" not in detail
