"""Google's error replies: status, reason and sentence of each, in the shape that Drive gives them.

Sources: Drive guide, "Resolve errors" (statuses, reasons, sentences); the shape of the envelope,
and that Drive adds `status` to failed authentication only, as measured in brekkylab/backlot pull
request 40. What was seen elsewhere names its issue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_drive_sync.localdrive.wire import Response

_UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
    "or other valid authentication credential."
)
_MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login "
    "cookie or other valid authentication credential."
)


class ApiError(Exception):
    """A call that Drive refuses.

    Attributes:
        status: The HTTP status.
        reason: Google's machine-readable reason, such as `notFound`.
        message: Google's sentence.
        domain: `global` or `usageLimits`.
        location: The parameter or header at fault, with its kind: `("fileId", "parameter")`.
        headers: Headers that the reply carries.
        grpc: The `status` word that replies to failed authentication carry.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        grpc: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.headers = dict(headers or {})
        self.grpc = grpc

    def response(self) -> Response:
        """Build the reply."""
        detail = {"message": self.message, "domain": self.domain, "reason": self.reason}
        if self.location is not None:
            detail["location"], detail["locationType"] = self.location
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "errors": [detail],
        }
        if self.grpc is not None:
            error["status"] = self.grpc
        return Response.of_json({"error": error}, self.status, self.headers)


def error_response(
    status: int, reason: str, message: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Build an error reply in Google's shape, as the fault rules want it."""
    domain = "usageLimits" if "imitExceeded" in reason else "global"
    return ApiError(status, reason, message, domain=domain, headers=headers).response()


def missing_credentials() -> ApiError:
    """No token at all.

    Source: Drive guide, "Resolve errors", 401. (An anonymous GET is measured as a 403 without a
    reason that a client can act on: brekkylab/backlot issue 223. The guide's answer is given.)
    """
    return ApiError(
        401,
        "required",
        _MISSING,
        location=("Authorization", "header"),
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
        grpc="UNAUTHENTICATED",
    )


def bad_credentials() -> ApiError:
    """A token that is unknown, expired or revoked. Source: Drive guide, "Resolve errors", 401."""
    return ApiError(
        401,
        "authError",
        _UNAUTHENTICATED,
        location=("Authorization", "header"),
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        },
        grpc="UNAUTHENTICATED",
    )


def scopes_missing() -> ApiError:
    """A token without any scope that the method takes.

    Source: Drive guide, "Resolve errors" (insufficientPermissions); the header as RFC 6750 has it.
    """
    return ApiError(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", '
            'error="insufficient_scope"'
        },
        grpc="PERMISSION_DENIED",
    )


def not_found(file_id: str) -> ApiError:
    """A file that is not there or that this caller may not know of. Source: "Resolve errors"."""
    return ApiError(
        404, "notFound", f"File not found: {file_id}.", location=("fileId", "parameter")
    )


def thing_not_found(kind: str, name: str, parameter: str) -> ApiError:
    """A revision, permission or shared drive that is not there."""
    return ApiError(
        404, "notFound", f"{kind} not found: {name}.", location=(parameter, "parameter")
    )


def invalid_parameter(name: str) -> ApiError:
    """A parameter whose value means nothing.

    Source: Drive guide, "Resolve errors" (400 invalid); `q` and `pageToken` seen as such in
    torre76/django-googledrive-storage issue 59 and brekkylab/backlot issue 337.
    """
    return ApiError(400, "invalid", "Invalid Value", location=(name, "parameter"))


def not_an_integer(name: str, text: str) -> ApiError:
    """An integer parameter that is none. Seen in brekkylab/backlot issue 337."""
    return ApiError(400, "invalid", f"Invalid value at '{name}' (TYPE_INT32), \"{text}\"")


def not_a_boolean(name: str, text: str) -> ApiError:
    """A boolean parameter that is none; shaped after `not_an_integer`."""
    return ApiError(400, "invalid", f"Invalid value at '{name}' (TYPE_BOOL), \"{text}\"")


def out_of_range(name: str, value: int, low: int, high: int) -> ApiError:
    """An integer parameter beyond its bounds. Source: drive.v3 discovery document."""
    return ApiError(
        400,
        "invalidParameter",
        f"Invalid value '{value}'. Values must be within the range: [{low}, {high}]",
        location=(name, "parameter"),
    )


