"""The loopback address: one question, one answer, and a page for whatever else comes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import ConsentDenied, ConsentTimeout, DriveFull, UsageError
from jupyter_drive_sync.runner.loopback import Loopback

STATE = Secret("the-state")


class Visit:
    """A browser's visit, in a thread: it may be kept waiting."""

    def __init__(
        self, loopback: Loopback, target: str, host: str = "", method: str = "GET"
    ) -> None:
        self._netloc = urlsplit(loopback.redirect_uri).netloc
        self._host, self._target, self._method = host, target, method
        self._thread = threading.Thread(target=self._go)
        self._thread.start()

    def _go(self) -> None:
        connection = http.client.HTTPConnection(self._netloc, timeout=30)
        try:
            headers = {"Host": self._host} if self._host else {}
            connection.request(self._method, self._target, headers=headers)
            reply = connection.getresponse()
            self.status, self.headers = reply.status, dict(reply.getheaders())
            self.page = reply.read().decode()
        finally:
            connection.close()

    def end(self) -> int:
        self._thread.join()
        return self.status


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with Loopback(STATE) as waiting:
        yield waiting


def test_the_answer_arrives_and_the_browser_hears_how_it_ended() -> None:
    with Loopback(STATE) as loopback:
        visit = Visit(loopback, "/?state=the-state&code=4/abc&scope=x")
        assert loopback.wait(30) == Secret("4/abc")
        loopback.welcome("Connected as <ann>.")
    assert visit.end() == 200
    assert "Connected as &lt;ann&gt;." in visit.page
    assert "4/abc" not in visit.page
    assert visit.headers["Cache-Control"] == "no-store"
    assert visit.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in visit.headers["Content-Security-Policy"]


def refused(problem: BaseException, target: str) -> Visit:
    """Return the visit whose answer arrived before the command ended with a problem."""
    visits: list[Visit] = []

    def ask() -> None:
        with Loopback(STATE) as loopback:
            visits.append(Visit(loopback, target))
            loopback.wait(30)
            raise problem

    with pytest.raises(type(problem)):
        ask()
    return visits[0]


def test_a_refusal_is_shown_as_one() -> None:
    visit = refused(ConsentDenied(problem="never raised"), "/?state=the-state&error=access_denied")
    assert visit.end() == 400
    assert "Google Drive is not connected" in visit.page
    assert "it was not allowed on Google&#x27;s page" in visit.page


def test_a_failed_exchange_is_shown_too() -> None:
    visit = refused(DriveFull(), "/?state=the-state&code=c")
    assert visit.end() == 400
    assert "no space left" in visit.page


def test_an_interrupted_command_says_so_to_the_browser() -> None:
    visit = refused(KeyboardInterrupt(), "/?state=the-state&code=c")
    assert visit.end() == 400
    assert "It was stopped" in visit.page


@pytest.mark.parametrize(
    "target", ["/?state=forged&code=c", "/?code=c", "/?state=&code=c", "/?state=forged&error=x"]
)
def test_a_forged_answer_is_turned_away_and_the_waiting_goes_on(
    loopback: Loopback, target: str
) -> None:
    """F52."""
    forged = Visit(loopback, target)
    assert forged.end() == 403
    assert "was not asked for" in forged.page
    right = Visit(loopback, "/?state=the-state&code=right")
    assert loopback.wait(30) == Secret("right")
    loopback.welcome("")
    assert right.end() == 200


def test_an_answer_counts_once(loopback: Loopback) -> None:
    """F52, F53: a replayed state."""
    first = Visit(loopback, "/?state=the-state&code=first")
    assert loopback.wait(30) == Secret("first")
    second = Visit(loopback, "/?state=the-state&code=second")
    assert second.end() == 410
    assert loopback.wait(0) == Secret("first")
    loopback.welcome("")
    assert first.end() == 200


def test_only_our_own_name_and_path(loopback: Loopback) -> None:
    """A page elsewhere that has its name lead to 127.0.0.1 gets nothing."""
    assert Visit(loopback, "/?state=the-state&code=c", host="evil.example:80").end() == 404
    assert Visit(loopback, "/favicon.ico").end() == 404
    assert Visit(loopback, "/?state=the-state&code=c", method="POST").end() == 501


def test_nobody_answers(loopback: Loopback) -> None:
    with pytest.raises(ConsentTimeout, match="within 1 minutes"):
        loopback.wait(0.01)


def test_it_listens_at_the_loopback_alone(loopback: Loopback) -> None:
    assert loopback.redirect_uri.startswith("http://127.0.0.1:")


def test_a_port_in_use_is_named(loopback: Loopback) -> None:
    port = urlsplit(loopback.redirect_uri).port
    assert port is not None
    with pytest.raises(UsageError, match=f"Port {port} on this machine cannot be used"):
        Loopback(STATE, port=port)
