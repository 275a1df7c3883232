"""From consent to access tokens, and every way in which that ends."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jupyter_drive_sync.drive import oauth
from jupyter_drive_sync.drive.credentials.chain import Source, choose
from jupyter_drive_sync.drive.credentials.grant import OwnGrant
from jupyter_drive_sync.drive.device import await_device, start_device
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.exchange import Exchange
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret, SecretsStore
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    AuthExpired,
    AuthRevoked,
    BadClientFile,
    BadEndpoint,
    Busy,
    ClientGone,
    ClockWrong,
    ConsentDenied,
    ConsentTimeout,
    DriveSyncError,
    NotConnected,
    Offline,
    OrgBlocked,
    Refused,
    RunCancelled,
    ScopeMissing,
    TestingMode,
)
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.oauth_routes import read_authorization
from jupyter_drive_sync.localdrive.wire import Request
from tests.drive.ground import ANN, DRIVE_FILE, ROOT, DriveTime, LocalWire, seeded
from tests.virtual_clock import VirtualClock

REDIRECT = "http://127.0.0.1:7777/back"
DAY = 86_400


@dataclass
class Desk:
    """A client of a LocalDrive, up to the point of asking for Drive."""

    server: LocalDrive
    clock: VirtualClock
    state_dir: Path
    kind: str = "desktop"
    requests: int = 0

    def client(self) -> oauth.ClientFile:
        known = self.server.oauth.client_of_kind(self.kind)  # type: ignore[arg-type]
        content = json.dumps(self.server.oauth.client_file(known.client_id, ROOT))
        return oauth.parse_client_file(content.encode(), "client.json")

    def count(self) -> None:
        self.requests += 1

    def tokens(self) -> TokenEndpoint:
        return TokenEndpoint(
            lambda: LocalWire(self.server, self.clock),
            self.clock,
            seeded(1),
            on_request=self.count,
        )

    def exchange(self) -> Exchange:
        return Exchange(self.client(), Endpoint(ROOT), self.tokens())

    def consent(
        self,
        pkce: oauth.Pkce,
        scopes: tuple[str, ...] = (DRIVE_FILE,),
        *,
        offline: bool = True,
    ) -> Secret:
        """Be the person who presses *Allow*."""
        url = oauth.consent_url(self.client(), REDIRECT, Secret("st"), pkce.challenge)
        parts = urlsplit(url)
        request = Request.make("GET", f"{parts.path}?{parts.query}")
        asked = read_authorization(request, self.server.oauth)
        asked = replace(asked, scopes=scopes, offline=offline)
        code = self.server.oauth.consent(asked, ANN, scopes)
        assert code is not None
        return Secret(code.code)

    def connect(self) -> Grant:
        pkce = oauth.new_pkce()
        grant, access = self.exchange().redeem(self.consent(pkce), REDIRECT, pkce.verifier)
        SecretsStore(self.state_dir).keep_grant(grant, access)
        return grant

    def source(self) -> Source:
        return Source(
            Endpoint(ROOT),
            self.state_dir,
            self.client,
            self.clock,
            seeded(1),
            lambda: LocalWire(self.server, self.clock),
            self.count,
        )

    def own(self) -> OwnGrant:
        return OwnGrant(SecretsStore(self.state_dir), self.exchange(), self.state_dir)

    def knows(self, token: Secret) -> bool:
        return self.server.oauth.authenticate(token.reveal()) is not None

    def plan(self, kind: str, **more: object) -> None:
        rule = {name: more.pop(name) for name in ("times", "nth") if name in more}
        self.server.faults.add(Fault(kind, "oauth.*", parameters=more, **rule))  # type: ignore[arg-type]


@pytest.fixture
def desk(clock: VirtualClock, tmp_path: Path) -> Iterator[Desk]:
    with LocalDrive(clock=DriveTime(clock), seed=1) as server:
        yield Desk(server, clock, tmp_path)


def test_a_code_becomes_a_grant_and_a_token(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    grant, access = desk.exchange().redeem(desk.consent(pkce), REDIRECT, pkce.verifier)
    assert grant.scopes == (DRIVE_FILE,)
    assert grant.client_id == desk.client().client_id
    assert grant.obtained_at == desk.clock.wall()
    assert access.expires_at == pytest.approx(desk.clock.wall() + 3600, abs=2)
    assert desk.knows(access.token)
    assert desk.requests == 1
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


def test_other_scopes_beside_ours_are_welcome(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    code = desk.consent(pkce, (DRIVE_FILE, "openid"))
    grant, _ = desk.exchange().redeem(code, REDIRECT, pkce.verifier)
    assert set(grant.scopes) == {DRIVE_FILE, "openid"}


def test_an_unticked_drive_is_told(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    code = desk.consent(pkce, ("openid",))
    with pytest.raises(ScopeMissing):
        desk.exchange().redeem(code, REDIRECT, pkce.verifier)


def test_consent_without_a_lasting_permission_is_told(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    code = desk.consent(pkce, offline=False)
    with pytest.raises(ConsentDenied, match="lasting"):
        desk.exchange().redeem(code, REDIRECT, pkce.verifier)


def test_a_code_works_once_and_with_its_own_verifier_only(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    code = desk.consent(pkce)
    desk.exchange().redeem(code, REDIRECT, pkce.verifier)
    with pytest.raises(ConsentDenied, match="used already"):
        desk.exchange().redeem(code, REDIRECT, pkce.verifier)
    with pytest.raises(ConsentDenied):
        desk.exchange().redeem(desk.consent(pkce), REDIRECT, oauth.new_pkce().verifier)


def test_a_redirect_that_is_not_registered_is_told(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    with pytest.raises(BadClientFile, match="registered"):
        desk.exchange().redeem(desk.consent(pkce), "http://127.0.0.1:1/other", pkce.verifier)


def test_a_clients_end_is_told(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    code, exchange = desk.consent(pkce), desk.exchange()
    grant = desk.connect()
    desk.server.oauth.delete_client(desk.client().client_id)
    with pytest.raises(ClientGone, match=r"client\.json"):
        exchange.redeem(code, REDIRECT, pkce.verifier)
    with pytest.raises(ClientGone, match=r"client\.json"):
        exchange.refresh(grant)


@pytest.mark.parametrize("kind", ["refused", "503", "429", "500", "not_json", "truncated"])
def test_refreshing_is_patient(desk: Desk, kind: str) -> None:
    grant = desk.connect()
    desk.requests = 0
    desk.plan(kind, times=2)
    assert desk.knows(desk.exchange().refresh(grant).token)
    assert desk.requests == 3
    desk.server.faults.assert_all_fired()
    desk.plan(kind)
    with pytest.raises((Offline, Busy)):
        desk.exchange().refresh(grant)


@pytest.mark.parametrize("name", ["error", "error_code"])
def test_too_fast_is_no_refusal(desk: Desk, name: str) -> None:
    """Source: Google Identity guide on devices, which has the word in ``error_code``."""

    class TooFast:
        replies = 2

        def request(self, *request: Any) -> Reply:
            if self.replies:
                self.replies -= 1
                body = json.dumps({name: "rate_limit_exceeded"}).encode()
                return Reply(403, {"retry-after": "7"}, body)
            return LocalWire(desk.server, desk.clock).request(*request)

        def close(self) -> None:
            pass

    desk.connect()
    wire = TooFast()
    tokens = TokenEndpoint(lambda: wire, desk.clock, seeded(1))
    grant = SecretsStore(desk.state_dir).grant()
    assert grant is not None
    exchange = Exchange(desk.client(), Endpoint(ROOT), tokens)
    begun = desk.clock.monotonic()
    assert exchange.refresh(grant).token
    assert desk.clock.monotonic() - begun >= 14
    wire.replies = 100
    with pytest.raises(Busy):
        exchange.refresh(grant)


@pytest.mark.parametrize("word", ["invalid_request", "something_new"])
def test_what_google_does_not_take_any_more_is_no_denied_consent(desk: Desk, word: str) -> None:
    grant = desk.connect()
    desk.server.faults.add(Fault("400", "oauth.token", parameters={"reason": word}))
    with pytest.raises(AuthExpired):
        desk.exchange().refresh(grant)


def test_a_revocation_that_google_refuses_is_no_success(desk: Desk) -> None:
    grant = desk.connect()
    desk.server.faults.add(Fault("400", "oauth.revoke", parameters={"reason": "invalid_request"}))
    with pytest.raises(Refused) as caught:
        desk.exchange().revoke(grant)
    assert "invalid_request" in caught.value.sentence
    assert desk.server.oauth.grants


def test_a_lost_reply_to_a_code_ends_in_a_sentence(desk: Desk) -> None:
    pkce = oauth.new_pkce()
    desk.plan("lost", times=1)
    with pytest.raises(ConsentDenied, match="try again"):
        desk.exchange().redeem(desk.consent(pkce), REDIRECT, pkce.verifier)


@pytest.mark.parametrize(
    ("days", "error"),
    [
        (1, AuthRevoked),
        (6.4, AuthRevoked),
        (6.9, TestingMode),
        (7.1, TestingMode),
        (8, AuthRevoked),
    ],
)
def test_a_dead_grant_is_never_tried_again(desk: Desk, days: float, error: type[Exception]) -> None:
    grant = desk.connect()
    desk.requests = 0
    desk.plan("invalid_grant")
    desk.clock.advance(days * DAY)
    with pytest.raises(error):
        desk.exchange().refresh(grant)
    assert desk.requests == 1


def test_a_grant_of_an_app_in_testing_dies_of_it(desk: Desk) -> None:
    desk.server.oauth.publish(desk.client().project, "testing")
    desk.connect()
    desk.clock.advance(7 * DAY + 60)
    with pytest.raises(TestingMode, match="7 days"):
        desk.own().token()


def test_a_dead_grant_under_a_wrong_clock_is_the_clocks_fault(desk: Desk) -> None:
    grant = desk.connect()
    desk.plan("invalid_grant")
    exchange = desk.exchange()

    class Ahead(VirtualClock):
        def wall(self) -> float:
            return desk.clock.wall() + 3 * 3600

    exchange._tokens._clock = Ahead()
    with pytest.raises(ClockWrong) as caught:
        exchange.refresh(grant)
    assert caught.value.params["minutes"] == 180


def test_an_administrators_no_is_told(desk: Desk) -> None:
    grant = desk.connect()
    desk.server.oauth.block(desk.client().project, "example.edu")
    with pytest.raises(OrgBlocked):
        desk.exchange().refresh(grant)


def test_revoking_ends_the_grant_and_may_be_repeated(desk: Desk) -> None:
    grant = desk.connect()
    desk.exchange().revoke(grant)
    with pytest.raises(AuthRevoked):
        desk.exchange().refresh(grant)
    desk.exchange().revoke(grant)


def test_a_client_of_another_server_is_refused(desk: Desk) -> None:
    with pytest.raises(BadEndpoint):
        Exchange(desk.client(), Endpoint(), desk.tokens())


# The person's own grant as a source of tokens.


def test_the_token_of_the_consent_is_used_until_its_end_is_near(desk: Desk) -> None:
    desk.connect()
    desk.requests = 0
    own = desk.own()
    first = own.token()
    desk.clock.advance(3600 - 300 - 10)
    assert own.token() == first
    assert desk.requests == 0
    desk.clock.advance(20)
    second = own.token()
    assert second != first
    assert desk.knows(second)
    assert desk.requests == 1
    assert desk.own().token() == second  # the next process takes what this one left
    assert desk.requests == 1


def test_a_refused_token_is_replaced_by_one_request_for_all_threads(desk: Desk) -> None:
    desk.connect()
    own = desk.own()
    refused = own.token()
    desk.requests = 0
    threads = [threading.Thread(target=own.renew, args=(refused,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.requests == 1
    assert own.token() != refused


def test_two_processes_refresh_once(desk: Desk) -> None:
    desk.connect()
    refused = desk.own().token()
    one, two = desk.own(), desk.own()
    desk.requests = 0
    one.token()
    two.token()
    one.renew(refused)
    two.renew(refused)
    assert desk.requests == 1
    assert one.token() == two.token() != refused


def test_a_lock_that_nobody_gives_back_holds_nobody_up_for_long(desk: Desk) -> None:
    desk.connect()
    desk.clock.advance(3600)
    with (desk.state_dir / "token.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        start = desk.clock.monotonic()
        assert desk.knows(desk.own().token())
        assert desk.clock.monotonic() - start < 30


def test_no_grant_means_not_connected(desk: Desk) -> None:
    with pytest.raises(NotConnected):
        desk.own().token()
    with pytest.raises(NotConnected):
        choose("grant", desk.source())


def test_a_grant_of_another_client_is_not_shown_to_this_one(desk: Desk) -> None:
    desk.connect()
    store = SecretsStore(desk.state_dir)
    grant = store.grant()
    assert grant is not None
    store.keep_grant(replace(grant, client_id="other"))
    desk.requests = 0
    with pytest.raises(AuthExpired):
        desk.own().token()
    assert desk.requests == 0


def test_the_chain_takes_the_own_grant(desk: Desk) -> None:
    desk.connect()
    assert desk.knows(choose("grant", desk.source()).token())


# The device flow.


def decide(desk: Desk, user_code: str, allowed: tuple[str, ...] | None) -> None:
    row = desk.server.oauth.find_device(user_code)
    assert row is not None
    desk.server.oauth.decide_device(row.device_code, ANN, allowed)


def on_poll(number: int, act: Callable[[], None]) -> Callable[[], None]:
    """Act at the n-th wait."""
    polls = 0

    def waiting() -> None:
        nonlocal polls
        polls += 1
        if polls == number:
            act()

    return waiting


def test_a_code_typed_elsewhere_becomes_a_grant(desk: Desk) -> None:
    desk.kind = "tv"
    tokens = desk.tokens()
    code = start_device(desk.client(), tokens)
    assert code.verification_url == f"{ROOT}/device"
    assert code.user_code
    waiting = on_poll(3, lambda: decide(desk, code.user_code, (DRIVE_FILE,)))
    reply = await_device(desk.client(), tokens, code, waiting)
    grant, access = desk.exchange().accept(reply)
    assert grant.scopes == (DRIVE_FILE,)
    assert desk.knows(access.token)
    assert desk.clock.slept == [5.0] * 3


def test_who_asks_too_fast_asks_slower(desk: Desk) -> None:
    desk.kind = "tv"
    tokens = desk.tokens()
    code = replace(start_device(desk.client(), tokens), interval=1.0)
    waiting = on_poll(4, lambda: decide(desk, code.user_code, (DRIVE_FILE,)))
    await_device(desk.client(), tokens, code, waiting)
    assert desk.clock.slept[0] == 1.0
    assert desk.clock.slept[-1] > 5.0


def test_a_refusal_elsewhere_is_told(desk: Desk) -> None:
    desk.kind = "tv"
    tokens = desk.tokens()
    code = start_device(desk.client(), tokens)
    decide(desk, code.user_code, None)
    with pytest.raises(ConsentDenied, match="not allowed"):
        await_device(desk.client(), tokens, code)


def test_nobody_types_the_code(desk: Desk) -> None:
    desk.kind = "tv"
    tokens = desk.tokens()
    code = start_device(desk.client(), tokens)
    with pytest.raises(ConsentTimeout, match="30 minutes"):
        await_device(desk.client(), tokens, code)


def test_waiting_can_be_cancelled(desk: Desk) -> None:
    desk.kind = "tv"
    tokens = desk.tokens()

    def stop() -> None:
        raise RunCancelled

    code = start_device(desk.client(), tokens)
    with pytest.raises(RunCancelled):
        await_device(desk.client(), tokens, code, on_poll(2, stop))


def test_a_desktop_client_cannot_do_it(desk: Desk) -> None:
    with pytest.raises(BadClientFile, match="Limited Input"):
        start_device(desk.client(), desk.tokens())


# Secrets.


def test_no_token_code_or_secret_is_logged_or_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("requests_oauthlib", "oauthlib", "google", "google.auth", "googleapiclient"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        pkce = oauth.new_pkce()
        code = desk.consent(pkce)
        grant, access = desk.exchange().redeem(code, REDIRECT, pkce.verifier)
        fresh = desk.exchange().refresh(grant)
        told = []
        for fault in ("invalid_grant", "503", "lost", "not_json"):
            desk.server.faults.clear()
            desk.plan(fault)
            with pytest.raises(DriveSyncError) as caught:
                desk.exchange().refresh(grant)
            told.append(f"{caught.value!r} {getattr(caught.value, 'detail', '')}")
    finally:
        for name in ("requests_oauthlib", "oauthlib", "google", "google.auth", "googleapiclient"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    secret = desk.client().client_secret
    for canary in (code, pkce.verifier, grant.refresh_token, access.token, fresh.token, secret):
        assert canary.reveal() not in caplog.text
        assert canary.reveal() not in "".join(told)


def test_an_access_token_does_not_print() -> None:
    assert "ya29" not in repr(Access(Secret("ya29.x"), 1.0))
