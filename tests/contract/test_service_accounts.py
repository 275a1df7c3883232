"""Service accounts: what a key gives, whom it acts for, and that it owns nothing.

They need a project's console, so the real Google is not asked.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request

from tests.contract.drives import ANN, Local
from tests.contract.ground import Ground, refused

DRIVE = "https://www.googleapis.com/auth/drive"


def said(problem: RefreshError) -> dict[str, Any]:
    """What the token endpoint answered."""
    return dict(problem.args[1])


def test_a_key_gives_access_tokens(local_drive: Local) -> None:
    """Source: Using OAuth 2.0 for Server to Server Applications."""
    ground, credentials = local_drive.service()
    with contextlib.closing(ground.service):
        about = ground.service.about().get(fields="user,storageQuota").execute()
    assert about["user"]["emailAddress"] == credentials.service_account_email
    assert about["storageQuota"]["limit"] == "0"


def test_a_deleted_key_is_refused(local_drive: Local) -> None:
    """Source: google-github-actions/setup-gcloud issue 76."""
    _, credentials = local_drive.service()
    local_drive.key_file()
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(Request())
    answer = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    assert said(caught.value) == answer


@pytest.mark.parametrize(
    ("iat", "exp"), [(-7200, -3600), (7200, 10_800), (0, 7200)], ids=["past", "future", "long"]
)
def test_an_assertion_lives_an_hour(local_drive: Local, iat: int, exp: int) -> None:
    """Source: the guide ("maximum of 1 hour"); SteveWinward/GoogleSheetsWrapper issue 42."""
    _, credentials = local_drive.service()
    now = int(local_drive.drive.clock.now())
    with pytest.raises(RefreshError) as caught:
        credentials.with_claims({"iat": now + iat, "exp": now + exp}).refresh(Request())
    assert said(caught.value)["error_description"].startswith("Invalid JWT: Token must be a short")


def test_an_assertion_is_for_the_token_endpoint(local_drive: Local) -> None:
    """Source: the guide (aud); google/oauth2l issue 130."""
    _, credentials = local_drive.service()
    with pytest.raises(RefreshError) as caught:
        credentials.with_claims({"aud": "https://www.googleapis.com/drive/v3"}).refresh(Request())
    assert said(caught.value)["error_description"] == "Invalid JWT: Failed audience check."


def test_an_unknown_scope_is_refused(local_drive: Local) -> None:
    """Source: googleapis/google-oauth-java-client issue 602."""
    _, credentials = local_drive.service("nonsense")
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(Request())
    assert said(caught.value)["error"] == "invalid_scope"


def test_a_disabled_account_is_not_found(local_drive: Local) -> None:
    """Source: googleapis/google-cloud-php issue 3622."""
    _, credentials = local_drive.service()
    services = local_drive.drive.oauth.services
    services.enable(credentials.service_account_email, on=False)
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(Request())
    services.enable(credentials.service_account_email, on=True)
    assert said(caught.value)["error_description"] == "Invalid grant: account not found"


def test_nobody_is_acted_for_without_delegation(local_drive: Local) -> None:
    """Source: peburrows/goth issue 159."""
    _, credentials = local_drive.service("drive", subject=ANN)
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(Request())
    assert said(caught.value)["error"] == "unauthorized_client"


def test_who_is_acted_for_owns_the_files(local_drive: Local) -> None:
    """Source: the guide, "Delegating domain-wide authority to the service account"."""
    ground, credentials = local_drive.service("drive", subject=ANN)
    services = local_drive.drive.oauth.services
    services.delegate(credentials.service_account_email, "example.edu", [DRIVE])
    with contextlib.closing(ground.service):
        made = ground.files.create(body={"name": "n"}, fields="id,owners").execute()
        ground.files.delete(fileId=made["id"]).execute()
    services.undelegate(credentials.service_account_email, "example.edu")
    assert made["owners"][0]["emailAddress"] == ANN


def test_a_service_account_owns_nothing(local_drive: Local, ground: Ground) -> None:
    """Source: about-shareddrives; Jumbo810/Upload_Github_Artifacts_TO_GDrive issue 22."""
    writer, credentials = local_drive.service("drive")
    share = {
        "type": "user",
        "role": "writer",
        "emailAddress": credentials.service_account_email,
    }
    ground.service.permissions().create(fileId=ground.folder, body=share).execute()
    file = ground.make("anns")["id"]
    with contextlib.closing(writer.service):
        for parent in (ground.folder, "root"):
            with refused(403, reason="storageQuotaExceeded"):
                writer.make("mine", parent=parent)
        assert writer.replace(file, b"by the service")["size"] == "14"
    assert ground.content(file) == b"by the service"


def test_it_sees_what_is_shared_with_it(local_drive: Local, ground: Ground) -> None:
    """Source: Share files, folders, and drives: a service account is an account like others."""
    file = ground.make("notes", b"tyger")["id"]
    reader, credentials = local_drive.service()
    with contextlib.closing(reader.service):
        with refused(404, reason="notFound"):
            reader.get(file)
        share = {
            "type": "user",
            "role": "reader",
            "emailAddress": credentials.service_account_email,
        }
        ground.service.permissions().create(fileId=ground.folder, body=share).execute()
        assert reader.content(file) == b"tyger"
        assert ground.settled(lambda: reader.names(parent=ground.folder)) == ["notes"]
