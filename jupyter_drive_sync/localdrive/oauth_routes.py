"""Consent over HTTP: Google's addresses in front of the state machine in `oauth`.

Both the addresses in Google's discovery document and the older ones that client libraries still
carry are answered. Every answer of a person is a POST with a single-use nonce that only the page
it came from carries; a GET changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from jupyter_drive_sync.localdrive import assertions
from jupyter_drive_sync.localdrive.accounts import OUT_OF_BAND, SCOPES, Account, Client, full_scopes
from jupyter_drive_sync.localdrive.clock import Clock
from jupyter_drive_sync.localdrive.consent_page import (
    ALL_SCOPES,
    DECIDE_PATH,
    REMOVE_PATH,
    consent_page,
    device_code_page,
    permissions_page,
    refusal_page,
    told_page,
)
from jupyter_drive_sync.localdrive.grants import DeviceRequest, Tokens
from jupyter_drive_sync.localdrive.identity import ISSUER, claims_of
from jupyter_drive_sync.localdrive.oauth import Authorization, OAuth, TokenError
from jupyter_drive_sync.localdrive.routing import Call, Handler, Route
from jupyter_drive_sync.localdrive.wire import BodyTooLargeError, Request, Response

_TOKEN_PATHS = ("/token", "/oauth2/v4/token", "/o/oauth2/token")
_OLD_USER_INFO_PATHS = ("/oauth2/v2/userinfo", "/oauth2/v1/userinfo")
_FORM_LIMIT = 1 << 16
_PAGE_LIFE = 1_800.0
_MAX_TICKETS = 1_000
_NO_STORE = {
    "Cache-Control": "no-cache, no-store, max-age=0, must-revalidate",
    "Pragma": "no-cache",
}


class RefusedError(Exception):
    """A request of the authorization endpoint that ends in a page, never in a redirect.

    Args:
        code: Google's code, such as `redirect_uri_mismatch`.
        detail: What exactly is wrong.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Removal:
    """A button of the connected apps page."""

    account: str
    project: str


_Matter = Authorization | DeviceRequest | _Removal


