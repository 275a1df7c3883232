"""The codec: everything survives the way, nothing foreign gets in, no secret shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync import errors
from jupyter_drive_sync.runner.protocol import (
    Event,
    Garbled,
    Job,
    Need,
    Note,
    Problem,
    Progress,
    Reported,
    Result,
    Started,
    decode_event,
    decode_job,
    encode_event,
    encode_job,
    problem_of,
)

TEXT = st.text()  # lone surrogates included
VALUES = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Started, st.integers()),
    st.builds(Progress, phase=TEXT, done=st.integers(), eta_seconds=st.none() | st.floats(0, 1e9)),
    st.builds(Note, TEXT, TEXT, VALUES),
    st.builds(Need, TEXT),
    st.builds(Result, VALUES),
    st.builds(
        Problem,
        code=TEXT,
        who=st.sampled_from(["user", "admin", "wait", "bug"]),
        sentence=TEXT,
        exit_code=st.integers(0, 4),
        params=st.dictionaries(TEXT, TEXT),
        detail=TEXT,
    ),
)


@given(EVENTS)
def test_events_survive(event: Event) -> None:
    line = encode_event(event)
    assert line.isascii()
    assert "\n" not in line
    assert decode_event(line) == event


@given(home=TEXT, args=VALUES, secret=TEXT)
def test_jobs_survive_and_hide_their_secrets(
    home: str, args: dict[str, object], secret: str
) -> None:
    job = Job("exchange", "j", home, "/s", "home/a", "/c", args=args, secrets={"code": secret})
    assert decode_job(encode_job(job)) == job
    assert repr(job) == repr(replace(job, secrets={}))


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "[]", "1", "null", "{}", '{"event": "other"}', '{"event": "need"}',
     '{"event": "need", "what": "x", "more": 1}', '{"event": []}'],
)  # fmt: skip
def test_foreign_lines_are_refused(line: str) -> None:
    with pytest.raises(Garbled):
        decode_event(line)


@pytest.mark.parametrize("line", ["", "nonsense", "[]", '"mirror"', json.dumps({"kind": "mirror"})])
def test_foreign_jobs_are_refused_without_being_quoted(line: str) -> None:
    with pytest.raises(Garbled) as caught:
        decode_job(line)
    assert caught.value.__cause__ is None
    assert str(caught.value) == "the first line is no job"


def test_a_held_mirror_keeps_its_own_code() -> None:
    held = errors.MirrorHeld(kind="other_home", reason="Another home.", hold="h1")
    told = Reported(problem_of(held))
    assert told.code == "held.other_home"
    assert told.sentence == held.sentence
    assert told.params == held.params
