from __future__ import annotations

from typing import Any

import pytest

from jupyter_drive_sync.core.storage import (
    BadStorage,
    Storage,
    is_path,
    place_of,
    read,
    read_all,
    shown_key,
)

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456"
LINK = f"https://drive.google.com/drive/folders/{ID}"
LEAST = {"name": "course", "local": "course", "drive": LINK}


def sentence(values: Any, **more: Any) -> str:
    with pytest.raises(BadStorage) as caught:
        read(values, **more)
    said = caught.value.sentence
    assert "\n" not in said
    return said


def test_what_is_left_out_is_chosen() -> None:
    assert read(LEAST) == Storage("course", "course", LINK)
    assert read(LEAST, name="other").name == "course"
    assert read({"local": "a", "drive": "b"}, name="other").name == "other"


@pytest.mark.parametrize(
    ("given", "credentials", "scope"),
    [
        ({}, "auto", "drive.file"),
        ({"direction": "export"}, "auto", "drive.file"),
        ({"key_file": "k.json"}, "service_account", "drive.readonly"),
        ({"key_file": "k.json", "direction": "export"}, "service_account", "drive"),
        ({"client_file": "c.json"}, "client", "drive.readonly"),
        ({"client_file": "c.json", "direction": "export"}, "client", "drive.file"),
        ({"credentials": "adc"}, "adc", "drive.readonly"),
        ({"credentials": "adc", "direction": "export"}, "adc", "drive"),
        (
            {"scope": "https://www.googleapis.com/auth/drive", "key_file": "k.json"},
            "service_account",
            "drive",
        ),
    ],
)
def test_whose_rights_and_how_far(given: dict[str, str], credentials: str, scope: str) -> None:
    found = read({**LEAST, **given})
    assert (found.credentials, found.scope) == (credentials, scope)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "'' is not made of at most 64 letters"),
        ({"name": "a b"}, "'a b' is not made of"),
        ({"name": ".python"}, "is not made of"),
        ({"name": "x" * 65}, "is not made of"),
        ({"name": "home"}, "home is the mirror of the home"),
        ({"name": 5}, "name is no text"),
        ({"local": ""}, "it has no local"),
        ({"local": "~/course"}, "leave the ~ away"),
        ({"local": "a/../../b"}, "must not lead upwards"),
        ({"local": "a\nb"}, "has characters that nobody can see"),
        ({"local": "x" * 2001}, "is longer than 2000 characters"),
        ({"drive": ""}, "it has no drive"),
        ({"drive": None}, "drive is no text"),
        ({"direction": "sideways"}, "'sideways' is none of import, export"),
        ({"scope": "gmail"}, "'gmail' is none of drive.file, drive.readonly, drive"),
        ({"credentials": "root"}, "'root' is none of auto, own"),
        ({"credentials": "service_account"}, "a service account needs its key_file"),
        ({"credentials": "adc", "key_file": "k"}, "credentials adc have no key_file"),
        ({"credentials": "client"}, "credentials client need a client_file"),
        ({"credentials": "own", "client_file": "c"}, "credentials own have no client_file"),
        ({"subject": "ann@uni.edu"}, "only a service account acts for a subject"),
        ({"key_file": "k", "subject": "ann"}, "'ann' is no address of a person"),
        ({"scope": "drive.readonly"}, "does not cover drive.readonly, only drive.file: use a"),
        (
            {"direction": "export", "key_file": "k", "scope": "drive.readonly"},
            "an export writes",
        ),
        ({"key_file": "http://k.example.edu/k"}, "is fetched by https alone"),
        ({"key_file": "ftp://k.example.edu/k"}, "is fetched by https alone"),
        ({"key_file": "https:///k"}, "is no address"),
        ({"key_file": "https://[x/k"}, "is no address"),
        ({"key_file": "https://k.example.edu:0/k"}, "is no address"),
        ({"key_file": "https://ann:pw@k.example.edu/k"}, "must not hold a user name or password"),
        ({"includes": "*.csv"}, "includes is no list of patterns"),
        ({"includes": [5]}, "includes is no list of patterns"),
        ({"excludes": ["a"] * 1001}, "has more than 1000 patterns"),
        ({"excludes": ["["]}, "excludes cannot be used: "),
        ({"schedule": "at noon"}, "schedule says nothing"),
        ({"token": "x"}, "token is a secret itself; name the file that holds it instead"),
        ({"bucket": "x"}, "there is no setting bucket"),
        ({"b" * 99 + "\n": "x"}, "there is no setting bbbb"),
    ],
)
def test_each_bad_value_is_one_sentence(change: dict[str, Any], words: str) -> None:
    def check(_: str) -> None:
        raise ValueError("says nothing")

    said = sentence({**LEAST, **change}, check_schedule=check)
    assert said.startswith("The storage ")
    assert words in said


