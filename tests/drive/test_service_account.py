"""Service accounts: where a key may come from, what it may be instead, and what it signs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from google.auth import jwt

from jupyter_drive_sync.drive.connection import HttpWire
from jupyter_drive_sync.drive.credentials.chain import Source, choose
from jupyter_drive_sync.drive.credentials.service_account import (
    KEY_LIMIT,
    ServiceAccount,
    load_key,
    told,
)
from jupyter_drive_sync.drive.denied import (
    BadServiceKey,
    KeyUnreachable,
    NotDelegated,
    ScopeTooNarrow,
    ServiceRefused,
)
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.oauth import (
    DRIVE,
    DRIVE_FILE,
    DRIVE_READONLY,
    parse_client_file,
    require_scopes,
)
from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore, redact
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    Busy,
    ClockWrong,
    DriveSyncError,
    Offline,
    OrgBlocked,
)
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from tests.drive.ground import ANN, ROOT, DriveTime, LocalWire, seeded
from tests.virtual_clock import VirtualClock

HERE = Endpoint(ROOT)
ADDRESS = f"{ROOT}/keys/x/service_account.json"


@dataclass
class Bench:
    """A LocalDrive with a service account, and its key file."""

    server: LocalDrive
    clock: VirtualClock
    key: dict[str, Any]
    path: Path

    @property
    def email(self) -> str:
        return str(self.key["client_email"])

    def wire(self) -> LocalWire:
        return LocalWire(self.server, self.clock)

    def endpoint(self) -> TokenEndpoint:
        return TokenEndpoint(self.wire, self.clock, seeded(1))

    def account(self, *scopes: str, subject: str = "") -> ServiceAccount:
        key = load_key(str(self.path), HERE, self.wire)
        wanted = scopes or (DRIVE_READONLY,)
        return ServiceAccount(key, wanted, HERE, self.endpoint(), subject)

    def who(self, token: Secret) -> tuple[str, frozenset[str]]:
        found = self.server.oauth.authenticate(token.reveal())
        assert found is not None
        return found.account, found.scopes


@pytest.fixture
def bench(clock: VirtualClock, tmp_path: Path) -> Iterator[Bench]:
    with LocalDrive(clock=DriveTime(clock), seed=1) as server:
        account = server.oauth.add_service_account("course-reader")
        key = server.oauth.service_account_file(account.email, ROOT)
        path = tmp_path / "key.json"
        path.write_text(json.dumps(key))
        yield Bench(server, clock, key, path)


@dataclass
class Web:
    """A wire that answers by address, or fails."""

    replies: Mapping[str, Reply | Exception] = field(default_factory=dict)
    sent: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    closed: int = 0

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        assert body is None
        self.sent.append((method, uri, dict(headers)))
        reply = self.replies[uri]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        self.closed += 1


def no_wire() -> Any:
    raise AssertionError("no connection is needed")


# -- tokens ---------------------------------------------------------------------------------------


def test_a_token_for_itself_with_the_scope_of_its_use(bench: Bench) -> None:
    account = bench.account()
    token = account.token()
    assert bench.who(token) == (bench.email, {DRIVE_READONLY})
    assert account.token() == token
    assert bench.server.log.token_count() == 1
    account.renew(Secret("another"))
    assert account.token() == token
    account.renew(token)
    assert account.token() != token
    bench.clock.advance(3600 - 299)
    newest = account.token()
    assert bench.server.log.token_count() == 3
    assert bench.who(newest)[0] == bench.email


def test_in_the_name_of_a_person(bench: Bench) -> None:
    account = bench.account(DRIVE, subject=ANN)
    with pytest.raises(NotDelegated) as caught:
        account.token()
    said = caught.value.sentence
    assert all(word in said for word in (bench.email, ANN, str(bench.key["client_id"]), DRIVE))
    bench.server.oauth.services.delegate(bench.email, "example.edu", [DRIVE])
    assert bench.who(account.token()) == (ANN, {DRIVE})
    with pytest.raises(NotDelegated):
        bench.account(subject="ann").token()


def test_what_ends_it(bench: Bench) -> None:
    services = bench.server.oauth.services
    services.enable(bench.email, on=False)
    with pytest.raises(ServiceRefused, match="disabled or deleted") as caught:
        bench.account().token()
    assert caught.value.who == "admin"
    assert bench.email in caught.value.sentence
    services.enable(bench.email, on=True)
    services.delegate(bench.email, "example.edu", [DRIVE_READONLY])
    with pytest.raises(ServiceRefused, match="no such person"):
        bench.account(subject="nobody@example.edu").token()
    with pytest.raises(ServiceRefused, match="invalid_scope"):
        bench.account("https://www.googleapis.com/auth/nonsense").token()
    services.delete_key(bench.key["private_key_id"])
    with pytest.raises(ServiceRefused, match="this key was deleted"):
        bench.account().token()


def test_a_wrong_clock_is_told_as_such(bench: Bench) -> None:
    key = load_key(str(bench.path), HERE, no_wire)
    ahead = TokenEndpoint(bench.wire, Shifted(bench.clock), seeded(1))
    with pytest.raises(ClockWrong, match="1440 minutes"):
        ServiceAccount(key, (DRIVE_READONLY,), HERE, ahead).token()


class Shifted(VirtualClock):
    """A clock that is a day ahead."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock.wall() + 86_400)


