"""Where Google may answer, and answers that are not to our question, without any Google."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.drive.oauth import (
    DRIVE_FILE,
    DRIVE_READONLY,
    SCOPES,
    ClientFile,
    parse_client_file,
)
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import BadClientFile, ScopeMissing
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.server import pages
from jupyter_drive_sync.server.consent import Attempt, Consent, Purpose, redirect_for
from jupyter_drive_sync.server.origin import Origin
from jupyter_drive_sync.server.passes import Crew
from tests.virtual_clock import VirtualClock


def client(kind: str, *redirects: str) -> ClientFile:
    section = "web" if kind == "web" else "installed"
    content: dict[str, Any] = {
        "client_id": "1-a.apps",
        "client_secret": "s",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    if kind != "tv":
        content["redirect_uris"] = list(redirects) or ["http://localhost"]
    return parse_client_file(json.dumps({section: content}).encode(), "client_secrets.json")


@pytest.mark.parametrize(
    "address", ["http://localhost:8888", "http://127.0.0.1:8899", "http://[::1]:8888"]
)
def test_a_desktop_client_is_answered_at_this_machine(address: str) -> None:
    found = redirect_for(client("desktop"), Origin(address, "/user/ann/"))
    assert found == f"{address}/user/ann/drive-sync/oauth2callback"


@pytest.mark.parametrize(
    "address",
    ["https://hub.uni.edu", "http://192.168.1.5:8888", "https://localhost:8888",
     "http://localhost.evil.example:80"],
)  # fmt: skip
def test_a_desktop_client_is_not_answered_elsewhere(address: str) -> None:
    with pytest.raises(BadClientFile) as caught:
        redirect_for(client("desktop"), Origin(address, "/"))
    assert f"{address}/drive-sync/oauth2callback" in caught.value.sentence


def test_a_web_client_is_answered_at_a_registered_address_exactly() -> None:
    registered = "https://hub.uni.edu/user/ann/drive-sync/oauth2callback"
    web = client("web", "https://hub.uni.edu/other", registered)
    assert redirect_for(web, Origin("https://hub.uni.edu", "/user/ann/")) == registered
    for address, base in (
        ("http://hub.uni.edu", "/user/ann/"),
        ("https://hub.uni.edu", "/user/bob/"),
        ("https://evil.example", "/user/ann/"),
    ):
        with pytest.raises(BadClientFile):
            redirect_for(web, Origin(address, base))


class Stage:
    """A consent whose child is a function."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = VirtualClock()
        self.exchanged: list[Any] = []
        self.connected: list[Attempt] = []
        place = Place(tmp_path, tmp_path / "state", "home/ann", tmp_path / "client.json")
        self.consent = Consent(
            place,
            Crew(),
            wall=self.clock.wall,
            clock=self.clock.monotonic,
            told=lambda: None,
            connected=self.connected.append,
        )

        async def perform(job: Any, *_: Any) -> Any:
            self.exchanged.append(job)
            return {"email": "<b>ann@uni.edu"}

        self.consent._crew.perform = perform  # type: ignore[method-assign]

    async def ask(self, purpose: Purpose | None = None) -> tuple[str, Secret]:
        attempt, browser = await self.consent.begin(
            client("desktop"),
            Origin("http://localhost:8888", "/"),
            device=False,
            sync=True,
            purpose=purpose,
        )
        assert browser is not None
        return attempt.url.split("&state=")[1].split("&")[0], browser


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_yes(stage: Stage) -> None:
    state, browser = await stage.ask()
    page = await stage.consent.answer(f"state={state}&code=4/abc", browser)
    assert page.verdict == "connected"
    (job,) = stage.exchanged
    assert job.secrets["code"] == "4/abc"
    assert len(job.secrets["verifier"]) >= 43
    assert job.args == {
        "redirect_uri": "http://localhost:8888/drive-sync/oauth2callback",
        "scopes": list(SCOPES),
    }
    assert len(stage.connected) == 1
    assert "&lt;b&gt;ann" in page.render("/") and "<b>" not in page.render("/")  # noqa: PT018


@pytest.mark.parametrize("query", ["", "state=", "code=4/abc", "state=guess&code=4/abc"])
async def test_forged(stage: Stage, query: str) -> None:
    _, browser = await stage.ask()
    assert await stage.consent.answer(query, browser) is pages.FORGED
    assert stage.exchanged == []


async def test_without_or_with_another_browsers_cookie(stage: Stage) -> None:
    state, browser = await stage.ask()
    for other in (Secret(""), Secret("another")):
        assert await stage.consent.answer(f"state={state}&code=c", other) is pages.FORGED
    assert (await stage.consent.answer(f"state={state}&code=c", browser)).status == 200