class _Tickets:
    """Single-use nonces of pages that were shown, and what each is about."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[float, _Matter]] = OrderedDict()

    def issue(self, matter: _Matter) -> str:
        """Return a new nonce; the oldest is forgotten when there are very many."""
        ticket = secrets.token_urlsafe(24)
        self._open[ticket] = (self._clock.now() + _PAGE_LIFE, matter)
        while len(self._open) > _MAX_TICKETS:
            self._open.popitem(last=False)
        return ticket

    def redeem(self, ticket: str) -> _Matter:
        """Return what a nonce is about, once.

        Raises:
            RefusedError: It was used, is too old, or never was.
        """
        expires_at, matter = self._open.pop(ticket, (0.0, None))
        if matter is None or expires_at <= self._clock.now():
            raise RefusedError("stale_page")
        return matter


class ConsentRoutes:
    """The handlers of all addresses that have to do with consent.

    Args:
        oauth: The state machine.
        clock: Where the time comes from.
    """

    def __init__(self, oauth: OAuth, clock: Clock) -> None:
        self._oauth = oauth
        self._tickets = _Tickets(clock)
        self._assertions = assertions.Assertions(oauth, clock)

    def routes(self) -> Iterable[Route]:
        """Return the routes; none of them needs a bearer token."""
        get, post, both = ("GET",), ("POST",), ("GET", "POST")
        table: tuple[tuple[tuple[str, ...], tuple[str, ...], str, Handler], ...] = (
            (get, ("/o/oauth2/v2/auth", "/o/oauth2/auth"), "auth", _paged(self.authorize)),
            (post, (DECIDE_PATH,), "consent", _paged(self.decide)),
            (post, _TOKEN_PATHS, "token", _answered(self.token)),
            (post, ("/device/code",), "device_code", _answered(self.device_code)),
            (get, ("/device",), "device", self.device),
            (both, ("/revoke", "/o/oauth2/revoke"), "revoke", _answered(self.revoke)),
            (get, ("/permissions",), "permissions", self.permissions),
            (post, (REMOVE_PATH,), "permissions", _paged(self.remove)),
            (both, ("/tokeninfo", "/oauth2/v3/tokeninfo"), "tokeninfo", _answered(self.token_info)),
            (both, ("/v1/userinfo", "/oauth2/v3/userinfo"), "userinfo", _answered(self.user_info)),
            (get, _OLD_USER_INFO_PATHS, "userinfo", _answered(self.old_user_info)),
            (get, ("/oauth2/v1/certs",), "certs", lambda _: Response.of_json({})),
            (get, ("/oauth2/v3/certs",), "certs", lambda _: Response.of_json({"keys": []})),
            (get, ("/.well-known/openid-configuration",), "discovery", discovery),
        )
        return tuple(
            Route(method, path, f"oauth.{name}", handler)
            for methods, paths, name, handler in table
            for path in paths
            for method in methods
        )

    # Consent in a browser.

    def authorize(self, call: Call) -> Response:
        """Answer the authorization endpoint: a page, a redirect, or a refusal.

        Raises:
            RefusedError: The request is not one that may be answered by a redirect.
        """
        asked = read_authorization(call.request, self._oauth)
        candidates = self._candidates(asked)
        ready = len(candidates) == 1 and not self._oauth.needs_page(asked, candidates[0].email)
        if asked.prompts == {"none"} and not ready:
            return _redirect(asked, error="interaction_required")
        if ready:
            return self._consented(asked, candidates[0].email, asked.scopes)
        client = self._oauth.client(asked.client_id)
        only = candidates[0].email if len(candidates) == 1 else None
        ticked = self._oauth.granted(only, client.client_id) if only else ()
        project = self._oauth.project(client.project)
        return consent_page(project, asked.scopes, candidates, self._tickets.issue(asked), ticked)

    def _candidates(self, asked: Authorization) -> tuple[Account, ...]:
        """Return the accounts that may answer: the hinted one, or all that are signed in."""
        accounts = self._oauth.accounts
        if "select_account" in asked.prompts:
            return accounts
        hinted = tuple(a for a in accounts if asked.login_hint in (a.email, a.subject))
        return hinted or accounts

    def decide(self, call: Call) -> Response:
        """Answer *Allow* or *Cancel* of the consent page, for browsers and devices alike.

        Raises:
            RefusedError: The page is out of date, or the account may not consent.
        """
        form = read_form(call.request)
        matter = self._tickets.redeem(_last(form, "ticket"))
        decision, email = _last(form, "decision"), _last(form, "account")
        if isinstance(matter, _Removal) or decision not in ("allow", "deny"):
            raise RefusedError("stale_page")
        if email not in {account.email for account in self._oauth.accounts}:
            raise RefusedError("invalid_request", "There is no such account.")
        ticks = set(form.get("scope", ()))
        allowed = matter.scopes if ALL_SCOPES in ticks else tuple(ticks)
        if isinstance(matter, DeviceRequest):
            return self._decide_device(matter, email, allowed if decision == "allow" else None)
        if decision == "deny":
            return _redirect(matter, error="access_denied")
        return self._consented(matter, email, allowed)

    def _consented(self, asked: Authorization, email: str, allowed: Iterable[str]) -> Response:
        refusal = self._oauth.refusal(asked.client_id, email)
        if refusal is not None:
            raise RefusedError(refusal)
        consent = self._oauth.consent(asked, email, allowed)
        if consent is None:
            return _redirect(asked, error="access_denied")
        return _redirect(asked, code=consent.code, scope=" ".join(consent.scopes))

    # Devices.

    def device_code(self, call: Call) -> Response:
        """Give a device its codes.

        Raises:
            TokenError: Unknown client, wrong kind of client, or a scope that devices cannot have.
        """
        form = read_form(call.request)
        client = self._oauth.find_client(_last(form, "client_id"))
        row = self._oauth.start_device(client, _last(form, "scope").split())
        return Response.of_json(
            {
                "device_code": row.device_code,
                "user_code": row.user_code,
                "expires_in": int(row.expires_at - row.asked_at),
                "interval": int(row.interval),
                "verification_url": f"{call.request.base_url}/device",
            }
        )

    def device(self, call: Call) -> Response:
        """Show the page for a device's user code, then the consent page."""
        typed = call.request.parameter("user_code")
        if not typed:
            return device_code_page()
        row = self._oauth.find_device(typed)
        if row is None:
            return device_code_page("That code is not known, or is too old.", typed)
        project = self._oauth.project(self._oauth.client(row.client_id).project)
        ticket = self._tickets.issue(row)
        return consent_page(project, row.scopes, self._oauth.accounts, ticket)

    def _decide_device(
        self, row: DeviceRequest, email: str, allowed: Iterable[str] | None
    ) -> Response:
        refusal = self._oauth.refusal(row.client_id, email)
        if refusal is not None and allowed is not None:
            raise RefusedError(refusal)
        decided = self._oauth.decide_device(row.device_code, email, allowed)
        if decided is None:
            raise RefusedError("stale_page")
        if decided.state == "approved":
            return told_page("Device connected", "You may close this page.")
        return told_page("Device not connected", "Nothing was allowed. You may close this page.")

    # Connected apps.

    def permissions(self, call: Call) -> Response:
        """Show which apps an account has let in."""
        accounts = self._oauth.accounts
        wanted = call.request.parameter("account")
        account = next((a for a in accounts if a.email == wanted), accounts[0])
        apps = [
            (
                self._oauth.project(grant.project),
                grant.scopes,
                self._tickets.issue(_Removal(account.email, grant.project)),
            )
            for grant in self._oauth.grants
            if grant.account == account.email
        ]
        return permissions_page(account, accounts, apps)

    def remove(self, call: Call) -> Response:
        """End an app's access, at the press of its button.

        Raises:
            RefusedError: The page is out of date.
        """
        matter = self._tickets.redeem(_last(read_form(call.request), "ticket"))
        if not isinstance(matter, _Removal):
            raise RefusedError("stale_page")
        self._oauth.remove_access(matter.account, matter.project)
        return Response(303, {"Location": f"/permissions?account={quote(matter.account)}"})

    # What programs ask.

    def token(self, call: Call) -> Response:
        """Answer the token endpoint.

        Raises:
            TokenError: As `OAuth.exchange`, `OAuth.refresh`, `OAuth.poll_device` and
                `Assertions.redeem`; `unsupported_grant_type`.
        """
        form = read_form(call.request)
        kind = _last(form, "grant_type")
        if not kind:
            raise TokenError("invalid_request", "Required parameter is missing: grant_type")
        exchanges: Mapping[str, Callable[[Client], Tokens]] = {
            "authorization_code": lambda client: self._oauth.exchange(
                client,
                _need(form, "code"),
                _last(form, "redirect_uri"),
                _last(form, "code_verifier"),
            ),
            "refresh_token": lambda client: self._oauth.refresh(
                client, _need(form, "refresh_token"), _last(form, "scope")
            ),
            "urn:ietf:params:oauth:grant-type:device_code": lambda client: self._oauth.poll_device(
                client, _need(form, "device_code")
            ),
        }
        if kind == assertions.GRANT_TYPE:
            here = frozenset(call.request.base_url + path for path in _TOKEN_PATHS)
            tokens = self._assertions.redeem(_need(form, "assertion"), here)
            return Response.of_json(tokens.to_json(), headers=_NO_STORE)
        if kind not in exchanges:
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {kind}")
        client = self._oauth.authenticate_client(*_credentials(call.request, form))
        return Response.of_json(exchanges[kind](client).to_json(), headers=_NO_STORE)

    def revoke(self, call: Call) -> Response:
        """End a token and all that its account allowed its project.

        Raises:
            TokenError: `invalid_token`, `invalid_request`.
        """
        token = _last(read_form(call.request), "token") or call.request.parameter("token")
        if not token:
            raise TokenError("invalid_request", "Missing required parameter: token")
        self._oauth.revoke(token)
        return Response.of_json({})

    def token_info(self, call: Call) -> Response:
        """Say what an access token is good for. Numbers are strings, as Google writes them.

        Raises:
            TokenError: `invalid_token`.
        """
        form = read_form(call.request)
        token = _last(form, "access_token") or call.request.parameter("access_token") or ""
        row = self._oauth.access_token(token)
        if row is None:
            raise TokenError("invalid_token", "Invalid Value")
        info: dict[str, Any] = {
            "azp": row.client_id,
            "aud": row.client_id,
            "scope": " ".join(row.scopes),
            "exp": str(int(row.expires_at)),
            "expires_in": str(self._oauth.seconds_left(row)),
        }
        claims = dict(claims_of(self._oauth.account(row.account), row.scopes))
        if "email" in claims:
            info |= {"email": claims["email"], "email_verified": "true"}
        if "openid" in row.scopes:
            info["sub"] = claims["sub"]
        info["access_type"] = "offline" if row.offline else "online"
        return Response.of_json(info)

    def user_info(self, call: Call) -> Response:
        """Say who bears a token, in the words of OpenID Connect.

        Raises:
            TokenError: The token is dead or was not given for signing in.
        """
        return Response.of_json(self._claims(call.request))

    def old_user_info(self, call: Call) -> Response:
        """Say who bears a token, in the words of Google's older endpoints.

        Raises:
            TokenError: The token is dead or was not given for signing in.
        """
        words = {"sub": "id", "email_verified": "verified_email"}
        claims = self._claims(call.request)
        return Response.of_json({words.get(name, name): value for name, value in claims.items()})

    def _claims(self, request: Request) -> dict[str, Any]:
        kind, _, bearer = (request.header("Authorization") or "").partition(" ")
        token = bearer if kind.lower() == "bearer" else request.parameter("access_token")
        row = self._oauth.access_token((token or "").strip())
        if row is None or not any(SCOPES[s].sign_in for s in row.scopes if s in SCOPES):
            raise TokenError("invalid_request", "Invalid Credentials", 401)
        return dict(claims_of(self._oauth.account(row.account), row.scopes))