@pytest.mark.parametrize(
    ("kind", "error"), [("503", Busy), ("not_json", Offline), ("redirect", Offline)]
)
def test_the_network(bench: Bench, kind: str, error: type[Exception]) -> None:
    bench.server.faults.add(Fault(kind, "oauth.token", times=1))
    assert bench.who(bench.account().token())[0] == bench.email
    bench.server.faults.assert_all_fired()
    bench.server.faults.clear()
    bench.server.faults.add(Fault(kind, "oauth.token"))
    with pytest.raises(error):
        bench.account().token()


def test_no_network(bench: Bench) -> None:
    web = Web({f"{ROOT}/token": ConnectionRefusedError()})
    tokens = TokenEndpoint(lambda: Posts(web), bench.clock, seeded(1))
    key = load_key(str(bench.path), HERE, no_wire)
    with pytest.raises(Offline):
        ServiceAccount(key, (DRIVE,), HERE, tokens).token()


class Posts:
    """A wire whose requests carry bodies."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], _body: bytes | None
    ) -> Reply:
        return self._web.request(method, uri, headers, None)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("word", "said", "error"),
    [
        ("access_denied", "Requested client not authorized", OrgBlocked),
        ("unauthorized_client", "Client is unauthorized", NotDelegated),
        ("invalid_grant", "Something that nobody has met", ServiceRefused),
        ("<b>", "", ServiceRefused),
    ],
)
def test_other_refusals(bench: Bench, word: str, said: str, error: type[DriveSyncError]) -> None:
    body = json.dumps({"error": word, "error_description": said}).encode()
    web = Web({f"{ROOT}/token": Reply(400, {}, body)})
    tokens = TokenEndpoint(lambda: Posts(web), bench.clock, seeded(1))
    key = load_key(str(bench.path), HERE, no_wire)
    with pytest.raises(error) as caught:
        ServiceAccount(key, (DRIVE,), HERE, tokens).token()
    assert "<" not in caught.value.sentence


def test_an_assertion_for_another_server_is_of_no_use_at_google(bench: Bench) -> None:
    sent: list[bytes] = []

    class Listening(LocalWire):
        def request(self, method: str, uri: str, headers: Any, body: bytes | None) -> Reply:
            sent.append(body or b"")
            return super().request(method, uri, headers, body)

    tokens = TokenEndpoint(lambda: Listening(bench.server, bench.clock), bench.clock, seeded(1))
    key = load_key(str(bench.path), HERE, no_wire)
    ServiceAccount(key, (DRIVE_READONLY,), HERE, tokens).token()
    assertion = parse_qs(sent[0].decode())["assertion"][0]
    assert jwt.decode(assertion, verify=False)["aud"] == f"{ROOT}/token"


# -- keys -----------------------------------------------------------------------------------------

OAUTH_CLIENT = {"installed": {"client_id": "1", "client_secret": "s"}}


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda key: {each: value for each, value in key.items() if each != name}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"[" * 30_000, "it is not JSON"),
        (b"[]", "it is JSON, but no key"),
        (b"<!DOCTYPE html>", "it is a web page, not a key"),
        (b" " * KEY_LIMIT + b"{}", "it is larger than 64 KB"),
        (OAUTH_CLIENT, "it is an OAuth client's file"),
        ({"web": {}}, "it is an OAuth client's file"),
        ({"type": "authorized_user"}, "it holds a person's own permission"),
        ({"type": "external_account"}, "workload identity"),
        ({"type": "impersonated_service_account"}, "borrows"),
        ({}, "it is not a service account's key"),
        ({"type": ["x"]}, "it is not a service account's key"),
        ({"type": "service_account"}, "it lacks client_email, private_key, client_id, token_uri"),
        (without("private_key"), "it lacks private_key"),
        (without("token_uri"), "it lacks token_uri"),
        (lambda key: {**key, "client_email": "a\nb"}, "it lacks client_email"),
        (lambda key: {**key, "client_id": 5}, "it lacks client_id"),
        (lambda key: {**key, "private_key": "x"}, "its private key cannot be read"),
        (
            lambda key: {**key, "private_key": key["private_key"].replace("M", "N")},
            "its private key cannot be read",
        ),
        (lambda key: {**key, "universe_domain": "other.test"}, "another Google cloud"),
        (lambda key: {**key, "token_uri": "https://evil.test/token"}, "its token_uri is not at"),
        (lambda key: {**key, "token_uri": "http://[x"}, "its token_uri is not at"),
    ],
)
def test_what_is_no_key(bench: Bench, content: Any, problem: str) -> None:
    made = content(bench.key) if callable(content) else content
    bench.path.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
    with pytest.raises(BadServiceKey) as caught:
        load_key(str(bench.path), HERE, no_wire)
    assert problem in caught.value.sentence
    assert str(bench.path) in caught.value.sentence
    assert caught.value.exit_code == 2
    assert "PRIVATE" not in caught.value.sentence + caught.value.detail


def test_files_that_cannot_be_read(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(BadServiceKey, match="there is no such file"):
        load_key(str(tmp_path / "none.json"), HERE, no_wire)
    with pytest.raises(BadServiceKey, match="directory"):
        load_key(str(tmp_path), HERE, no_wire)


def test_the_home_may_be_a_tilde(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bench.path.parent))
    assert load_key(f"~/{bench.path.name}", HERE, no_wire).email == bench.email


def test_keys_stay_with_their_server(bench: Bench) -> None:
    with pytest.raises(BadServiceKey, match="not at Google"):
        load_key(str(bench.path), Endpoint(), no_wire)
    google = {**bench.key, "token_uri": "https://oauth2.googleapis.com/token"}
    bench.path.write_text(json.dumps(google))
    with pytest.raises(BadServiceKey, match="DRIVE_SYNC_API_ENDPOINT"):
        load_key(str(bench.path), HERE, no_wire)
    key = load_key(str(bench.path), Endpoint(), no_wire)
    with pytest.raises(BadServiceKey):
        ServiceAccount(key, (DRIVE,), HERE, bench.endpoint())


def test_a_key_does_not_print(bench: Bench) -> None:
    key = load_key(str(bench.path), HERE, no_wire)
    secret = bench.key["private_key"]
    assert secret not in f"{key} {key!r} {vars}"
    assert "PRIVATE" not in repr(key)
    for text in (f"x {secret} y", f"x {secret[:200]}", "x eyJhbGciOiJS.eyJpc3MiOiJ4.c2ln y"):
        assert redact(text).startswith("x …")
    assert redact("grant_type=x&assertion=abc") == "grant_type=x&…"


# -- addresses ------------------------------------------------------------------------------------


def fetch(web: Web, address: str = "https://keys.test/key", endpoint: Endpoint = HERE) -> Any:
    return load_key(address, endpoint, lambda: web)


def test_a_key_from_an_address(bench: Bench) -> None:
    raw = json.dumps(bench.key).encode()
    address = "https://keys.test/a/key.json?signature=s3cret#part"
    web = Web({address: Reply(200, {}, raw)})
    key = fetch(web, address)
    assert (key.email, key.source) == (bench.email, "https://keys.test/a/key.json")
    ((method, _, headers),) = web.sent
    assert method == "GET"
    assert headers["accept-encoding"] == "identity"
    assert "authorization" not in headers
    assert web.closed == 1
    path = bench.server.console.publish(bench.key)
    assert load_key(f"{ROOT}{path}", HERE, bench.wire).email == bench.email


@pytest.mark.parametrize(
    "address",
    [
        "http://keys.test/key",
        "ftp://keys.test/key",
        "file:///etc/passwd",
        "https://",
        "https://[x/key",
        "https://keys.test:99999/key",
        "https://user:pass@keys.test/key",
        "https://user@keys.test/key",
    ],
)
def test_addresses_that_are_not_used(address: str) -> None:
    web = Web()
    with pytest.raises(BadServiceKey) as caught:
        fetch(web, address)
    assert web.sent == []
    assert "pass@" not in caught.value.sentence


def test_plain_http_is_for_a_drive_of_this_machine_alone(bench: Bench) -> None:
    raw = json.dumps(bench.key).encode()
    web = Web({ADDRESS: Reply(200, {}, raw)})
    assert fetch(web, ADDRESS).email == bench.email
    with pytest.raises(BadServiceKey, match="https address"):
        fetch(Web(), ADDRESS, Endpoint())
    with pytest.raises(BadServiceKey, match="https address"):
        fetch(Web(), ADDRESS, Endpoint("https://drive.test"))


def moved(to: str, status: int = 302) -> Reply:
    return Reply(status, {"location": to})


def test_redirects_stay_on_their_host(bench: Bench) -> None:
    raw = json.dumps(bench.key).encode()
    good = {
        "https://keys.test/key": moved("/b", 301),
        "https://keys.test/b": moved("https://keys.test:443/c", 307),
        "https://keys.test:443/c": Reply(200, {}, raw),
    }
    assert fetch(Web(good)).email == bench.email
    for elsewhere in (
        "https://other.test/key",
        "http://keys.test/key",
        "https://keys.test:444/key",
        "//other.test/key",
        "https://[x/",
    ):
        web = Web({"https://keys.test/key": moved(elsewhere)})
        with pytest.raises(BadServiceKey, match="leads to another server"):
            fetch(web)
        assert len(web.sent) == 1
    web = Web({"https://keys.test/key": moved("/key")})
    with pytest.raises(BadServiceKey, match="circle"):
        fetch(web)
    assert len(web.sent) == 4


@pytest.mark.parametrize(
    ("reply", "error", "problem"),
    [
        (Reply(404, {}), BadServiceKey, "there is nothing at its address"),
        (Reply(410, {}), BadServiceKey, "no longer"),
        (Reply(403, {}), BadServiceKey, "status 403"),
        (Reply(204, {}), BadServiceKey, "status 204"),
        (Reply(500, {}), KeyUnreachable, "status 500"),
        (Reply(429, {}), KeyUnreachable, "status 429"),
        (Reply(200, {}, b"<html>"), BadServiceKey, "a web page"),
        (ConnectionRefusedError(), KeyUnreachable, "the connection was refused"),
        (TimeoutError(), KeyUnreachable, "no answer within"),
        (ConnectionResetError(), KeyUnreachable, "was cut"),
    ],
)
def test_addresses_that_give_no_key(
    reply: Reply | Exception, error: type[DriveSyncError], problem: str
) -> None:
    web = Web({"https://keys.test/key?s3cret": reply})
    with pytest.raises(error) as caught:
        fetch(web, "https://keys.test/key?s3cret")
    assert problem in caught.value.sentence
    assert "s3cret" not in f"{caught.value.sentence} {caught.value.detail}"
    assert "https://keys.test/key" in caught.value.sentence
    assert caught.value.who == ("wait" if error is KeyUnreachable else "user")


def test_more_than_a_key_is_not_read(bench: Bench) -> None:
    with LocalDrive(seed=1) as server, LocalDriveServer(server) as served:
        large = f"{served.url}{server.console.publish(b' ' * 50 * KEY_LIMIT)}"
        for most in (KEY_LIMIT, None):
            with pytest.raises(BadServiceKey, match="larger than 64 KB"):
                load_key(large, Endpoint(served.url), lambda most=most: HttpWire(5, most=most))
        account = server.oauth.add_service_account("course-reader")
        key = server.oauth.service_account_file(account.email, served.url)
        good = f"{served.url}{server.console.publish(key)}"
        found = load_key(good, Endpoint(served.url), lambda: HttpWire(5, most=KEY_LIMIT))
        assert found.email == account.email


def test_an_address_is_asked_again_when_it_does_not_answer(bench: Bench, tmp_path: Path) -> None:
    address = f"{ROOT}{bench.server.console.publish(bench.key)}"
    wanted = source(bench, tmp_path, key=address, key_wire=bench.wire)
    bench.server.faults.add(Fault("503", "page.key", times=2))
    assert bench.who(choose("service_account", wanted).token())[0] == bench.email
    bench.server.faults.assert_all_fired()
    assert len(bench.clock.slept) >= 2
    bench.server.faults.add(Fault("503", "page.key"))
    with pytest.raises(KeyUnreachable):
        choose("service_account", wanted)


def test_what_is_told_of_a_source() -> None:
    assert told("/path/key.json") == "/path/key.json"
    assert told(" https://u:p@h.test:8443/k?x#y ") == "https://h.test:8443/k"
    assert told("https://[x") == "at that address"


# -- the chain ------------------------------------------------------------------------------------


def source(bench: Bench, tmp_path: Path, **more: Any) -> Source:
    return Source(HERE, tmp_path, no_wire, bench.clock, seeded(1), bench.wire, **more)


def test_the_chain_makes_one_when_it_is_named(bench: Bench, tmp_path: Path) -> None:
    wanted = source(bench, tmp_path, key=str(bench.path), scopes=(DRIVE_READONLY,))
    tokens = choose("service_account", wanted)
    assert bench.who(tokens.token()) == (bench.email, {DRIVE_READONLY})
    address = f"{ROOT}{bench.server.console.publish(bench.key)}"
    bench.server.oauth.services.delegate(bench.email, "example.edu", [DRIVE])
    acting = source(bench, tmp_path, key=address, scopes=(DRIVE,), subject=ANN, key_wire=bench.wire)
    assert bench.who(choose("service_account", acting).token()) == (ANN, {DRIVE})
    assert [each.name for each in tmp_path.iterdir()] == ["key.json"]


def test_an_own_grant_must_reach(bench: Bench, tmp_path: Path) -> None:
    state = tmp_path / "state"
    SecretsStore(state).keep_grant(Grant(Secret("1//x"), (DRIVE_FILE,), "c", 0.0))
    client = bench.server.oauth.client_of_kind("desktop")
    raw = json.dumps(bench.server.oauth.client_file(client.client_id, ROOT)).encode()
    made = replace(
        source(bench, state, scopes=(DRIVE_READONLY,)),
        client=lambda: parse_client_file(raw, "x"),
    )
    with pytest.raises(ScopeTooNarrow) as caught:
        choose("grant", made)
    assert caught.value.params == {"missing": "drive.readonly", "granted": "drive.file"}
    choose("grant", replace(made, scopes=(DRIVE_FILE,)))


def test_scopes_contain_each_other() -> None:
    require_scopes([DRIVE_READONLY, DRIVE_FILE], [DRIVE])
    require_scopes([DRIVE_FILE], [DRIVE_FILE, DRIVE_READONLY])
    for needed, given in (([DRIVE], [DRIVE_FILE, DRIVE_READONLY]), ([DRIVE_FILE], [])):
        with pytest.raises(ScopeTooNarrow):
            require_scopes(needed, given)
