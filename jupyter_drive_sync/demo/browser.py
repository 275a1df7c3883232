"""A browser small enough to read: follows redirects, fills in the consent form, clicks Allow."""

from __future__ import annotations

from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Final
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

_TIMEOUT: Final = 60.0


class _Form(HTMLParser):
    """Finds a page's first form, with every box ticked and every choice at its first option."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self._chosen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        if tag != "input" or "name" not in given or self.action is None:
            return
        name, kind = given["name"], given.get("type", "text")
        if kind == "radio":
            if name in self._chosen:
                return
            self._chosen.add(name)
        if kind in ("hidden", "radio", "checkbox", "text"):
            self.fields.append((name, given.get("value", "on")))


class Browser:
    """A person's browser, signed in to one account.

    Args:
        account: the account to consent with.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        # No proxy: everything that it visits is on this machine.
        self._opener: OpenerDirector = build_opener(
            ProxyHandler({}), HTTPCookieProcessor(CookieJar())
        )

    def allow(self, address: str) -> str:
        """Go to a consent page, allow everything, and follow where that leads.

        Returns:
            The page at the end.

        Raises:
            OSError: something did not answer, or refused.
        """
        with self._opener.open(address, timeout=_TIMEOUT) as page:
            form = _Form()
            form.feed(page.read().decode())
            here = page.geturl()
        fields = [
            (name, self._account if name == "account" else value) for name, value in form.fields
        ]
        body = urlencode([*fields, ("decision", "allow")]).encode()
        target = urljoin(here, form.action or "")
        with self._opener.open(target, body, timeout=_TIMEOUT) as page:
            text: str = page.read().decode()
            return text