def read_authorization(request: Request, oauth: OAuth) -> Authorization:
    """Check a request of the authorization endpoint.

    Raises:
        RefusedError: Anything about it is wrong. Client and redirect address are judged first:
            before both are known to be good, nothing may be sent anywhere.
    """

    def given(name: str) -> str | None:
        return request.parameter(name) or None

    client_id, redirect_uri = given("client_id"), given("redirect_uri")
    if client_id is None:
        raise RefusedError("invalid_request", "Missing required parameter: client_id")
    if client_id not in {client.client_id for client in oauth.clients}:
        raise RefusedError("invalid_client", f"client_id={client_id}")
    client = oauth.client(client_id)
    if client.deleted:
        raise RefusedError("deleted_client", f"client_id={client_id}")
    if redirect_uri is None:
        raise RefusedError("invalid_request", "Missing required parameter: redirect_uri")
    if redirect_uri.startswith(OUT_OF_BAND) or redirect_uri == "oob":
        raise RefusedError(
            "invalid_request",
            "The out-of-band (OOB) flow has been blocked in order to keep users secure. "
            f"redirect_uri={redirect_uri}",
        )
    if not client.accepts(redirect_uri):
        raise RefusedError("redirect_uri_mismatch", f"redirect_uri={redirect_uri}")
    kind = given("response_type")
    if kind is None:
        raise RefusedError("invalid_request", "Missing required parameter: response_type")
    if kind != "code":
        raise RefusedError("unsupported_response_type", f"response_type={kind}")
    challenge, method = _read_challenge(given("code_challenge"), given("code_challenge_method"))
    return Authorization(
        client_id=client_id,
        redirect_uri=redirect_uri,
        scopes=_read_scopes(given("scope")),
        state=request.parameter("state"),
        offline=_read_word(given("access_type"), "access_type", ("online", "offline")) == "offline",
        prompts=_read_prompts(given("prompt"), given("approval_prompt")),
        login_hint=given("login_hint"),
        include_granted=given("include_granted_scopes") == "true",
        challenge=challenge,
        challenge_method=method,
        nonce=given("nonce"),
    )


