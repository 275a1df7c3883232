"""How two versions of a file differ, as lines for a person.

A notebook is compared by nbdime where that is installed, else as the text that a person sees in it:
cells and outputs, without the JSON around them.
"""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

How = Literal["same", "text", "nbdime", "binary", "large"]

LIMIT: Final = 5_000_000
"""Bytes of a version that is compared."""
_LINES: Final = 2000
"""Lines of a difference that are shown."""
_CONTEXT: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference.

    Attributes:
        sign: ``+`` is in the later version alone, ``-`` in the earlier one, ``@`` names a place,
            ``""`` is in both.
        text: of the line.
    """

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs.

    Attributes:
        how: what the lines were made by; ``same``, ``binary`` and ``large`` have none.
        lines: at most some thousands.
        more: lines that are not among them.
    """

    how: How
    lines: tuple[Line, ...] = ()
    more: int = 0


def compare(before: bytes, after: bytes, *, notebook: bool) -> Difference:
    """Say how a version differs from a later one.

    Args:
        before: the earlier version.
        after: the later one.
        notebook: whether they are notebooks; those that cannot be read as such are texts.
    """
    if before == after:
        return Difference("same")
    if notebook:
        try:
            return _notebooks(json.loads(before), json.loads(after))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # half a notebook, or none: as it stands there
    try:
        return _cut("text", _unified(before.decode().splitlines(), after.decode().splitlines()))
    except UnicodeDecodeError:
        return Difference("binary")


def _cut(how: How, lines: Iterable[Line]) -> Difference:
    every = tuple(lines)
    return Difference(how, every[:_LINES], max(0, len(every) - _LINES))


def _unified(before: list[str], after: list[str]) -> Iterator[Line]:
    lines = difflib.unified_diff(before, after, lineterm="", n=_CONTEXT)
    for number, line in enumerate(lines):
        if number >= 2:  # the first two would name the files
            sign = line[:1].strip()
            yield Line(sign, line if sign == "@" else line[1:])


def _notebooks(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    shown = _by_nbdime(before, after)
    if shown is not None:
        return _cut("nbdime", shown)
    lines = _unified([*_readable(before)], [*_readable(after)])
    found = _cut("text", lines)
    # What nobody sees in it may differ all the same: metadata, or how often a cell was run.
    return found if found.lines else Difference("text", (Line("@", "metadata"),))


def _by_nbdime(before: dict[str, Any], after: dict[str, Any]) -> list[Line] | None:
    """Compare by nbdime; None where it is not installed or cannot."""
    try:
        nbformat = import_module("nbformat")
        notebooks = import_module("nbdime.diffing.notebooks")
        prettyprint = import_module("nbdime.prettyprint")
    except ImportError:
        return None
    out = io.StringIO()
    config = prettyprint.PrettyPrintConfig(out=out, use_color=False, use_git=False, use_diff=False)
    try:
        old, new = (nbformat.reads(json.dumps(each), as_version=4) for each in (before, after))
        changes = notebooks.diff_notebooks(old, new)
        prettyprint.pretty_print_notebook_diff("", "", old, changes, config)
    except Exception:  # whatever it asserts, the text can be read
        return None
    # The first three name the files.
    return [_of_nbdime(line) for line in out.getvalue().splitlines()[3:] if line.strip()]


def _of_nbdime(line: str) -> Line:
    if line.startswith("## "):
        return Line("@", line[3:].rstrip(":"))
    if line.lstrip().startswith("@@ "):
        return Line("@", line.strip())
    if line[:1] in ("+", "-"):
        return Line(line[0], line[1:].removeprefix("  "))
    return Line("", line.removeprefix("   "))


def _readable(notebook: dict[str, Any]) -> Iterator[str]:
    """Yield what a person sees in a notebook, line by line."""
    for number, cell in enumerate(notebook["cells"], 1):
        yield f"— {number}: {cell['cell_type']} —"
        yield from _text(cell["source"]).splitlines()
        for output in cell.get("outputs", ()):
            yield from (f"> {line}" for line in _shown(output))


def _shown(output: dict[str, Any]) -> Iterator[str]:
    if "text" in output:
        yield from _text(output["text"]).splitlines()
    elif "ename" in output:
        yield f"{output['ename']}: {output['evalue']}"
    else:
        data = output.get("data", {})
        if "text/plain" in data and len(data) == 1:
            yield from _text(data["text/plain"]).splitlines()
        for kind, value in sorted(data.items()) if len(data) > 1 else ():
            if kind != "text/plain":
                yield f"[{kind}, {len(_text(value)):,}]"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
