"""Consent by a code that is typed elsewhere."""

from __future__ import annotations

import re

import pytest

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE
from tests.localdrive.consenting import BEN, DRIVE, Site, poll, start, text


def test_a_device_waits_for_its_user(site: Site) -> None:
    device = start(site).json()
    assert device["verification_url"] == "http://localdrive/device"
    assert (device["interval"], device["expires_in"]) == (5, 1_800)
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", device["user_code"])
    waiting = poll(site, device["device_code"])
    assert (waiting.status, waiting.json()["error"]) == (428, "authorization_pending")
    hasty = poll(site, device["device_code"])
    assert (hasty.status, hasty.json()["error"]) == (403, "slow_down")
    site.clock.advance(9)
    assert poll(site, device["device_code"]).json()["error"] == "slow_down"  # now 10 s apart
    typed = device["user_code"].lower().replace("-", " ")
    told = site.press(site.get("/device", user_code=typed), account=BEN)
    assert "Device connected" in text(told)
    site.clock.advance(20)
    tokens = poll(site, device["device_code"]).json()
    assert tokens["scope"] == DRIVE_FILE
    assert site.refresh(tokens["refresh_token"], "tv").status == 200
    assert poll(site, device["device_code"]).json()["error"] == "invalid_grant"


def test_a_device_may_be_refused_or_forgotten(site: Site) -> None:
    denied, late = start(site).json(), start(site).json()
    page = site.get("/device", user_code=denied["user_code"])
    assert "not connected" in text(site.press(page, "deny"))
    reply = poll(site, denied["device_code"])
    assert (reply.status, reply.json()["error"]) == (403, "access_denied")
    site.clock.advance(1_800)
    assert poll(site, late["device_code"]).json()["error"] == "expired_token"
    assert "too old" in text(site.get("/device", user_code=late["user_code"]))
    assert 'type="text"' in text(site.get("/device"))


@pytest.mark.parametrize(
    ("scope", "kind", "status", "error"),
    [
        (DRIVE, "tv", 400, "invalid_scope"),
        (f"{DRIVE_FILE} {DRIVE}", "tv", 400, "invalid_scope"),
        ("", "tv", 400, "invalid_request"),
        (DRIVE_FILE, "desktop", 401, "invalid_client"),
    ],
)
def test_what_devices_may_not_have(
    site: Site, scope: str, kind: str, status: int, error: str
) -> None:
    reply = start(site, scope, kind)
    assert (reply.status, reply.json()["error"]) == (status, error)