def _read_scopes(text: str | None) -> tuple[str, ...]:
    scopes = full_scopes((text or "").split())
    if not scopes:
        raise RefusedError("invalid_request", "Missing required parameter: scope")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise RefusedError("invalid_scope", f"Some requested scopes were invalid. {unknown}")
    return scopes


def _read_word(value: str | None, name: str, words: tuple[str, ...]) -> str:
    """Return a parameter that must be one of some words; the first is what its absence means."""
    if value is None:
        return words[0]
    if value not in words:
        raise RefusedError("invalid_request", f"Invalid parameter value for {name}: {value}")
    return value


def _read_prompts(prompt: str | None, old: str | None) -> frozenset[str]:
    words = frozenset((prompt or "").split())
    if not words <= {"none", "consent", "select_account"} or ("none" in words and len(words) > 1):
        raise RefusedError("invalid_request", f"Invalid parameter value for prompt: {prompt}")
    return words | {"consent"} if old == "force" else words


def _read_challenge(challenge: str | None, method: str | None) -> tuple[str | None, str]:
    """Check a PKCE challenge (RFC 7636, section 4.2: 43 to 128 characters)."""
    checked = _read_word(method, "code_challenge_method", ("plain", "S256"))
    if challenge is None:
        if method is not None:
            raise RefusedError("invalid_request", "Missing required parameter: code_challenge")
    elif not 43 <= len(challenge) <= 128:
        raise RefusedError("invalid_request", "Invalid parameter value for code_challenge")
    return challenge, checked


