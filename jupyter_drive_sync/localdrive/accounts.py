"""Who and what may ask for consent: accounts, Cloud projects, their clients, and scopes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

ClientKind = Literal["desktop", "web", "tv"]
Publishing = Literal["testing", "production"]

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
AUTH = "https://www.googleapis.com/auth/"
DRIVE_FILE = AUTH + "drive.file"


@dataclass(frozen=True, slots=True)
class Account:
    """A person's Google account.

    Attributes:
        email: The address; what follows the `@` is the organisation, unless it is `gmail.com`.
        name: The person's name.
        subject: Google's number for the account, the `sub` of an id token.
        enabled: False once the organisation has suspended or deleted it.
    """

    email: str
    name: str
    subject: str
    enabled: bool = True

    @property
    def organisation(self) -> str | None:
        """The Workspace domain, None for a private account."""
        domain = self.email.rpartition("@")[2]
        return None if domain in ("gmail.com", "googlemail.com") else domain


@dataclass(frozen=True, slots=True)
class Project:
    """A Cloud project: what Google calls "the app" at consent.

    Attributes:
        number: The project's number, the first part of its client ids.
        project_id: Its readable id, shown in client files.
        name: The app's name on the consent page.
        publishing: `testing` makes refresh tokens die after seven days (Source: Google, "Using
            OAuth 2.0 to access Google APIs", refresh token expiration).
        test_users: Who may consent while testing; None is everybody.
        drive_enabled: Whether the Drive API is switched on in the project.
        blocked_by: Organisations whose admin has blocked the app.
    """

    number: str
    project_id: str
    name: str
    publishing: Publishing = "production"
    test_users: tuple[str, ...] | None = None
    drive_enabled: bool = True
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client of a project.

    Attributes:
        client_id: Public id.
        secret: Client secret; desktop and TV clients have one too, and must send it.
        kind: `desktop`, `web` or `tv` (limited input).
        project: The project's number.
        serial: Counts clients, so that the first of a kind is known.
        redirect_uris: Registered addresses of a web client.
        deleted: True once the client was deleted.
    """

    client_id: str
    secret: str
    kind: ClientKind
    project: str
    serial: int
    redirect_uris: tuple[str, ...] = ()
    deleted: bool = False

    def accepts(self, redirect_uri: str) -> bool:
        """Say whether a consent may end at this address.

        Web clients match character by character; desktop clients may use any port of the
        loopback interface. Source: Google, "OAuth 2.0 for Web Server Applications" and "OAuth 2.0
        for iOS & Desktop Apps".
        """
        if self.kind == "web":
            return redirect_uri in self.redirect_uris
        return self.kind == "desktop" and is_loopback(redirect_uri)

    def console_file(self, base_url: str, project_id: str) -> dict[str, dict[str, Any]]:
        """Return the client file as Google's console offers it, with our own addresses.

        Args:
            base_url: Scheme, host and port of LocalDrive.
            project_id: The project's readable id.
        """
        body: dict[str, Any] = {
            "client_id": self.client_id,
            "project_id": project_id,
            "auth_uri": f"{base_url}/o/oauth2/auth",
            "token_uri": f"{base_url}/token",
            "auth_provider_x509_cert_url": f"{base_url}/oauth2/v1/certs",
            "client_secret": self.secret,
        }
        if self.kind == "web":
            body["redirect_uris"] = list(self.redirect_uris)
        elif self.kind == "desktop":
            body["redirect_uris"] = ["http://localhost"]
        return {"web" if self.kind == "web" else "installed": body}


def is_loopback(uri: str) -> bool:
    """Say whether a redirect address is plain http at `127.0.0.1`, `[::1]` or `localhost`."""
    try:
        parts = urlsplit(uri)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = parts.scheme == "http" and not parts.fragment and "@" not in parts.netloc
    return plain and port_fits and parts.hostname in ("127.0.0.1", "::1", "localhost")


def check_registrable(uri: str) -> None:
    """Check an address that a web client is to be registered with.

    Raises:
        ValueError: Google's console would refuse it: plain http beyond the loopback, a fragment,
            a wildcard, a bare IP address, a user name, or no absolute address at all.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    local = host in ("localhost", "127.0.0.1", "::1")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"redirect address {uri!r} is not an absolute http(s) address")
    if parts.scheme == "http" and not local:
        raise ValueError(f"redirect address {uri!r} must use https")
    if parts.fragment or "#" in uri or "*" in uri or "@" in parts.netloc or ".." in parts.path:
        raise ValueError(f"redirect address {uri!r} has a fragment, wildcard, user name or '..'")
    if not local and _is_address(host):
        raise ValueError(f"redirect address {uri!r} names a bare IP address")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Scope:
    """What an app may ask for.

    Attributes:
        url: The scope as tokens carry it.
        sentence: What it lets an app do, in words for the consent page.
        sign_in: Whether it only tells who the person is: granted with *Allow*, never ticked.
        restricted: Whether Google makes unverified apps warn.
        device: Whether a limited-input device may ask for it.
    """

    url: str
    sentence: str
    sign_in: bool = False
    restricted: bool = False
    device: bool = False


SCOPES = {
    scope.url: scope
    for scope in (
        Scope("openid", "Know who you are on Google", sign_in=True, device=True),
        Scope(AUTH + "userinfo.email", "See your e-mail address", sign_in=True, device=True),
        Scope(AUTH + "userinfo.profile", "See your name and picture", sign_in=True, device=True),
        Scope(
            DRIVE_FILE,
            "See, edit, create and delete only those Drive files that you use with this app",
            device=True,
        ),
        Scope(AUTH + "drive.appdata", "Keep its own settings in your Drive", device=True),
        Scope(AUTH + "drive.appfolder", "Keep its own settings in your Drive", device=True),
        Scope(AUTH + "drive", "See, edit, create and delete all your Drive files", restricted=True),
        Scope(AUTH + "drive.readonly", "See and download all your Drive files", restricted=True),
        Scope(
            AUTH + "drive.metadata",
            "See and change the details, but not the content, of all your Drive files",
            restricted=True,
        ),
        Scope(
            AUTH + "drive.metadata.readonly",
            "See the details, but not the content, of all your Drive files",
            restricted=True,
        ),
        Scope(
            AUTH + "drive.meet.readonly",
            "See and download Drive files made or edited by Google Meet",
            restricted=True,
        ),
        Scope(AUTH + "drive.photos.readonly", "See your Google Photos", restricted=True),
        Scope(AUTH + "drive.scripts", "Change how your Apps Scripts behave", restricted=True),
        Scope(AUTH + "drive.apps.readonly", "See your Drive apps"),
        Scope(AUTH + "cloud-platform", "See and change your Google Cloud data"),
    )
}
_SHORT = {"email": AUTH + "userinfo.email", "profile": AUTH + "userinfo.profile"}


def full_scopes(words: Iterable[str]) -> tuple[str, ...]:
    """Write scopes as Google's token replies do: in the order asked, each once, never short."""
    return tuple(dict.fromkeys(_SHORT.get(word, word) for word in words))