def test_a_secret_is_never_repeated() -> None:
    said = sentence({**LEAST, "private_key": "-----BEGIN"})
    assert "BEGIN" not in said


def test_what_is_no_storage_at_all() -> None:
    assert "The storage ? cannot" in sentence([])
    assert "The storage ? cannot" in sentence({"local": "a"})
    assert "The storage other cannot" in sentence("x", name="other")


def test_schedules_and_patterns_are_kept() -> None:
    values = {**LEAST, "schedule": "0 5 * * *", "includes": ["/a/"], "excludes": ["*.csv"]}
    asked: list[str] = []
    found = read(values, check_schedule=asked.append)
    assert asked == ["0 5 * * *"]
    assert found.described() == {**Storage(**found_fields(found)).described()}
    assert read(found.described()) == found
    assert (found.includes, found.excludes) == (("/a/",), ("*.csv",))


def found_fields(storage: Storage) -> dict[str, Any]:
    return {name: getattr(storage, name) for name in Storage.__slots__}


def test_lists() -> None:
    assert read_all([]) == ()
    assert [item.name for item in read_all([LEAST, {**LEAST, "name": "b"}])] == ["course", "b"]
    assert read_all({"b": {"local": "x", "drive": "y"}})[0].name == "b"
    for values, words in (
        ([LEAST, {**LEAST, "name": "COURSE"}], "there are two of that name"),
        ("course", "the storages are no list"),
        ([5], "no object of names and values"),
    ):
        with pytest.raises(BadStorage, match=words):
            read_all(values)


@pytest.mark.parametrize(
    ("local", "roots", "found"),
    [
        ("course", (), "/home/ann/course"),
        ("a/./b", (), "/home/ann/a/b"),
        ("/home/ann/x", (), "/home/ann/x"),
        ("/srv/shared/x", ("/srv/shared",), "/srv/shared/x"),
        ("/srv/shared", ("/srv/shared/",), "/srv/shared"),
        ("/anything", ("/",), "/anything"),
    ],
)
def test_where_it_lies(local: str, roots: tuple[str, ...], found: str) -> None:
    assert place_of(local, "/home/ann", roots) == found


@pytest.mark.parametrize(
    ("local", "words"),
    [
        (".", "is the home itself"),
        ("/home/ann", "is the home itself"),
        ("/home/annette", "lies outside of the home"),
        ("/etc", "lies outside of the home"),
        ("../ben", "lies outside of the home"),
    ],
)
def test_where_it_may_not_lie(local: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        place_of(local, "/home/ann", ("/srv",))


def test_keys_as_they_are_shown() -> None:
    assert shown_key("/a/key.json") == "/a/key.json"
    assert shown_key("https://k.example.edu:8443/secret/key.json") == "https://k.example.edu/…"
    keyed = read({**LEAST, "key_file": "http://127.0.0.1:80/key"})
    assert keyed.shown()["key_file"] == "https://127.0.0.1/…"


def test_paths_and_ids() -> None:
    assert is_path("models/run-1")
    assert is_path("checkpoints-of-2026")
    assert not any(
        map(is_path, (LINK, ID, f"drive.google.com/drive/folders/{ID}", "0AbcDEFghijkLMN_xyz"))
    )
