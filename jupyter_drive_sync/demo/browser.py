"""A browser small enough to read: follows redirects, fills in the consent form, clicks Allow."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Final
from urllib.parse import urlencode, urljoin
from urllib.request import (
    HTTPCookieProcessor,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

_TIMEOUT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page, after all redirects.

    Attributes:
        url: where it is.
        text: what it says.
    """

    url: str
    text: str


class Form(HTMLParser):
    """A page's first form, with every box ticked and every choice at its first option.

    Args:
        text: the page, HTML.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self.onward = ""
        """Where the page leads by itself."""
        self._chosen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of what a browser would send, and of where it would go."""
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.onward = given.get("content", "").partition("url=")[2]
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

    def visit(self, address: str, form: list[tuple[str, str]] | None = None) -> Page:
        """Go to a page, or send a form there, and follow where that leads.

        Raises:
            OSError: something did not answer, or refused.
        """
        body = None if form is None else urlencode(form).encode()
        # JupyterHub tells a tab that goes somewhere from a script that asks.
        request = Request(address, body, {"Sec-Fetch-Mode": "navigate"})  # noqa: S310 - as above
        with self._opener.open(request, timeout=_TIMEOUT) as page:
            return Page(page.geturl(), page.read().decode())

    def submit(self, page: Page, **filled: str) -> Page:
        """Fill in the form of a page and press its button.

        Args:
            page: the first form on it counts.
            filled: what is typed or chosen, by the names of the fields; others are added.

        Raises:
            OSError: something did not answer, or refused.
        """
        form = Form(page.text)
        fields = [(name, filled.pop(name, value)) for name, value in form.fields]
        return self.visit(urljoin(page.url, form.action or ""), [*fields, *filled.items()])

    def onward(self, page: Page) -> Page:
        """Go where a page leads by itself.

        Raises:
            OSError: something did not answer, or refused.
        """
        return self.visit(urljoin(page.url, Form(page.text).onward))

    def decide(self, page: Page) -> Page:
        """Allow everything on a consent page, with this person's account.

        Raises:
            OSError: something did not answer, or refused.
        """
        return self.submit(page, account=self._account, decision="allow")

    def allow(self, address: str) -> str:
        """Go to a consent page, allow everything, and follow where that leads.

        Returns:
            The page at the end.

        Raises:
            OSError: something did not answer, or refused.
        """
        return self.decide(self.visit(address)).text
