"""A person's browser that is logged in to Jupyter and goes to Google's consent page."""

from __future__ import annotations

import asyncio
from http.cookiejar import Cookie, CookieJar
from http.cookies import SimpleCookie
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from jupyter_drive_sync.demo.browser import Form

ANN = "ann@example.edu"


class Person:
    """Has cookies of this machine, and a login at Jupyter.

    Args:
        token: of the Jupyter server.
    """

    def __init__(self, token: str = "") -> None:
        self.jar = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.jar))
        if token:
            self._opener.addheaders = [("Authorization", f"token {token}")]

    def take_cookies(self, headers: Any) -> None:
        """Keep what a reply of Jupyter set."""
        for line in headers.get_list("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.jar.set_cookie(cookie(name, morsel.value, morsel["path"]))

    def visit(self, url: str) -> tuple[int, str]:
        """Open an address; returns status and page."""
        try:
            with self._opener.open(url, timeout=60) as page:
                return page.status, page.read().decode()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def decide(self, url: str, decision: str) -> tuple[int, str, str]:
        """Go to a consent page, answer, follow; returns status, page and last address."""
        with self._opener.open(url, timeout=60) as page:
            form = Form(page.read().decode())
            here = page.geturl()
        fields = [(name, ANN if name == "account" else value) for name, value in form.fields]
        body = urlencode([*fields, ("decision", decision)]).encode()
        try:
            with self._opener.open(urljoin(here, form.action or ""), body, timeout=60) as page:
                return page.status, page.read().decode(), page.geturl()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode(), refusal.geturl()


def cookie(name: str, value: str, path: str) -> Cookie:
    return Cookie(
        0, name, value, None, False, "127.0.0.1", False, False, path, True, False, None, False,
        None, None, {},
    )  # fmt: skip


async def in_thread(call: Any, *args: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call, *args)
