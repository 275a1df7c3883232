"""Who we are and how much room there is (Source: reference, about.get; Return user info)."""

from __future__ import annotations

from tests.contract.ground import Ground, refused


def test_a_mask_is_required(ground: Ground) -> None:
    """Source: Return specific fields: about.get demands the fields parameter."""
    with refused(400, reason="required"):
        ground.service.about().get().execute()


def test_the_user_and_the_storage(ground: Ground) -> None:
    """Source: reference, About: user, storageQuota (int64 as strings), maxUploadSize."""
    told = ground.service.about().get(fields="kind,user,storageQuota,maxUploadSize").execute()
    assert told["kind"] == "drive#about"
    assert "@" in told["user"]["emailAddress"]
    assert told["user"]["me"] is True
    quota = told["storageQuota"]
    assert all(isinstance(quota[k], str) for k in ("usage", "usageInDrive", "usageInDriveTrash"))
    assert int(quota["usage"]) >= int(quota["usageInDrive"]) >= int(quota["usageInDriveTrash"])
    assert int(told["maxUploadSize"]) >= 5 * 1000**4


def test_everything_on_request(ground: Ground) -> None:
    """Source: reference, About."""
    told = ground.service.about().get(fields="*").execute()
    assert {"user", "storageQuota", "importFormats", "exportFormats"} <= told.keys()


def test_what_is_stored_counts(whole_drive: Ground) -> None:
    """Source: reference, About: storageQuota.usageInDrive; the trash counts too."""

    def used() -> tuple[int, int]:
        quota = whole_drive.service.about().get(fields="storageQuota").execute()["storageQuota"]
        return int(quota["usageInDrive"]), int(quota["usageInDriveTrash"])

    drive, trash = used()
    made = whole_drive.make("n", b"z" * 1000)["id"]
    assert used() == (drive + 1000, trash)
    whole_drive.files.update(fileId=made, body={"trashed": True}).execute()
    assert used() == (drive + 1000, trash + 1000)
    whole_drive.files.delete(fileId=made).execute()
    assert used() == (drive, trash)
