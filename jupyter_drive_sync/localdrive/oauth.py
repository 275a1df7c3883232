"""Google's OAuth 2.0 as a state machine: who consented to what, and which tokens live.

No HTTP here: `oauth_routes` puts these methods behind Google's addresses. Time comes from a clock
and randomness from a seeded generator, so that a whole life of a grant (a week of testing, half a
year unused) takes no time and is the same in each run. Token values are worthless outside.

Sources: Google Identity guides "Using OAuth 2.0 to access Google APIs" (token expiration), "OAuth
2.0 for Web Server Applications", "OAuth 2.0 for iOS & Desktop Apps", "OAuth 2.0 for TV and
Limited-Input Device Applications"; RFC 6749, 7636 (PKCE), 7009 (revocation), 8628 (devices).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace

from jupyter_drive_sync.localdrive.accounts import (
    SCOPES,
    Client,
    full_scopes,
)
from jupyter_drive_sync.localdrive.clock import Clock
from jupyter_drive_sync.localdrive.directory import Directory
from jupyter_drive_sync.localdrive.grants import (
    AccessToken,
    Code,
    DeviceRequest,
    Grant,
    RefreshToken,
    Table,
    Tokens,
)
from jupyter_drive_sync.localdrive.identity import base64url, id_token
from jupyter_drive_sync.localdrive.replies import ApiError
from jupyter_drive_sync.localdrive.routing import Principal
from jupyter_drive_sync.localdrive.service_accounts import ServiceAccount
from jupyter_drive_sync.localdrive.store import Store

DAY = 86_400.0
CODE_LIFE = 600.0
ACCESS_LIFE = 3_600.0
TESTING_LIFE = 7 * DAY
UNUSED_LIFE = 182 * DAY
DEVICE_LIFE = 1_800.0
DEVICE_INTERVAL = 5.0
MAX_REFRESH_TOKENS = 100

_USER_CODE = "BCDFGHJKLMNPQRSTVWXZ"


class TokenError(Exception):
    """A refusal of the token, device or revocation endpoint.

    Args:
        error: Google's code, such as `invalid_grant`.
        description: Google's sentence, as clients see it.
        status: The HTTP status.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def to_json(self) -> dict[str, str]:
        """Return the reply's body."""
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Authorization:
    """A checked request of the authorization endpoint.

    Attributes:
        client_id: Who asks.
        redirect_uri: Where the answer goes.
        scopes: Full scopes, in the order asked.
        state: Passed through untouched; None when none was sent.
        offline: Whether `access_type=offline` was asked.
        prompts: Words of `prompt`.
        login_hint: An address or account number to take without asking.
        include_granted: Whether earlier grants join this one's tokens.
        challenge: PKCE code challenge, None when none was sent.
        challenge_method: `S256` or `plain`.
        nonce: OpenID Connect nonce.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = None
    offline: bool = False
    prompts: frozenset[str] = frozenset()
    login_hint: str | None = None
    include_granted: bool = False
    challenge: str | None = None
    challenge_method: str = "plain"
    nonce: str | None = None


class OAuth(Directory):
    """A directory, and everything that consent between its accounts and clients makes.

    Args:
        clock: Where the time comes from.
        seed: What token values are drawn from.
        store: What survives a restart.
        mark: Stands in every secret (`LocalDriveSettings.secret_mark`).
    """

    def __init__(
        self, clock: Clock, seed: int = 0, store: Store | None = None, mark: str = ""
    ) -> None:
        super().__init__(clock, seed, store, mark)
        kept = self._store
        self._grants = Table(
            kept, "oauth.grants", Grant, lambda row: _grant_key(row.account, row.project)
        )
        self._codes = Table(kept, "oauth.codes", Code, lambda row: row.code)
        self._refresh = Table(kept, "oauth.refresh", RefreshToken, lambda row: row.token)
        self._access = Table(kept, "oauth.access", AccessToken, lambda row: row.token).order(
            lambda row: row.expires_at
        )
        self._devices = Table(kept, "oauth.devices", DeviceRequest, lambda row: row.device_code)
        self._serial = max((row.serial for row in self._refresh), default=0)

    @property
    def grants(self) -> tuple[Grant, ...]:
        """All that was allowed and not revoked."""
        return tuple(self._grants)

    def end_access_tokens(self, email: str) -> None:
        """End an account's access tokens before their hour; refresh tokens stay."""
        with self._lock:
            self._access.drop_where(lambda row: row.account == email)

    def end_session(self, email: str) -> None:
        """Let the organisation's session control end everything that an account's apps hold."""
        with self._lock:
            self._access.drop_where(lambda row: row.account == email)
            self._refresh.drop_where(lambda row: row.account == email)

    # Consent.

    def granted(self, email: str, client_id: str) -> frozenset[str]:
        """Return what an account has allowed a client's project so far."""
        grant = self._grants.get(_grant_key(email, self.client(client_id).project))
        return frozenset(grant.scopes) if grant else frozenset()

    def needs_page(self, asked: Authorization, email: str) -> bool:
        """Say whether an account must see the consent page for a request.

        An account that has allowed everything before goes through at once, unless `prompt` says
        otherwise.
        """
        shown = asked.prompts & {"consent", "select_account"}
        return bool(shown) or not self.granted(email, asked.client_id).issuperset(asked.scopes)

    def refusal(self, client_id: str, email: str) -> str | None:
        """Return the code of the page that keeps an account from consenting, None if none does."""
        project = self.project(self.client(client_id).project)
        account = self.account(email)
        if account.organisation in project.blocked_by:
            return "admin_policy_enforced"
        users = project.test_users
        if project.publishing == "testing" and users is not None and email not in users:
            return "access_denied"
        return None if account.enabled else "account_disabled"

    def consent(self, asked: Authorization, email: str, allowed: Iterable[str]) -> Code | None:
        """Record what an account allowed.

        A refresh token is due when offline access was asked and the person had to decide: at the
        first consent, when a scope is new, or with `prompt=consent`. Sign-in scopes come with any
        consent.

        Args:
            asked: The request.
            email: Who decides.
            allowed: The scopes left ticked; others than those asked are ignored.

        Returns:
            The code for the redirect; None when nothing was allowed, which is a refusal.
        """
        chosen = frozenset(allowed)
        scopes = tuple(s for s in asked.scopes if s in chosen or SCOPES[s].sign_in)
        if not scopes:
            return None
        with self._lock:
            before = self.granted(email, asked.client_id)
            decided = "consent" in asked.prompts or not before.issuperset(scopes)
            self._record(email, asked.client_id, scopes)
            if asked.include_granted:
                scopes = full_scopes((*scopes, *sorted(before)))
            now = self._clock.now()
            self._codes.drop_where(lambda row: row.expires_at <= now)
            code = Code(
                code=self._secret("4/0A", 70),
                account=email,
                client_id=asked.client_id,
                redirect_uri=asked.redirect_uri,
                scopes=scopes,
                offline=asked.offline and decided,
                challenge=asked.challenge,
                challenge_method=asked.challenge_method,
                nonce=asked.nonce,
                expires_at=now + CODE_LIFE,
            )
            return self._codes.put(code)

    def grant(self, email: str, client_id: str, scopes: Iterable[str]) -> Tokens:
        """Consent without a page: what tests use that are about something else.

        Returns:
            An access token and a refresh token.

        Raises:
            KeyError: There is no such account or client.
        """
        asked = full_scopes(scopes)
        with self._lock:
            self.account(email)
            self._record(email, client_id, asked)
            return self._issue(email, self.client(client_id), asked, offline=True)

    def _record(self, email: str, client_id: str, scopes: tuple[str, ...]) -> None:
        project = self.client(client_id).project
        known = self._grants.get(_grant_key(email, project))
        since = known.since if known else self._clock.now()
        earlier = known.scopes if known else ()
        self._grants.put(Grant(email, project, full_scopes((*earlier, *scopes)), since))

    # The token endpoint.

    def authenticate_client(self, client_id: str, secret: str) -> Client:
        """Return the client that has shown its id and secret.

        Raises:
            TokenError: It is unknown, deleted, or the secret is missing or wrong.
        """
        client = self.find_client(client_id)
        if not secret:
            raise TokenError("invalid_request", "client_secret is missing.")
        if not hmac.compare_digest(secret.encode(), client.secret.encode()):
            raise TokenError("invalid_client", "The provided client secret is invalid.", 401)
        return client

    def find_client(self, client_id: str) -> Client:
        """Return a client that a program names, without its secret.

        Raises:
            TokenError: It is unknown or deleted.
        """
        if not client_id:
            raise TokenError("invalid_request", "Could not determine client ID from request.")
        client = self._clients.get(client_id)
        if client is None:
            raise TokenError("invalid_client", "The OAuth client was not found.", 401)
        if client.deleted:
            raise TokenError("deleted_client", "The OAuth client was deleted.", 401)
        return client

    def exchange(self, client: Client, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Turn an authorization code into tokens.

        A code is spent by the first exchange that proves to come from its client, even when the
        verifier is then wrong.

        Raises:
            TokenError: `invalid_grant` for a code that is unknown, spent, expired, another
                client's or lacks its verifier; `redirect_uri_mismatch`.
        """
        with self._lock:
            known = self._codes.get(code)
            if known is None or known.client_id != client.client_id:
                raise TokenError("invalid_grant", "Malformed auth code.")
            if known.redirect_uri != redirect_uri:
                raise TokenError("redirect_uri_mismatch", "Bad Request")
            self._codes.drop(code)
            if known.expires_at <= self._clock.now():
                raise TokenError("invalid_grant", "Bad Request")
            _check_verifier(known, verifier)
            self._check_account(known.account, client)
            return self._issue(
                known.account, client, known.scopes, offline=known.offline, nonce=known.nonce
            )

    def refresh(self, client: Client, token: str, scope: str = "") -> Tokens:
        """Turn a refresh token into a new access token.

        Raises:
            TokenError: `invalid_grant` when it is unknown, revoked or expired;
                `unauthorized_client` when it is another client's; `invalid_scope` when more is
                asked than it carries.
        """
        with self._lock:
            now = self._clock.now()
            row = self._refresh.get(token)
            if row is not None and row.client_id != client.client_id:
                raise TokenError("unauthorized_client", "Unauthorized", 401)
            if row is not None and _ended(row, now):
                self._refresh.drop(token)
                row = None
            if row is None:
                raise TokenError("invalid_grant", "Token has been expired or revoked.")
            self._check_account(row.account, client)
            scopes = full_scopes(scope.split()) if scope else row.scopes
            if not set(scopes) <= set(row.scopes):
                raise TokenError("invalid_scope", "Bad Request")
            self._refresh.put(replace(row, used_at=now))
            return self._issue(row.account, client, scopes, offline=True, refresh=row)

    def _check_account(self, email: str, client: Client) -> None:
        account = self.account(email)
        if not account.enabled:
            raise TokenError("invalid_grant", "Account has been deleted")
        if account.organisation in self.project(client.project).blocked_by:
            raise TokenError(
                "admin_policy_enforced",
                "The account's administrator does not allow this application.",
            )

    def _issue(
        self,
        email: str,
        client: Client,
        scopes: tuple[str, ...],
        *,
        offline: bool,
        refresh: RefreshToken | None = None,
        nonce: str | None = None,
    ) -> Tokens:
        """Make an access token and, where offline access is new, a refresh token."""
        now = self._clock.now()
        access = self._new_access(email, client.client_id, scopes, offline=offline)
        made = None
        if offline and refresh is None:
            refresh = made = self._new_refresh_token(email, client, scopes)
        end = refresh.expires_at if refresh else None
        return Tokens(
            access_token=access.token,
            expires_in=int(ACCESS_LIFE) - 1,
            scopes=scopes,
            refresh_token=made.token if made else None,
            refresh_expires_in=None if end is None else max(0, int(end - now) - 1),
            id_token=self._id_token(client, access, nonce),
        )

    def issue_to_service(
        self, service: ServiceAccount, email: str, scopes: tuple[str, ...]
    ) -> Tokens:
        """Make a token of a service account, for itself or for a person (see `assertions`)."""
        with self._lock:
            access = self._new_access(email, service.unique_id, scopes, offline=False)
        return Tokens(access.token, int(ACCESS_LIFE) - 1, scopes)

    def _new_access(
        self, email: str, client_id: str, scopes: tuple[str, ...], *, offline: bool
    ) -> AccessToken:
        now = self._clock.now()
        while (first := self._access.oldest()) is not None and first.expires_at <= now:
            self._access.drop(first.token)
        token = self._secret("ya29.c.c0" if client_id.isdigit() else "ya29.a0", 120)
        return self._access.put(
            AccessToken(token, email, client_id, scopes, offline, now + ACCESS_LIFE)
        )

    def _id_token(self, client: Client, access: AccessToken, nonce: str | None) -> str | None:
        if "openid" not in access.scopes:
            return None
        return id_token(self.account(access.account), client, access, nonce, self._clock.now())

    def _new_refresh_token(
        self, email: str, client: Client, scopes: tuple[str, ...]
    ) -> RefreshToken:
        now = self._clock.now()
        self._refresh.drop_where(lambda row: _ended(row, now))
        live = sorted(
            (r for r in self._refresh if (r.account, r.client_id) == (email, client.client_id)),
            key=lambda row: row.serial,
        )
        for row in live[: max(0, len(live) - MAX_REFRESH_TOKENS + 1)]:
            self._refresh.drop(row.token)
        self._serial += 1
        return self._refresh.put(
            RefreshToken(
                token=self._secret("1//0", 90),
                account=email,
                client_id=client.client_id,
                scopes=scopes,
                issued_at=now,
                used_at=now,
                expires_at=now + TESTING_LIFE if self._is_timed(client, scopes) else None,
                serial=self._serial,
            )
        )

    def _is_timed(self, client: Client, scopes: tuple[str, ...]) -> bool:
        """Say whether a refresh token ends by itself: in testing, unless it only signs in."""
        testing = self.project(client.project).publishing == "testing"
        return testing and not all(SCOPES[scope].sign_in for scope in scopes if scope in SCOPES)

    # Devices.

    def start_device(self, client: Client, scopes: Iterable[str]) -> DeviceRequest:
        """Give a limited-input device its codes.

        Raises:
            TokenError: The client is not of that kind, or a scope is not for devices (all of
                Drive is not; `drive.file` is).
        """
        if client.kind != "tv":
            raise TokenError("invalid_client", "Invalid client type.", 401)
        asked = full_scopes(scopes)
        if not asked:
            raise TokenError("invalid_request", "Missing required parameter: scope")
        for url in asked:
            if url not in SCOPES or not SCOPES[url].device:
                raise TokenError("invalid_scope", f"Invalid device flow scope: {url}")
        with self._lock:
            now = self._clock.now()
            self._devices.drop_where(lambda row: row.expires_at + DAY <= now)
            letters = "".join(self._random.choices(_USER_CODE, k=8))
            return self._devices.put(
                DeviceRequest(
                    device_code=self._secret("AH-1Ng", 60),
                    user_code=f"{letters[:4]}-{letters[4:]}",
                    client_id=client.client_id,
                    scopes=asked,
                    asked_at=now,
                    expires_at=now + DEVICE_LIFE,
                    interval=DEVICE_INTERVAL,
                )
            )

    def find_device(self, user_code: str) -> DeviceRequest | None:
        """Return the device that waits for a user code, however it was typed."""
        typed = "".join(letter for letter in user_code.upper() if letter.isalpha())
        now = self._clock.now()
        for row in self._devices:
            waiting = row.state == "pending" and row.expires_at > now
            if waiting and row.user_code.replace("-", "") == typed:
                return row
        return None

    def decide_device(
        self, device_code: str, email: str, allowed: Iterable[str] | None
    ) -> DeviceRequest | None:
        """Record a person's answer to a device.

        Args:
            device_code: The device's own code.
            email: Who answers.
            allowed: The scopes left ticked; None refuses.

        Returns:
            The device as it stands now; None when it no longer waits.
        """
        with self._lock:
            row = self._devices.get(device_code)
            if row is None or row.state != "pending" or row.expires_at <= self._clock.now():
                return None
            chosen = frozenset(allowed or ())
            scopes = tuple(s for s in row.scopes if s in chosen or SCOPES[s].sign_in)
            if allowed is None or not scopes:
                return self._devices.put(replace(row, state="denied"))
            self._record(email, row.client_id, scopes)
            return self._devices.put(replace(row, state="approved", account=email, scopes=scopes))

    def poll_device(self, client: Client, device_code: str) -> Tokens:
        """Answer a device that asks whether its user has decided.

        Raises:
            TokenError: `authorization_pending` (428), `slow_down` (403, and from then on five
                seconds more between polls), `access_denied` (403), `expired_token`,
                `invalid_grant` when the code is unknown or was used.
        """
        with self._lock:
            row = self._devices.get(device_code)
            if row is None or row.client_id != client.client_id:
                raise TokenError("invalid_grant", "Malformed device code.")
            now = self._clock.now()
            hasty = row.polled_at is not None and now - row.polled_at < row.interval
            row = self._devices.put(
                replace(row, polled_at=now, interval=row.interval + (5.0 if hasty else 0.0))
            )
            if row.state == "denied":
                raise TokenError("access_denied", "Forbidden", 403)
            if row.expires_at <= now:
                raise TokenError("expired_token", "The device code has expired.")
            if hasty:
                raise TokenError("slow_down", "Forbidden", 403)
            if row.state == "pending" or row.account is None:
                raise TokenError("authorization_pending", "Precondition Required", 428)
            self._devices.drop(device_code)
            self._check_account(row.account, client)
            return self._issue(row.account, client, row.scopes, offline=True)

    # Using and ending tokens.

    def authenticate(self, bearer: str) -> Principal | None:
        """Return who bears an access token, None when it is unknown, expired or revoked.

        Raises:
            ApiError: The token is good, but the project's Drive API is off (`accessNotConfigured`)
                or the account's organisation has blocked the app (`domainPolicy`). Source: Drive
                guide, "Resolve errors".
        """
        row = self.access_token(bearer)
        if row is None:
            return None
        project = self.project_of(row.client_id)
        if not project.drive_enabled:
            raise ApiError(
                403,
                "accessNotConfigured",
                f"Google Drive API has not been used in project {project.number} before or it is "
                "disabled.",
                domain="usageLimits",
            )
        if self.account(row.account).organisation in project.blocked_by:
            raise ApiError(
                403, "domainPolicy", "The domain administrators have disabled Drive apps."
            )
        return Principal(row.account, project.number, frozenset(row.scopes))

    def access_token(self, token: str) -> AccessToken | None:
        """Return a living access token, None when it is unknown, expired or revoked."""
        with self._lock:
            row = self._access.get(token)
            if row is None or row.expires_at <= self._clock.now():
                return None
            return row if self.account(row.account).enabled else None

    def seconds_left(self, row: AccessToken) -> int:
        """Return how long an access token still lives."""
        return int(row.expires_at - self._clock.now())

    def revoke(self, token: str) -> None:
        """End a token and, with it, everything that its account allowed its project.

        Raises:
            TokenError: `invalid_token`: it was dead already.
        """
        with self._lock:
            row = self._refresh.get(token)
            ended = row is None or _ended(row, self._clock.now())
            found = self.access_token(token) if ended else row
            if found is None:
                raise TokenError("invalid_token", "Token expired or revoked")
            self.remove_access(found.account, self.project_of(found.client_id).number)

    def remove_access(self, email: str, project: str) -> bool:
        """End what an account allowed a project, as the person does in their account settings.

        Returns:
            Whether there was anything to end.
        """

        def theirs(row: AccessToken | RefreshToken | Code) -> bool:
            return row.account == email and self.project_of(row.client_id).number == project

        with self._lock:
            self._access.drop_where(theirs)
            self._refresh.drop_where(theirs)
            self._codes.drop_where(theirs)
            return self._grants.drop(_grant_key(email, project)) is not None


def _grant_key(email: str, project: str) -> str:
    return f"{email} {project}"


def _ended(row: RefreshToken, now: float) -> bool:
    timed = row.expires_at is not None and row.expires_at <= now
    return timed or row.used_at + UNUSED_LIFE <= now


def _check_verifier(code: Code, verifier: str) -> None:
    """Check a PKCE verifier against the challenge sent at consent (RFC 7636, section 4.6)."""
    if code.challenge is None:
        if verifier:
            raise TokenError("invalid_grant", "code_verifier or verifier is not needed.")
        return
    if not verifier:
        raise TokenError("invalid_grant", "Missing code verifier.")
    shown = verifier
    if code.challenge_method == "S256":
        shown = base64url(hashlib.sha256(verifier.encode()).digest())
    if not hmac.compare_digest(shown.encode(), code.challenge.encode()):
        raise TokenError("invalid_grant", "Invalid code verifier.")
