"""The one callback: who asks, who answers, in which browser, and what comes of it."""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_drive_sync.errors import BadClientFile, BadSettings
from jupyter_drive_sync.hub import pages
from jupyter_drive_sync.hub.app import read_client
from jupyter_drive_sync.hub.google import find_redirect, read_claims
from jupyter_drive_sync.hub.grants import HubGrant
from jupyter_drive_sync.hub.problems import BadCallback, ForeignAnswer
from tests.hub.conftest import ANN, BEN, HOME, OTHER_HOME, PREFIX, Stage, Tab, verdict
from tests.server.test_consent import client


async def test_yes_and_it_says_which_account(stage: Stage) -> None:
    tab = stage.browser("ann")
    page = await tab.consent(HOME, BEN)
    assert (page.code, verdict(page)) == (200, "connected")
    assert BEN in page.body.decode()
    assert "If that is not your account, disconnect" in page.body.decode()
    (grant,) = stage.parts.service.grants.of_user("ann")
    assert (grant.home_id, grant.email, grant.dead_since) == (HOME, BEN, None)
    assert grant.sub == stage.drive.oauth.account(BEN).subject
    assert stage.parts.service.grants.of_user("ben") == []


async def test_what_google_is_asked(stage: Stage) -> None:
    tab = stage.browser("ann")
    asked = parse_qs(urlsplit(await tab.ask()).query)
    assert asked["redirect_uri"] == [f"http://127.0.0.1:9{PREFIX}oauth2callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["access_type"] == ["offline"]
    assert asked["prompt"] == ["consent"]
    assert asked["scope"] == ["https://www.googleapis.com/auth/drive.file openid email"]
    assert len(asked["nonce"][0]) >= 43
    assert len(asked["state"][0]) >= 43
    assert "ann" not in asked["state"][0]


async def test_a_visit_changes_nothing(stage: Stage) -> None:
    tab = stage.browser("ann")
    for path in ("", "connect", f"connect?home={HOME}", "connect?home=x", "disconnect"):
        await tab.get(path)
    assert stage.parts.consent._questions == {}
    assert "drive-sync-consent" not in tab.cookies


async def test_a_post_needs_the_token_of_the_form(stage: Stage) -> None:
    tab = stage.browser("ann")
    page = await tab.post("connect", {"home": HOME})
    assert page.code == 403
    await tab.get("connect")
    for form in ({"home": HOME}, {"home": HOME, "_xsrf": "2|abc|def|1"}):
        assert (await tab.post("connect", form)).code == 403
    assert stage.parts.consent._questions == {}


async def test_the_form_of_another_person_is_not_taken(stage: Stage) -> None:
    ben = stage.browser("ben")
    ann = stage.browser("ann")
    page = await ben.get(f"connect?home={HOME}")
    assert (await ann.submit(page)).code == 403


async def test_the_answer_to_another_persons_question(stage: Stage) -> None:
    """Login CSRF: Ben would get Ann's files into his own Drive."""
    ben, ann = stage.browser("ben"), stage.browser("ann")
    answer = await ben.decide(await ben.ask(), BEN)
    ann.cookies["drive-sync-consent"] = ben.cookies["drive-sync-consent"]  # even so
    page = await ann.answer(answer)
    assert (page.code, verdict(page)) == (403, "forged")
    assert stage.parts.service.grants.of_user("ann") == []
    assert verdict(await ben.answer(answer)) == "connected"  # his own question still stands


@pytest.mark.parametrize("cookie", ["", "forged", "another"])
async def test_the_answer_in_another_browser(stage: Stage, cookie: str) -> None:
    first, second = stage.browser("ann"), stage.browser("ann")
    answer = await first.decide(await first.ask())
    if cookie == "forged":
        signed = first.cookies["drive-sync-consent"]
        other = "1" if signed.endswith("0") else "0"
        second.cookies["drive-sync-consent"] = signed[:-1] + other
    elif cookie == "another":
        await second.ask()
    page = await second.answer(answer)
    assert (page.code, verdict(page)) == (403, "forged")
    assert stage.parts.service.grants.of_user("ann") == []


@pytest.mark.parametrize("query", ["", "?code=4/x", "?state=&code=4/x", "?state=guess&code=4/x"])
async def test_an_answer_that_nobody_asked_for(stage: Stage, query: str) -> None:
    tab = stage.browser("ann")
    await tab.ask()
    page = await tab.answer(f"oauth2callback{query}")
    assert (page.code, verdict(page)) == (403, "forged")


async def test_an_answer_counts_once(stage: Stage) -> None:
    tab = stage.browser("ann")
    answer = await tab.decide(await tab.ask())
    assert verdict(await tab.answer(answer)) == "connected"
    page = await tab.answer(answer)
    assert (page.code, verdict(page)) == (409, "replayed")
    assert len(stage.parts.service.grants.of_user("ann")) == 1


async def test_an_answer_that_comes_too_late(stage: Stage) -> None:
    tab = stage.browser("ann")
    answer = await tab.decide(await tab.ask())
    now = stage.parts.service.clock()
    stage.parts.service.clock = lambda: now + 601
    page = await tab.answer(answer)
    assert (page.code, verdict(page)) == (410, "expired")
    assert stage.parts.service.grants.of_user("ann") == []


async def test_nobody_pushes_out_the_questions_of_others(stage: Stage) -> None:
    ann, ben = stage.browser("ann"), stage.browser("ben")
    answer = await ann.decide(await ann.ask())
    for _ in range(20):
        await ben.ask()
    assert len(stage.parts.consent._questions) == 1 + 4
    assert verdict(await ann.answer(answer)) == "connected"


async def test_who_is_not_logged_in_is_not_sent_to_the_login_with_the_code(stage: Stage) -> None:
    tab = stage.browser("ann")
    answer = await tab.decide(await tab.ask())
    del tab.cookies["service-drive-sync"]
    page = await tab.answer(answer)
    assert (page.code, verdict(page)) == (403, "logged_out")
    assert "Location" not in page.headers


async def test_who_is_not_logged_in_is_sent_to_the_login_from_elsewhere(stage: Stage) -> None:
    page = await Tab(stage, "").get(f"connect?home={HOME}")
    assert page.code == 302
    assert page.headers["Location"].startswith("/hub/api/oauth2/authorize?")


async def test_denied(stage: Stage) -> None:
    page = await stage.browser("ann").consent(decision="deny")
    assert (page.code, verdict(page)) == (400, "auth.denied")
    assert "not allowed on Google" in page.body.decode()


async def test_drive_unticked(stage: Stage) -> None:
    page = await stage.browser("ann").consent(tick=False)
    assert verdict(page) == "auth.scope_missing"
    assert "Leave the box ticked" in page.body.decode()
    assert stage.parts.service.grants.of_user("ann") == []


async def test_blocked_by_the_school(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    tab = stage.browser("ann")
    answer = await tab.decide(await tab.ask())
    project = stage.parts.service.google.client.project
    stage.drive.oauth.block(project, "example.edu")
    page = await tab.answer(answer)
    assert verdict(page) == "org.blocked"
    assert "tell whoever runs this hub" in page.body.decode()
    assert "API controls" not in page.body.decode()
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert "API controls" in line
    assert stage.parts.service.google.client.client_id in line


@pytest.mark.parametrize("word", ["admin_policy_enforced", "access_not_configured", "org_internal"])
async def test_google_says_so_in_its_answer(stage: Stage, word: str) -> None:
    tab = stage.browser("ann")
    state = parse_qs(urlsplit(await tab.ask()).query)["state"][0]
    page = await tab.answer(f"oauth2callback?state={state}&error={word}")
    assert verdict(page) == "org.blocked"


async def test_the_api_is_off(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    tab = stage.browser("ann")
    answer = await tab.decide(await tab.ask())
    stage.drive.oauth.switch_drive(stage.parts.service.google.client.project, on=False)
    assert verdict(await tab.answer(answer)) == "project.api_off"
    assert any("enable the Google Drive API" in record.getMessage() for record in caplog.records)
    assert stage.parts.service.grants.of_user("ann") == []


async def test_the_client_was_deleted(stage: Stage) -> None:
    tab = stage.browser("ann")
    answer = await tab.decide(await tab.ask())
    stage.drive.oauth.delete_client(stage.parts.service.google.client.client_id)
    assert verdict(await tab.answer(answer)) == "project.client_gone"


@pytest.mark.parametrize("options", [{"domains": ["other.example", "third.example"]}])
async def test_an_account_of_another_organisation(stage: Stage) -> None:
    page = await stage.browser("ann").consent()
    assert verdict(page) == "auth.wrong_domain"
    assert f"{ANN} is not an account of other.example or third.example" in page.body.decode()
    assert stage.parts.service.grants.of_user("ann") == []


@pytest.mark.parametrize("options", [{"domains": ["example.edu"]}])
async def test_an_account_of_the_right_one(stage: Stage) -> None:
    tab = stage.browser("ann")
    url = await tab.ask()
    assert parse_qs(urlsplit(url).query)["hd"] == ["example.edu"]
    assert verdict(await tab.answer(await tab.decide(url))) == "connected"


async def test_another_account_at_the_second_consent(stage: Stage) -> None:
    assert await stage.connect() == "connected"
    tab = stage.browser("ann")
    page = await tab.get(f"connect?home={HOME}")
    assert f"Connected now: <b>{ANN}</b>" in page.body.decode()
    url = await tab.ask()
    assert parse_qs(urlsplit(url).query)["login_hint"] == [ANN]
    text = (await tab.consent(account=BEN)).body.decode()
    assert f"It was {ANN} before" in text
    assert "nothing is sent to the new account before you have decided" in text
    again = (await tab.consent(account=BEN)).body.decode()
    assert "before you have decided" not in again


async def test_homes_of_one_person_are_connected_one_by_one(stage: Stage) -> None:
    await stage.connect(home=HOME, account=ANN)
    await stage.connect(home=OTHER_HOME, account=BEN)
    found = {each.home_id: each.email for each in stage.parts.service.grants.of_user("ann")}
    assert found == {HOME: ANN, OTHER_HOME: BEN}


async def test_overview_and_disconnect(stage: Stage) -> None:
    await stage.connect()
    await stage.connect(home=OTHER_HOME)
    tab = stage.browser("ann")
    page = await tab.get()
    told = page.body.decode()
    assert told.count(f"<b>{ANN}</b>, connected since") == 2
    assert told.count("for the files of one of your servers; last used on 20") == 2
    assert HOME not in re.sub("<form.*?</form>", "", told, flags=re.DOTALL)
    ended = await tab.submit(page)
    assert verdict(ended) == "disconnected"
    assert len(stage.parts.service.grants.of_user("ann")) == 1
    ended = await tab.submit(await tab.get(), revoke="1")
    assert "Google was told" in ended.body.decode()
    assert stage.drive.oauth.grants == ()


def test_what_a_connection_is_for_is_said_in_words() -> None:
    form = pages.Form("", "x", "/lab")
    grant = HubGrant("ann", HOME, ANN, "1", "2", (), "c", 1.0)
    (one,) = [pages.overview("ann", [grant], form, "/c", "/e")]
    assert f"<b>{ANN}</b>, connected since 1970-01-01, for your files on this hub; not used" in one
    unbound = replace(grant, home_id="", dead_since=2.0, last_refresh=1.0)
    two = pages.overview("ann", [unbound], form, "/c", "/e")
    assert "no longer accepted by Google, connected on 1970-01-01, for the next server" in two


async def test_nobody_ends_the_connection_of_another(stage: Stage) -> None:
    await stage.connect()
    ben = stage.browser("ben")
    page = await ben.get("connect")
    xsrf = page.body.decode().split('name="_xsrf" value="')[1].split('"')[0]
    reply = await ben.post("disconnect", {"home": HOME, "_xsrf": xsrf})
    assert verdict(reply) == "auth.missing"
    assert len(stage.parts.service.grants.of_user("ann")) == 1


@pytest.mark.parametrize(
    ("wanted", "good"),
    [
        ("/user/ann/lab", True),
        ("/user/ann/lab/tree/a%20b.ipynb?reset", True),
        ("/user/ann/", True),
        ("", False),
        ("/user/ben/lab", False),
        ("/user/ann", False),
        ("/user/ann/../ben/lab", False),
        ("/user/ann/%2e%2E/ben/lab", False),
        ("/user/ann//evil.example", False),
        ("//evil.example/user/ann/", False),
        ("https://evil.example/user/ann/", False),
        ("/user/ann/\\evil.example", False),
        ("/user/ann/\r\nSet-Cookie: a=b", False),
        ("javascript:alert(1)", False),
    ],
)
async def test_where_a_person_is_led_back_to(stage: Stage, wanted: str, good: bool) -> None:
    found = stage.parts.consent.check_jupyter("ann", wanted)
    assert found == (wanted if good else "/user/ann/")


async def test_what_browsers_are_told(stage: Stage) -> None:
    for path in ("", "connect", "oauth2callback", "nothing/here"):
        headers = (await stage.browser("ann").get(path)).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Opener-Policy"] == "noopener-allow-popups"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"


async def test_a_script_of_the_same_origin_is_nobody(stage: Stage) -> None:
    """Every user's server is a page of the same origin; its fetch brings the visitor's cookies."""
    tab = stage.browser("ann")
    for mode in ("cors", "same-origin", "no-cors"):
        reply = await tab.get("", **{"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": "same-origin"})
        assert mode == "no-cors" or reply.code == 302, mode  # an image: its text is not given out


async def test_hostile_names_on_pages(stage: Stage) -> None:
    tab = stage.browser("<b>eve</b>")
    text = (await tab.get("connect")).body.decode()
    assert "<b>eve</b>" not in text.replace("<b>&lt;b&gt;", "")
    assert "&lt;b&gt;eve" in text


def test_no_secret_is_in_the_log(
    stage: Stage, jp_asyncio_loop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tab = stage.browser("ann")
    jp_asyncio_loop.run_until_complete(tab.consent())
    token = stage.parts.service.grants.secret("ann", HOME)
    assert token is not None
    access = stage.parts.service._kept["ann", HOME].access.token.reveal()
    said = "\n".join(
        record.getMessage() for record in caplog.records if record.name != "tornado.curl_httpclient"
    )
    assert "audit" in said
    secret = stage.parts.service.google.client.client_secret.reveal()
    for word in (token.reveal(), access, secret, "code=4", "code_verifier"):
        assert word not in said


# -- the client file, and what Google says of a person ---------------------------------------------


def test_which_address_google_answers_at() -> None:
    callback = f"{PREFIX}oauth2callback"
    one, two = f"https://hub.uni.example{callback}", f"http://localhost:8000{callback}"
    assert find_redirect(client("web", "https://hub.uni.example/other", one), PREFIX) == one
    assert find_redirect(client("web", one, two), PREFIX, "https://hub.uni.example/") == one
    for found, public in (
        (client("web", one, two), ""),
        (client("web", one), "https://elsewhere.example"),
        (client("web", "https://hub.uni.example/other"), ""),
        (client("desktop"), ""),
    ):
        with pytest.raises(BadCallback):
            find_redirect(found, PREFIX, public)


def test_a_client_file_that_students_could_read_is_refused(stage: Stage) -> None:
    path = stage.folder.parent / "client_secrets.json"
    read_client(path)
    path.chmod(0o644)
    with pytest.raises(BadClientFile, match="chmod 600"):
        read_client(path)


def token_of(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.x"


GOOD = {"iss": "https://accounts.google.com", "aud": "c", "nonce": "n", "exp": 1000, "sub": "1"}


def test_whose_consent_it_was() -> None:
    assert read_claims(token_of(**GOOD), "c", "n", 900.0)["sub"] == "1"


@pytest.mark.parametrize(
    "wrong",
    [{"iss": "https://evil.example"}, {"aud": "d"}, {"nonce": "m"}, {"exp": 1}, {"sub": ""},
     {"exp": None}, {"aud": ["c"]}],
)  # fmt: skip
def test_an_identity_that_is_not_to_our_question(wrong: dict[str, Any]) -> None:
    with pytest.raises(ForeignAnswer):
        read_claims(token_of(**{**GOOD, **wrong}), "c", "n", 900.0)


@pytest.mark.parametrize("text", [None, "", "a.b", "a.%%%.c", "a.e30.c"])
def test_an_identity_that_is_none(text: Any) -> None:
    with pytest.raises(ForeignAnswer):
        read_claims(text, "c", "n", 900.0)


def test_every_page_says_what_to_do() -> None:
    every = [
        pages.connected("a", None, ""), pages.disconnected(revoked=True), pages.EXPIRED,
        pages.REPLAYED, pages.FORGED, pages.LOGGED_OUT, pages.NOT_ALLOWED, pages.MISSING,
        pages.BROKEN, pages.not_set_up(),
        pages.refused(BadSettings(name="x", problem="y")),
    ]  # fmt: skip
    assert len({page.verdict for page in every}) == len(every)
    for page in every:
        assert "<script" not in page.render("/")
