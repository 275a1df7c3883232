"""How two versions differ, as a person reads it."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_drive_sync.engine import difference
from jupyter_drive_sync.engine.difference import Difference, Line, compare


def notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    values = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(values).encode()


def code(source: str, *outputs: dict[str, Any], count: int = 1) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": source[:3] or "x", "metadata": {}, "execution_count": count,
        "source": source.splitlines(keepends=True), "outputs": list(outputs),
    }  # fmt: skip


def said(found: Difference) -> list[str]:
    return [f"{line.sign or ' '} {line.text}" for line in found.lines]


@pytest.fixture
def without_nbdime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nbdime.diffing.notebooks", None)


def test_the_same() -> None:
    assert compare(b"a", b"a", notebook=False) == Difference("same")


def test_texts() -> None:
    before = "".join(f"{n}\n" for n in range(10)).encode()
    found = compare(before, before.replace(b"5", b"five"), notebook=False)
    assert said(found) == [
        "@ @@ -3,7 +3,7 @@", "  2", "  3", "  4", "- 5", "+ five", "  6", "  7", "  8",
    ]  # fmt: skip


def test_what_is_no_text() -> None:
    assert compare(b"\xff\xfe", b"\xff", notebook=False) == Difference("binary")


def test_a_long_one_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difference, "_LINES", 3)
    found = compare(b"", b"a\nb\nc\nd\n", notebook=False)
    assert said(found) == ["@ @@ -0,0 +1,4 @@", "+ a", "+ b"]
    assert found.more == 2


@pytest.mark.usefixtures("without_nbdime")
def test_notebooks_as_they_are_seen() -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": ["1\n"]}
    plain = {"output_type": "execute_result", "data": {"text/plain": "2"}}
    picture = {"data": {"text/plain": "<Figure>", "image/png": "AAAA", "x/json": {"a": 1}}}
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'x'"}
    before = notebook(code("a = 1\nb = 2", stream))
    after = notebook(code("a = 1\nb = 3", stream, plain, picture, error))
    found = compare(before, after, notebook=True)
    assert found.how == "text"
    assert said(found) == [
        "@ @@ -1,4 +1,8 @@", "  — 1: code —", "  a = 1", "- b = 2", "+ b = 3", "  > 1",
        "+ > 2", "+ > [image/png, 4]", "+ > [x/json, 8]", "+ > KeyError: 'x'",
    ]  # fmt: skip


@pytest.mark.usefixtures("without_nbdime")
def test_what_nobody_sees_in_a_notebook() -> None:
    found = compare(notebook(code("a", count=1)), notebook(code("a", count=2)), notebook=True)
    assert found.lines == (Line("@", "metadata"),)


@pytest.mark.parametrize("broken", [b"{", b"[]", b"{}", b'{"cells": [1]}'])
def test_what_is_no_notebook_is_compared_as_a_text(broken: bytes) -> None:
    found = compare(broken, notebook(), notebook=True)
    assert found.how == "text"
    assert found.lines[1] == Line("-", broken.decode())


class _FakeConfig:
    def __init__(self, out: io.StringIO, **_: object) -> None:
        self.out = out


@pytest.mark.parametrize("works", [True, False])
def test_what_nbdime_prints(monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    """Its form, as of 4.0; where it cannot compare, the text is read."""

    def printed(_a: str, _b: str, _old: object, changes: str, config: _FakeConfig) -> None:
        config.out.write(changes)

    def compared(_old: object, _new: object) -> str:
        assert works, "nbdime asserts"
        return (
            "nbdiff\n--- \n+++ \n## modified /cells/0/source:\n@@ -1 +1 @@\n   a = 1\n-  b = 2\n"
            "+  b = 3\n\n"
        )

    notebooks = SimpleNamespace(diff_notebooks=compared)
    pretty = SimpleNamespace(PrettyPrintConfig=_FakeConfig, pretty_print_notebook_diff=printed)
    monkeypatch.setitem(sys.modules, "nbdime.diffing.notebooks", notebooks)
    monkeypatch.setitem(sys.modules, "nbdime.prettyprint", pretty)
    monkeypatch.setitem(sys.modules, "nbdime.diffing", SimpleNamespace(notebooks=notebooks))
    monkeypatch.setitem(sys.modules, "nbdime", SimpleNamespace())
    found = compare(notebook(code("b = 2")), notebook(code("b = 3")), notebook=True)
    assert found.how == ("nbdime" if works else "text")
    by_nbdime = ["@ modified /cells/0/source", "@ @@ -1 +1 @@", "  a = 1", "- b = 2", "+ b = 3"]
    assert (said(found) == by_nbdime) is works


def test_by_nbdime_where_it_is_installed() -> None:
    pytest.importorskip("nbdime")
    before = notebook(code("a = 1\nb = 2"), code("c"))
    after = notebook(code("a = 1\nb = 3"), code("c"), code("new"))
    found = compare(before, after, notebook=True)
    assert found.how == "nbdime"
    assert "@ modified /cells/0/source" in said(found)
    assert {"- b = 2", "+ b = 3"} <= set(said(found))
    assert any(line.sign == "+" and "new" in line.text for line in found.lines)
