"""Faults as words of a command line: `files.create:503:p=0.2`, `*:lost:every=10:times=3`."""

from __future__ import annotations

import math

from jupyter_drive_sync.localdrive.fault_kinds import KINDS
from jupyter_drive_sync.localdrive.faults import Fault, Parameter

_WHOLE = {"nth": "nth", "every": "every", "times": "times"}
_FLAGS = frozenset({"done", "orderly"})
_PLACES = {"inner": True, "alone": False}
_TEXTS = frozenset({"reason", "to"})


class FaultSyntaxError(ValueError):
    """A fault's text form that means nothing; the message is one sentence for its writer."""


def parse_fault(text: str) -> Fault:
    """Read a fault: `ENDPOINT:KIND[:OPTION…]`.

    Options are `nth=N`, `every=N`, `times=N`, `p=CHANCE`, `method=VERB`, `inner` (in batches only)
    or `alone` (outside of them), and the kind's own, such as `retry_after=7` or the bare word
    `done`. An address (`to=http://host:1`) must come last.

    Raises:
        FaultSyntaxError: The text is no fault; the sentence says what is wrong with it.
    """
    head, found, address = text.partition(":to=")
    words = head.split(":")
    if len(words) < 2 or not words[0] or not words[1]:
        raise FaultSyntaxError(
            f"fault {text!r} must read ENDPOINT:KIND[:OPTION…], such as 'files.create:503:p=0.2'"
        )
    pairs = [(name, value) for name, _, value in (word.partition("=") for word in words[2:])]
    if found:
        pairs.append(("to", address))
    counts: dict[str, int] = {}
    parameters: dict[str, Parameter] = {}
    probability, method, inner = None, None, None
    try:
        for name, value in pairs:
            if name in _WHOLE:
                counts[name] = _whole(name, value)
            elif name == "p":
                probability = _number(name, value)
            elif name == "method":
                method = value.upper()
            elif name in _PLACES:
                _bare(name, value)
                inner = _PLACES[name]
            else:
                parameters[name] = _parameter(name, value)
        return Fault(
            kind=words[1],
            endpoint=words[0],
            method=method,
            probability=probability,
            inner=inner,
            parameters=parameters,
            **counts,
        )
    except ValueError as error:
        raise FaultSyntaxError(f"fault {text!r}: {error}") from None


def _parameter(name: str, value: str) -> Parameter:
    if name in _FLAGS:
        _bare(name, value)
        return True
    if name in _TEXTS:
        return value
    if not any(name in kind.parameters for kind in KINDS.values()):
        raise ValueError(f"there is no option {name!r}")
    return _number(name, value)


def _bare(name: str, value: str) -> None:
    if value:
        raise ValueError(f"{name!r} takes no value")


def _whole(name: str, value: str) -> int:
    if not value.isdecimal():
        raise ValueError(f"{name!r} needs a whole number, not {value!r}")
    return int(value)


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name!r} needs a number, not {value!r}")
    return number


def kinds_help() -> str:
    """Return one line for each kind, for the command line's help."""
    width = max(map(len, KINDS))
    return "\n".join(
        f"{name:{width}}  {kind.sentence} ({kind.number})" for name, kind in KINDS.items()
    )