def required(name: str) -> ApiError:
    """A parameter that may not be left out. Source: "Resolve errors" (400 required)."""
    return ApiError(400, "required", f"Required parameter: {name}", location=(name, "parameter"))


def bad_request(message: str, reason: str = "badRequest") -> ApiError:
    """A request that makes no sense. Source: Drive guide, "Resolve errors" (badRequest)."""
    return ApiError(400, reason, message)


def parse_error() -> ApiError:
    """A body that is no JSON object. Seen in tanaikech/FetchApp issue 2."""
    return ApiError(400, "parseError", "Parse Error")


def invalid_body(message: str) -> ApiError:
    """A JSON body of the wrong type. Shape seen in masbug/flysystem-google-drive-ext issue 104."""
    return ApiError(400, "invalid", message)


def not_writable(message: str) -> ApiError:
    """A body field that this method does not take. Source: "Resolve errors" (fieldNotWritable)."""
    return ApiError(403, "fieldNotWritable", message)


def forbidden(reason: str, message: str, location: str | None = None) -> ApiError:
    """A 403 with a reason of its own."""
    return ApiError(403, reason, message, location=(location, "parameter") if location else None)


def no_permission(file_id: str) -> ApiError:
    """The account's role on the file is too low.

    Source: "Resolve errors" (insufficientFilePermissions).
    """
    return forbidden(
        "insufficientFilePermissions",
        f"The user does not have sufficient permissions for file {file_id}.",
    )


def app_not_authorized(project: str, file_id: str, verb: str) -> ApiError:
    """The app was not given this file. Source: "Resolve errors" (appNotAuthorizedToFile)."""
    return forbidden(
        "appNotAuthorizedToFile",
        f"The user has not granted the app {project} {verb} access to the file {file_id}.",
    )


def rate_limited(seconds: int | None = None) -> ApiError:
    """The user writes too fast. Source: "Resolve errors" (403 userRateLimitExceeded)."""
    return ApiError(
        403,
        "userRateLimitExceeded",
        "User Rate Limit Exceeded. Rate of requests for user exceed configured project quota. You "
        "may consider re-evaluating expected per-user traffic to the API and adjust project quota "
        "limits accordingly.",
        domain="usageLimits",
        headers={} if seconds is None else {"Retry-After": str(seconds)},
    )


def too_many_requests(seconds: int | None = None) -> ApiError:
    """Too many requests. Source: "Resolve errors" (429 rateLimitExceeded)."""
    return ApiError(
        429,
        "rateLimitExceeded",
        "Rate Limit Exceeded",
        domain="usageLimits",
        headers={} if seconds is None else {"Retry-After": str(seconds)},
    )


def quota_exceeded() -> ApiError:
    """No room left. Source: "Resolve errors" (403 storageQuotaExceeded)."""
    return forbidden("storageQuotaExceeded", "The user's Drive storage quota has been exceeded.")


def service_account_owns_nothing() -> ApiError:
    """A service account would have to own the file.

    Source: Jumbo810/Upload_Github_Artifacts_TO_GDrive issue 22 (sentence),
    bskim45/fastlane-plugin-google_drive issue 44 (reason; what others own may be updated).
    """
    return forbidden(
        "storageQuotaExceeded",
        "Service Accounts do not have storage quota. Leverage shared drives "
        "(https://developers.google.com/workspace/drive/api/guides/about-shareddrives), or use "
        "OAuth delegation (http://support.google.com/a/answer/7281227) instead.",
    )


def no_such_page() -> Response:
    """Build the reply to a path that no API has: a page, not JSON."""
    return Response.of_text(
        "<!DOCTYPE html><title>Error 404 (Not Found)</title>"
        "<p><b>404.</b> The requested URL was not found on this server.",
        404,
    )


def wrong_method(methods: frozenset[str]) -> Response:
    """Build the reply to a path that does not take this method."""
    page = Response.of_text(
        "<!DOCTYPE html><title>Error 405 (Method Not Allowed)</title>"
        "<p><b>405.</b> The request method is inappropriate for the URL.",
        405,
    )
    return Response(405, {**page.headers, "Allow": ", ".join(sorted(methods))}, page.body)
