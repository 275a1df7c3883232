"""Grants at rest: encrypted, closed to others, kept by person and home."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import BadSettings, StateUnusable
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.grants import Grants, HubGrant
from jupyter_drive_sync.hub.keys import Keys, read_keys
from jupyter_drive_sync.hub.problems import NoKey, WrongKey

OLD, NEW = "a1" * 32, "b2" * 32
TOKEN = Secret("1//refresh-token-of-ann")
HOME, OTHER = "0123456789abcdef", "fedcba9876543210"


def keys(text: str) -> Keys:
    return read_keys({"DRIVE_SYNC_CRYPT_KEY": text})


def grant(user: str = "ann", home: str = HOME, created: float = 100.0) -> HubGrant:
    return HubGrant(user, home, f"{user}@example.edu", "1", "p", ("scope",), "12-c", created)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path}/service/hub.sqlite")


@pytest.fixture
def grants(engine: Engine) -> Grants:
    return Grants(engine, keys(OLD))


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["ab" * 32, base64.urlsafe_b64encode(bytes(range(32))).decode(), "x" * 32]
)
def test_a_key_in_each_form_of_the_hub(word: str) -> None:
    made = keys(word)
    assert made.decrypt(made.encrypt("text")) == "text"


@pytest.mark.parametrize(
    "words", ["", " ; ", "short", "zz" * 32, "ab" * 32 + ";short", "é" * 20, "=" * 44]
)
def test_without_a_good_key_there_is_no_service(words: str) -> None:
    with pytest.raises(NoKey) as caught:
        keys(words)
    assert "openssl rand -hex 32" in caught.value.sentence
    assert "short" not in caught.value.sentence


def test_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{NEW}\n{OLD}\n")
    assert read_keys({}, path).decrypt(keys(OLD).encrypt("text")) == "text"
    with pytest.raises(NoKey, match="cannot be read"):
        read_keys({}, tmp_path / "missing")


def test_keys_rotate() -> None:
    sealed = keys(OLD).encrypt("text")
    both = keys(f"{NEW};{OLD}")
    assert both.decrypt(sealed) == "text"
    assert not both.is_present(sealed)
    assert both.is_present(both.encrypt("text"))
    with pytest.raises(WrongKey):
        keys(NEW).decrypt(sealed)


def test_a_key_does_not_print() -> None:
    assert OLD[:8] not in repr(keys(OLD))


# -- grants ----------------------------------------------------------------------------------------


def test_kept_and_found(grants: Grants) -> None:
    grants.keep(grant(), TOKEN)
    assert grants.get("ann", HOME) == grant()
    assert grants.secret("ann", HOME) == TOKEN
    assert grants.get("ann", OTHER) is None
    assert grants.get("ben", HOME) is None
    assert grants.secret("ben", HOME) is None
    assert grant().project == "12"


def test_nothing_readable_lies_on_disk(grants: Grants, tmp_path: Path) -> None:
    grants.keep(grant(), TOKEN)
    raw = b"".join(path.read_bytes() for path in (tmp_path / "service").iterdir())
    assert b"ann@example.edu" in raw
    assert b"refresh-token" not in raw


def test_files_are_closed_to_others(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "service"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_open_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    path.touch(0o644)
    open_database(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_row_that_somebody_moved_opens_nobody_elses_drive(grants: Grants, engine: Engine) -> None:
    grants.keep(grant("ann"), TOKEN)
    grants.keep(grant("eve"), Secret("1//of-eve"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE grants SET sealed = (SELECT sealed FROM grants WHERE user = 'ann') "
                "WHERE user = 'eve'"
            )
        )
    with pytest.raises(WrongKey):
        grants.secret("eve", HOME)
    assert grants.secret("ann", HOME) == TOKEN


def test_sealed_anew_with_the_present_key(grants: Grants, engine: Engine) -> None:
    grants.keep(grant(), TOKEN)
    both = Grants(engine, keys(f"{NEW};{OLD}"))
    assert both.rotate() == (1, 0)
    assert both.rotate() == (0, 0)
    assert Grants(engine, keys(NEW)).secret("ann", HOME) == TOKEN
    assert Grants(engine, keys(OLD)).rotate() == (0, 1)


def test_a_grant_without_a_home_goes_to_the_first_that_asks(grants: Grants) -> None:
    grants.keep(grant(home=""), TOKEN)
    bound = grants.bind("ann", HOME)
    assert bound is not None
    assert bound.home_id == HOME
    assert grants.secret("ann", HOME) == TOKEN
    assert grants.get("ann", "") is None
    assert grants.bind("ann", OTHER) is None
    assert grants.bind("ben", OTHER) is None


def test_a_home_with_a_new_id_keeps_its_grant(grants: Grants) -> None:
    grants.keep(grant(), TOKEN)
    bound = grants.bind("ann", OTHER, before=HOME)
    assert bound is not None
    assert grants.secret("ann", OTHER) == TOKEN
    assert grants.get("ann", HOME) is None
    assert grants.bind("ben", HOME, before=OTHER) is None


def test_a_new_person_under_an_old_name_is_asked_again(grants: Grants) -> None:
    grants.keep(grant(), TOKEN)
    assert grants.bind("ann", OTHER) is None
    assert grants.secret("ann", OTHER) is None


def test_death_is_remembered_of_the_grant_that_died_alone(grants: Grants) -> None:
    grants.keep(grant(), TOKEN)
    old = grants.get("ann", HOME)
    assert old is not None
    grants.keep(grant(created=200.0), Secret("1//new"))
    assert not grants.died(old, 150.0, "auth.revoked")
    assert not grants.refreshed(old, 150.0)
    new = grants.get("ann", HOME)
    assert new is not None
    assert new.dead_since is None
    assert grants.died(new, 250.0, "auth.revoked")
    dead = grants.get("ann", HOME)
    assert dead is not None
    assert (dead.dead_since, dead.dead_why) == (250.0, "auth.revoked")


def test_dropped(grants: Grants) -> None:
    grants.keep(grant(), TOKEN)
    assert grants.drop("ann", HOME)
    assert not grants.drop("ann", HOME)
    assert grants.of_user("ann") == []


# -- the database ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("nonsense", BadSettings),
        ("sqlite://", BadSettings),
        ("nodialect://host/name", BadSettings),
        ("sqlite:////proc/nowhere/hub.sqlite", StateUnusable),
    ],
)
def test_a_database_that_cannot_be_used(url: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        open_database(url)


def test_a_password_in_an_address_is_not_said() -> None:
    with pytest.raises(BadSettings) as caught:
        open_database("postgres!!//ann:hunter2@host/name")
    assert "hunter2" not in caught.value.sentence