async def test_replayed(stage: Stage) -> None:
    state, browser = await stage.ask()
    query = f"state={state}&code=c"
    await stage.consent.answer(query, browser)
    assert await stage.consent.answer(query, browser) is pages.REPLAYED
    assert await stage.consent.answer(query, Secret("another")) is pages.FORGED
    assert len(stage.exchanged) == 1


async def test_expired(stage: Stage) -> None:
    state, browser = await stage.ask()
    stage.clock.advance(601)
    assert await stage.consent.answer(f"state={state}&code=c", browser) is pages.EXPIRED
    assert stage.exchanged == []
    described = stage.consent.described(owner=True)
    assert described is not None
    assert described["state"] == "expired"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("access_denied", "not allowed"),
        ("admin_policy_enforced", "school"),
        ("<script>", "an error"),
    ],
)
async def test_denied(stage: Stage, error: str, word: str) -> None:
    state, browser = await stage.ask()
    page = await stage.consent.answer(f"state={state}&error={error}", browser)
    assert (page.verdict, page.status) == ("denied", 400)
    assert word in page.text
    assert "press Authorize again" in page.text


async def test_the_address_of_googles_page_is_for_the_browser_that_asked(stage: Stage) -> None:
    await stage.ask()
    described = stage.consent.described(owner=True)
    assert described is not None
    assert described["url"] == ""


async def test_a_code_is_for_the_owner_alone(stage: Stage) -> None:
    await stage.ask()
    attempt = stage.consent.attempt
    assert attempt is not None
    attempt.flow, attempt.url, attempt.user_code = "device", "https://google/device", "ABC-DEF"
    for owner, code in ((True, "ABC-DEF"), (False, "")):
        described = stage.consent.described(owner=owner)
        assert described is not None
        assert (described["user_code"], bool(described["url"])) == (code, owner)


def of_storage(tmp_path: Path) -> Purpose:
    place = Place(tmp_path, tmp_path / "state/storages/data", "home/ann", tmp_path / "own.json")
    return Purpose(place, "data", (DRIVE_FILE, DRIVE_READONLY))


async def test_for_a_storage(stage: Stage, tmp_path: Path) -> None:
    """The same guards; its own client, scope and state folder."""
    state, browser = await stage.ask(of_storage(tmp_path))
    attempt = stage.consent.attempt
    assert attempt is not None
    assert "drive.file+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fdrive.readonly" in attempt.url
    described = stage.consent.described(owner=True)
    assert described is not None
    assert (described["storage"], described["url"]) == ("data", "")
    query = f"state={state}&code=4/abc"
    assert await stage.consent.answer(query, Secret("another")) is pages.FORGED
    page = await stage.consent.answer(query, browser)
    assert "for the storage data alone" in page.text
    assert await stage.consent.answer(query, browser) is pages.REPLAYED
    (job,) = stage.exchanged
    assert job.state_dir.endswith("storages/data")
    assert job.client_file.endswith("own.json")
    assert job.args["scopes"] == [DRIVE_FILE, DRIVE_READONLY]
    assert stage.connected == [attempt]


@pytest.mark.parametrize(("kind", "device"), [("tv", False), ("desktop", True)])
async def test_a_code_is_for_no_wider_scope(
    stage: Stage, tmp_path: Path, kind: str, device: bool
) -> None:
    with pytest.raises(BadClientFile, match="see only what it made itself"):
        await stage.consent.begin(
            client(kind),
            Origin("http://localhost:8888", "/"),
            device=device,
            purpose=of_storage(tmp_path),
        )
    assert stage.consent.attempt is None


async def test_what_would_not_do_is_not_proposed(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(BadClientFile) as caught:
        await stage.consent.begin(
            client("desktop"),
            Origin("https://hub.uni.edu", "/"),
            device=False,
            purpose=of_storage(tmp_path),
        )
    assert "https://hub.uni.edu/drive-sync/oauth2callback" in caught.value.sentence
    assert "limited input" not in caught.value.sentence


def test_a_page_speaks_of_no_command() -> None:
    told = pages.failed(ScopeMissing(detail="x").sentence).text
    assert told == (
        "The Drive box was not ticked on Google's page, so we cannot copy anything. Go back to "
        "Jupyter and press Authorize again."
    )
    assert pages.failed("Run `this`.").text.startswith("Run `this`. Go back")


def test_every_page_says_what_to_do() -> None:
    every = [
        pages.connected("a"), pages.denied("No."), pages.failed("No."), pages.EXPIRED,
        pages.REPLAYED, pages.FORGED, pages.LOGGED_OUT, pages.FORBIDDEN, pages.BROKEN,
    ]  # fmt: skip
    assert len({page.verdict for page in every}) == len(every)
    assert every[0].title == "Connected. You can close this tab."
    for page in every[1:]:
        told = page.text
        assert "Authorize" in told or "owner" in told, page.verdict
        assert "<script" not in page.render("/a%40b/")
