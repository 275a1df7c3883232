"""A sentence that still knows what it says."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass

from jupyter_drive_sync.core.said import Said, code_of, packed, params_of, unpacked
from jupyter_drive_sync.errors import Unreadable


@dataclass(frozen=True)
class Holder:
    reason: str


def test_it_is_a_sentence_like_any_other() -> None:
    said = Said.of(Unreadable(problem="EIO"))
    assert said == "cannot be read (EIO)"
    assert json.loads(json.dumps({"reason": said})) == {"reason": "cannot be read (EIO)"}
    assert (said.code, said.params) == ("file.unreadable", {"problem": "EIO"})


def test_it_survives_a_copy_and_a_record() -> None:
    said = Said("why", "left_out.excluded", {"rule": "\udcff"})
    for other in (
        copy.deepcopy(said),
        asdict(Holder(said))["reason"],
        unpacked(str(said), packed(said)),
    ):
        assert (other, code_of(other), params_of(other)) == (said, said.code, said.params)


def test_a_bare_sentence_has_neither() -> None:
    assert (code_of("why"), params_of("why"), packed("why")) == ("", {}, "")
    assert packed(Said("why")) == ""
    assert type(unpacked("why", "")) is str
