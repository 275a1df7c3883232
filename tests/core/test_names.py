"""Names go to Drive and come back; whatever Drive holds becomes one safe part."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_drive_sync.core.names import labelled, to_drive, to_local

MARK = "\u241b"

# The mark, both kinds of digits and bytes of halved characters: what the escapes are made of.
_PIECES = [
    MARK,
    "1B",
    "2F",
    "2E",
    "00",
    "E9",
    "C3",
    "A9",
    "%2F",
    ".",
    "..",
    " ",
    "é",
    "e\u0301",
    "a",
]

any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
tricky_text = st.lists(
    st.sampled_from([*_PIECES, "/", "\0", "\n", "\u202e"]), min_size=1, max_size=25
).map("".join)
drive_names = any_text | tricky_text  # short enough to fit in 255 bytes even when all is escaped

_RAW_PIECES = [p.encode() for p in _PIECES] + [
    b"\xe9",
    b"\xc3",
    b"\xa9",
    b"\xe2",
    b"\x82",
    b"\xac",
    b"\xff",
]
raw_names = (
    st.binary(min_size=1, max_size=255)
    | st.lists(st.sampled_from(_RAW_PIECES), min_size=1, max_size=50).map(b"".join)
).filter(lambda raw: b"/" not in raw and b"\0" not in raw and raw not in {b".", b".."})
local_names = raw_names.map(lambda raw: raw[:255].decode("utf-8", "surrogateescape"))


def raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


@given(local_names)
@settings(max_examples=500)
@example("caf\udce9.txt")
@example(f"a{MARK}2Fb")
@example(f"a{MARK}E9b")
@example(f"{MARK}C3{MARK}A9")
@example(f"{MARK}1B")
@example(MARK)
@example("\udcff" * 255)
def test_every_local_name_comes_back_from_drive(name: str) -> None:
    on_drive = to_drive(name)
    on_drive.encode("utf-8")  # strict: Drive takes nothing else
    assert on_drive
    assert to_local(on_drive) == name


@given(drive_names)
@settings(max_examples=500)
@example("a/b")
@example(".")
@example("..")
@example("\0")
@example(f"{MARK}C3{MARK}A9")
@example(f"{MARK}1BC3{MARK}1BA9")
@example(f"a/{MARK}E9")
@example(f"{MARK}E9")
@example(f"{MARK}2E")
def test_every_drive_name_that_fits_comes_back_from_disk(name: str) -> None:
    assert to_drive(to_local(name)) == name


@given(st.text() | tricky_text | st.just("x" * 1000) | st.text(min_size=300, max_size=400))
@settings(max_examples=500)
@example("")
@example("../../etc/passwd")
@example("\ud800\udc80")
@example(("\U0001f600" * 400) + ".ipynb")
def test_whatever_drive_says_becomes_one_safe_part(name: str) -> None:
    local = to_local(name)
    assert local not in {"", ".", ".."}
    assert "/" not in local
    assert "\0" not in local
    assert 1 <= len(raw(local)) <= 255


@given(local_names, local_names)
def test_two_local_names_never_meet_on_drive(one: str, other: str) -> None:
    assert (to_drive(one) == to_drive(other)) == (one == other)


@pytest.mark.parametrize(
    "name",
    [
        "Lab 03, été.ipynb",
        "100%",
        "a%2Fb.csv",
        'it\'s "quoted".txt',
        " leading and trailing ",
        "trailing.",
        "new\nline",
        "tab\tand\x7f",
        unicodedata.normalize("NFC", "é"),
        unicodedata.normalize("NFD", "é"),
        "A",
        "a",
        "CON",
        "日本語\uff0f資料.txt",
        "\u202egnp.exe",
        "-rf",
        "~",
    ],
)
def test_ordinary_names_are_their_own(name: str) -> None:
    assert to_drive(name) == name
    assert to_local(name) == name


def test_what_people_see() -> None:
    assert to_drive("caf\udce9.txt") == f"caf{MARK}E9.txt"
    assert to_local("Group A/B.ipynb") == f"Group A{MARK}2FB.ipynb"
    assert to_local("..") == f"{MARK}2E{MARK}2E"
    assert to_local("") == "Untitled"


def test_long_names_keep_their_suffix_and_stay_apart() -> None:
    one, other = "x" * 1000 + "1.ipynb", "x" * 1000 + "2.ipynb"
    assert to_local(one) != to_local(other)
    assert to_local(one).endswith(".ipynb")
    assert to_local(one).startswith("x" * 200)
    assert len(raw(to_local(one))) == 255
    assert to_local(one) == to_local(one)
    assert len(raw(to_local("é" * 127 + "x"))) == 255
    assert to_local("é" * 127 + "x") == "é" * 127 + "x"
    assert to_local("." + "x" * 300).startswith(".xxx")
    assert to_drive(to_local(one)) == to_local(one)


def test_a_long_name_of_bytes_that_are_no_utf_8_is_cut_between_them() -> None:
    assert to_local(f"{MARK}E9" * 400).startswith("\udce9" * 242 + "\u2026")
    assert to_local("é" * 300).startswith("é" * 121 + "\u2026")


@pytest.mark.parametrize(
    ("local", "stem"),
    [
        ("a" * 300 + ".txt", "a" * 245),
        ("\u00e9" * 150 + ".txt", "\u00e9" * 122),  # two bytes each: none is cut in half
        ("\udce9" * 300 + ".txt", "\udce9" * 245),
    ],
)
def test_a_long_part_gives_way_to_its_label(local: str, stem: str) -> None:
    assert labelled(local, "old") == f"{stem} (old).txt"
