"""A person at a browser, as far as consent goes: follows redirects and fills in the one form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin
from urllib.request import Request, urlopen


class _Forms(HTMLParser):
    """The first form of a page: where it goes, what it sends, and what its boxes are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.method = "get"
        self.fields: list[tuple[str, str]] = []
        self.boxes: list[tuple[str, str]] = []
        self.radios: dict[str, list[str]] = {}
        self.buttons: dict[str, tuple[str, str]] = {}
        self._button: tuple[str, str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = found["action"]
            self.method = found.get("method", "get").lower()
        elif tag == "button":
            self._button = (found.get("name", ""), found.get("value", ""))
        elif tag == "input":
            pair = (found.get("name", ""), found.get("value", "on"))
            if found.get("type") == "checkbox":
                self.boxes.append(pair)
            elif found.get("type") == "radio":
                self.radios.setdefault(pair[0], []).append(pair[1])
            else:
                self.fields.append(pair)

    def handle_data(self, data: str) -> None:
        if self._button and data.strip():
            self.buttons[data.strip()] = self._button

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._button = None


class Person:
    """Answers consent pages.

    Also fits `webbrowser.register`, whose browsers are opened by programs that then wait: `open`
    answers in a thread of its own.

    Args:
        account: Who to be, where the page asks.
        button: What to press.
        ticks: Says which boxes to tick, by their value; all of them by default.
    """

    def __init__(
        self,
        account: str,
        button: str = "Allow",
        ticks: Callable[[str], bool] = lambda _value: True,
    ) -> None:
        self._account = account
        self._button = button
        self._ticks = ticks
        self._threads: list[threading.Thread] = []

    def open(self, url: str, *_: object, **__: object) -> bool:
        """Answer the page at an address, meanwhile."""
        thread = threading.Thread(target=self.answer, args=(url,))
        self._threads.append(thread)
        thread.start()
        return True

    def leave(self) -> None:
        """Wait until every page is answered."""
        for thread in self._threads:
            thread.join()

    def answer(self, url: str) -> tuple[str, str]:
        """Answer the page at an address; return where that led, and the page there."""
        where, page = self.visit(url)
        form = _Forms(page)
        fields = [*form.fields, *self._chosen(form)]
        if self._button in form.buttons:
            fields.append(form.buttons[self._button])
        target, sent = urljoin(where, form.action), urlencode(fields)
        if form.method == "post":
            return self.visit(target, sent.encode())
        return self.visit(f"{target}?{sent}")

    def visit(self, url: str, body: bytes | None = None) -> tuple[str, str]:
        """Follow an address to its end; return that and the page there."""
        with urlopen(Request(url, body)) as reply:  # noqa: S310 - a loopback address
            return reply.geturl(), reply.read().decode()

    def _chosen(self, form: _Forms) -> Iterable[tuple[str, str]]:
        yield from (box for box in form.boxes if self._ticks(box[1]))
        for name, values in form.radios.items():
            yield name, self._account if self._account in values else values[0]