def _redirect(asked: Authorization, **answer: str) -> Response:
    """Send the browser back to the app, with `state` as it came."""
    parts = urlsplit(asked.redirect_uri)
    state = {} if asked.state is None else {"state": asked.state}
    query = "&".join(filter(None, (parts.query, urlencode({**state, **answer}))))
    location = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    return Response(302, {"Location": location, **_NO_STORE, "Referrer-Policy": "no-referrer"})


def discovery(call: Call) -> Response:
    """Answer OpenID Connect discovery, with LocalDrive's own addresses."""
    base = call.request.base_url
    return Response.of_json(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
            "device_authorization_endpoint": f"{base}/device/code",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/v1/userinfo",
            "revocation_endpoint": f"{base}/revoke",
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "aud",
                "email",
                "email_verified",
                "exp",
                "family_name",
                "given_name",
                "iat",
                "iss",
                "name",
                "sub",
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                assertions.GRANT_TYPE,
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
        }
    )


def read_form(request: Request) -> dict[str, list[str]]:
    """Read a form from a request's body; a body of another type is an empty form.

    Raises:
        TokenError: The body is far too long.
    """
    kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        text = request.read_all(_FORM_LIMIT).decode("utf-8", "replace")
    except BodyTooLargeError:
        raise TokenError("invalid_request", "Request is too large.", 413) from None
    return parse_qs(text, keep_blank_values=True)


def _last(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1]


def _need(form: Mapping[str, list[str]], name: str) -> str:
    value = _last(form, name)
    if not value:
        raise TokenError("invalid_request", f"Missing required parameter: {name}")
    return value


def _credentials(request: Request, form: Mapping[str, list[str]]) -> tuple[str, str]:
    """Return client id and secret, from the Authorization header or else from the form."""
    kind, _, encoded = (request.header("Authorization") or "").partition(" ")
    if kind.lower() != "basic":
        return _last(form, "client_id"), _last(form, "client_secret")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError("invalid_client", "Unauthorized", 401) from None
    client_id, _, secret = text.partition(":")
    return client_id, secret


def _answered(handler: Handler) -> Handler:
    """Turn a handler's `TokenError` into Google's JSON."""

    def answer(call: Call) -> Response:
        try:
            return handler(call)
        except TokenError as error:
            return Response.of_json(error.to_json(), error.status, _NO_STORE)

    return answer


def _paged(handler: Handler) -> Handler:
    """Turn a handler's refusals into pages."""

    def answer(call: Call) -> Response:
        try:
            return handler(call)
        except RefusedError as refusal:
            return refusal_page(refusal.code, refusal.detail)
        except TokenError as error:
            return refusal_page("invalid_request", error.description)

    return answer
