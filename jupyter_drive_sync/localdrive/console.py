"""The console: what admins do at Google's own pages and no API here does.

A page with a form for each: make a service account's key file, delegate an organisation's people to
it, share a thing by link, make a shared drive. Each answer is a POST with a single-use nonce that
only the page carries, and like the page of files it answers at names of this machine alone. A key
can also be put at an address that nobody guesses, as people do whose program fetches its key.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from jupyter_drive_sync.localdrive.accounts import AUTH
from jupyter_drive_sync.localdrive.document import Markup, document, element
from jupyter_drive_sync.localdrive.google_hosts import is_google, is_loopback_host
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.oauth import OAuth, TokenError
from jupyter_drive_sync.localdrive.oauth_routes import read_form
from jupyter_drive_sync.localdrive.objects import ROLES
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.wire import Response

PATH = "/console"
_SCOPES = ("drive.readonly", "drive", "drive.file")
_MOST_NONCES = 1_000


class RefusedError(Exception):
    """A form cannot be carried out; the sentence says why."""


class Console:
    """The console's handlers.

    Args:
        model: The drives.
        oauth: The accounts.
    """

    def __init__(self, model: Model, oauth: OAuth) -> None:
        self._model = model
        self._oauth = oauth
        self._nonces: dict[str, None] = {}
        self._published: dict[str, bytes] = {}

    def routes(self) -> Iterable[Route]:
        """Return the routes."""
        yield Route("GET", PATH, "page.console", self._guarded(lambda _call: self.show()))
        yield Route("GET", "/keys/{word}/service_account.json", "page.key", self.key)
        forms: Mapping[str, Callable[[Mapping[str, str], str], Response]] = {
            "key": self._make_key,
            "delegate": self._delegate,
            "share": self._share,
            "drive": self._make_drive,
        }
        for name, act in forms.items():
            yield Route("POST", f"{PATH}/{name}", "page.console", self._guarded(self._form(act)))

    def publish(self, key: Mapping[str, Any] | bytes) -> str:
        """Put a key file (or whatever else) at an address; return its path."""
        word = secrets.token_urlsafe(24)
        self._published[word] = key if isinstance(key, bytes) else json.dumps(key).encode()
        return f"/keys/{word}/service_account.json"

    def key(self, call: Call) -> Response:
        """Give a key that was published."""
        content = self._published.get(call.arguments["word"])
        if content is None:
            return Response.of_text("There is nothing here.", 404, "text/plain")
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return Response(200, {**headers, "Content-Length": str(len(content))}, content)

    def show(self, problem: str = "") -> Response:
        """Show the console, and what was wrong with the last form."""
        services = [each.email for each in self._oauth.services.all]
        people = [each.email for each in self._oauth.accounts]
        drives = sorted(each.name for each in self._model.drives.values())
        domains = sorted({each.organisation for each in self._oauth.accounts if each.organisation})
        return document(
            "Console",
            element("h1", "Console"),
            element("p", problem, class_="note bad") if problem else None,
            element("h2", "Service accounts"),
            _list(services, "There is none yet."),
            self._ask(
                "key",
                "Make a key file",
                element("p", "Its account is made if there is none of that name."),
                _text("name", "Name", "course-reader"),
            ),
            element("h2", "Domain-wide delegation"),
            _list(
                [
                    f"{each.client_id} in {each.organisation}: {' '.join(each.scopes)}"
                    for each in self._oauth.services.delegations
                ],
                "Nothing is delegated.",
            ),
            self._ask(
                "delegate",
                "Delegate",
                _choice("email", "Service account", services),
                _choice("organisation", "Organisation", domains),
                _choice("scope", "Scope", [AUTH + each for each in _SCOPES]),
            )
            if services
            else None,
            element("h2", "Sharing by link"),
            self._ask(
                "share",
                "Share",
                _text("id", "Id of the file or folder", ""),
                _choice("role", "Whoever has the link is", ["reader", "commenter", "writer"]),
                _choice("key", "With a resource key", ["no", "yes"]),
            ),
            element("h2", "Shared drives"),
            _list(drives, "There is none yet."),
            self._ask(
                "drive",
                "Make a shared drive",
                _text("name", "Name", "Course"),
                _choice("organizer", "Organizer", people),
                _choice("member", "Another member", ["", *people, *services]),
                _choice("role", "Whose role is", list(ROLES[:-1])),
            ),
            status=400 if problem else 200,
        )

    # Forms.

    def _make_key(self, form: Mapping[str, str], base_url: str) -> Response:
        account = self._oauth.add_service_account(form["name"])
        content = json.dumps(self._oauth.service_account_file(account.email, base_url), indent=2)
        return Response(
            200,
            {
                "Content-Type": "application/json",
                "Content-Disposition": 'attachment; filename="service_account.json"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            },
            content.encode(),
        )

    def _delegate(self, form: Mapping[str, str], _base_url: str) -> Response:
        self._oauth.services.delegate(form["email"], form["organisation"], [form["scope"]])
        return _back()

    def _share(self, form: Mapping[str, str], _base_url: str) -> Response:
        self._model.share_by_link(form["id"].strip(), form["role"], with_key=form["key"] == "yes")
        return _back()

    def _make_drive(self, form: Mapping[str, str], _base_url: str) -> Response:
        members = {form["member"]: form["role"]} if form["member"] else {}
        members[form["organizer"]] = "organizer"
        self._model.make_drive(form["name"].strip() or "Shared drive", members)
        return _back()

    # What they are made of.

    def _form(
        self, act: Callable[[Mapping[str, str], str], Response]
    ) -> Callable[[Call], Response]:
        def answer(call: Call) -> Response:
            try:
                form = {name: values[-1] for name, values in read_form(call.request).items()}
                if self._nonces.pop(form.get("nonce", ""), "") is not None:
                    raise RefusedError("This page is out of date, or was answered before.")
                return act(form, call.request.base_url)
            except KeyError as missing:
                return self.show(f"There is no {missing.args[0]}.")
            except (ValueError, RefusedError) as problem:
                return self.show(f"{problem}")
            except TokenError as problem:
                return self.show(problem.description)

        return answer

    def _guarded(self, handler: Callable[[Call], Response]) -> Callable[[Call], Response]:
        """Answer only at names of this machine or of Google, under the model's lock."""

        def answer(call: Call) -> Response:
            host = urlsplit(call.request.base_url).hostname or ""
            if not (is_loopback_host(host) or is_google(host)):
                return Response.of_text("This page is for this machine only.", 403, "text/plain")
            with self._model.lock:
                return handler(call)

        return answer

    def _ask(self, name: str, action: str, *inputs: Markup) -> Markup:
        nonce = secrets.token_urlsafe(24)
        self._nonces[nonce] = None
        while len(self._nonces) > _MOST_NONCES:
            self._nonces.pop(next(iter(self._nonces)))
        return element(
            "form",
            element("input", type="hidden", name="nonce", value=nonce),
            *inputs,
            element("button", action, type="submit", class_="act"),
            method="post",
            action=f"{PATH}/{name}",
        )


def _back() -> Response:
    return Response(303, {"Location": PATH})


def _list(items: Iterable[str], none: str) -> Markup:
    lines = [element("li", each) for each in items]
    return element("ul", *lines) if lines else element("p", none, class_="soft")


def _text(name: str, label: str, value: str) -> Markup:
    field = element("input", name=name, value=value, required=True)
    return element("p", element("label", f"{label} ", field))


def _choice(name: str, label: str, options: Iterable[str]) -> Markup:
    field = element("select", *(element("option", each, value=each) for each in options), name=name)
    return element("p", element("label", f"{label} ", field))
