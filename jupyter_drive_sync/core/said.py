"""A sentence that still knows what it says, so that a surface can say it in another language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_drive_sync.errors import DriveSyncError


class Said(str):
    """A sentence in English, with the stable code of what it says and its values.

    Wherever a sentence does, it does too; where it is told to a person in another language, the
    code chooses the words and the values fill them.

    Args:
        sentence: in English.
        code: stable; ``""`` where nobody has given one.
        params: the values, as JSON knows them.
    """

    __slots__ = ("code", "params")

    code: str
    params: Mapping[str, Any]

    def __new__(
        cls, sentence: str, code: str = "", params: Mapping[str, Any] | None = None
    ) -> Said:
        """Keep code and values beside the sentence."""
        said = super().__new__(cls, sentence)
        said.code = code
        said.params = dict(params or {})
        return said

    @classmethod
    def of(cls, problem: DriveSyncError) -> Said:
        """Take the words of an error, its code and its parameters."""
        return cls(problem.sentence, problem.code, problem.params)


def code_of(sentence: str) -> str:
    """Return the code of a sentence, ``""`` where it has none."""
    return sentence.code if isinstance(sentence, Said) else ""


def params_of(sentence: str) -> dict[str, Any]:
    """Return the values of a sentence."""
    return dict(sentence.params) if isinstance(sentence, Said) else {}


def packed(sentence: str) -> str:
    """Write code and values for a record; ``""`` where there are none."""
    code = code_of(sentence)
    return json.dumps([code, params_of(sentence)]) if code else ""


def unpacked(sentence: str, record: str) -> str:
    """Read a sentence whose code and values :func:`packed` wrote."""
    return Said(sentence, *json.loads(record)) if record else sentence
