from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_drive_sync.errors import HomeTooLarge, NotThere, UsageError
from tests.engine.course import Course
from tests.engine.world import World

NEWER = "lab (from Drive, 2023-11-14 22.16 UTC).ipynb"


@pytest.fixture
def course(world: World) -> Course:
    made = Course(world)
    made.put("lab.ipynb", "one")
    made.put("data/a.csv", "1,2")
    return made


def test_all_of_a_folder_comes_with_its_times(course: Course) -> None:
    report = course.bring()
    assert course.here() == {"lab.ipynb": "one", "data/a.csv": "1,2"}
    assert (report.run.outcome, report.objects) == ("completed", 2)
    assert course.outcomes() == {"lab.ipynb": "brought", "data/a.csv": "brought"}
    mtime = (course.world.home / "course/lab.ipynb").stat().st_mtime
    assert mtime == pytest.approx(1_700_000_000 - 3600)


def test_a_second_import_brings_nothing_and_reads_nothing(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.bring()
    monkeypatch.setattr("jupyter_drive_sync.home.read.Home.digest", lambda *_: pytest.fail("read"))
    report = course.bring()
    assert course.outcomes() == {}
    assert report.run.counters["unchanged"] == 2
    # The folder itself, and one query for each of two levels.
    assert dict(course.world.sent) == {"files.get": 1, "files.list": 2}


def test_only_what_changed_comes_and_takes_the_place_of_what_came(course: Course) -> None:
    course.bring()
    course.put("lab.ipynb", "two")
    course.put("new.py", "pass")
    course.bring()
    assert course.here() == {"lab.ipynb": "two", "data/a.csv": "1,2", "new.py": "pass"}
    assert course.outcomes() == {"lab.ipynb": "refreshed", "new.py": "brought"}
    assert dict(course.world.sent) == {"files.get": 3, "files.list": 2}  # two of them contents


def test_an_edit_here_stays_and_the_newer_one_comes_beside_it_once(course: Course) -> None:
    course.bring()
    course.edit("lab.ipynb", "my answer")
    course.bring()
    assert course.outcomes() == {"lab.ipynb": "edited_here"}
    course.put("lab.ipynb", "two", age=-45)
    course.bring()
    both = {"lab.ipynb": "my answer", NEWER: "two", "data/a.csv": "1,2"}
    assert course.here() == both
    assert course.outcomes() == {"lab.ipynb": "beside"}
    course.bring()
    assert course.outcomes() == {"lab.ipynb": "edited_here"}
    (course.world.home / "course" / NEWER).unlink()
    course.bring()
    assert course.here() == {"lab.ipynb": "my answer", "data/a.csv": "1,2"}
    # Whoever wants the newest removes the file.
    (course.world.home / "course/lab.ipynb").unlink()
    course.bring()
    assert course.here()["lab.ipynb"] == "two"
    course.put("lab.ipynb", "three")
    course.bring()
    assert course.here()["lab.ipynb"] == "three"


def test_a_file_that_was_only_touched_is_not_edited(course: Course) -> None:
    course.bring()
    course.edit("lab.ipynb", "one")
    course.bring()
    assert course.outcomes() == {}
    course.put("lab.ipynb", "two")
    course.bring()
    assert course.outcomes() == {"lab.ipynb": "refreshed"}


def test_an_edit_that_makes_it_the_newer_one_is_known(course: Course) -> None:
    course.bring()
    course.edit("lab.ipynb", "two")
    course.put("lab.ipynb", "two")
    course.bring()
    assert course.outcomes() == {}
    course.put("lab.ipynb", "three")
    course.bring()
    assert course.here()["lab.ipynb"] == "three"


def test_what_lay_there_before_is_never_touched(course: Course) -> None:
    course.edit("lab.ipynb", "mine")
    course.edit("data", "a file where a folder should be")
    course.bring()
    here = course.here()
    assert here["lab.ipynb"] == "mine"
    assert here["data"] == "a file where a folder should be"
    assert here["data (from Drive)/a.csv"] == "1,2"
    course.bring()
    assert course.here() == here
    course.put("data/a.csv", "3,4")
    course.bring()
    assert course.here() == {**here, "data (from Drive)/a.csv": "3,4"}


def test_what_vanished_on_drive_stays_and_is_told_until_it_is_gone(course: Course) -> None:
    course.bring()
    course.remove("lab.ipynb")
    for _ in range(2):
        course.bring()
        assert course.outcomes() == {"lab.ipynb": "gone_on_drive"}
        assert course.here()["lab.ipynb"] == "one"
    (course.world.home / "course/lab.ipynb").unlink()
    course.bring()
    assert course.outcomes() == {}
    with course.ledger() as ledger:
        assert {entry.path for entry in ledger.entries().values()} == {"data/a.csv"}


def test_a_file_that_was_put_there_anew_is_a_newer_version(course: Course) -> None:
    course.bring()
    course.remove("lab.ipynb")
    course.put("lab.ipynb", "two")
    course.bring()
    assert course.here()["lab.ipynb"] == "two"
    assert course.outcomes() == {"lab.ipynb": "refreshed"}
    course.put("lab.ipynb", "three")
    course.bring()
    assert course.here()["lab.ipynb"] == "three"


def test_a_rename_on_drive_brings_the_new_name_and_leaves_the_old(course: Course) -> None:
    course.bring()
    course.change(course.files["lab.ipynb"], name="lab-1.ipynb")
    course.bring()
    assert course.outcomes() == {"lab.ipynb": "gone_on_drive", "lab-1.ipynb": "brought"}
    assert course.here()["lab.ipynb"] == course.here()["lab-1.ipynb"] == "one"
    course.bring()
    assert course.outcomes() == {}


def test_twins_on_drive_lie_beside_each_other(course: Course) -> None:
    course.twin("lab.ipynb", b"another", 1_699_990_000_000)
    course.bring()
    here = course.here()
    assert here["lab.ipynb"] == "one"
    assert here["lab (from Drive, 2023-11-14 19.26 UTC).ipynb"] == "another"
    course.bring()
    assert course.here() == here
    course.put("lab.ipynb", "two")
    course.bring()
    assert course.here() == {**here, "lab.ipynb": "two"}


def test_rules_leave_out_and_say_so(course: Course) -> None:
    course.settings = course.settings.__class__(
        excludes=("*.csv",), default_excludes=False, max_file_size=2
    )
    course.put("ok", "1")
    course.folder("empty")
    course.bring()
    assert course.here() == {"ok": "1"}
    assert course.outcomes() == {"ok": "brought", "data/a.csv": "left_out", "lab.ipynb": "left_out"}
    assert (course.world.home / "course/empty").is_dir()


def test_includes_make_no_empty_folders(course: Course) -> None:
    course.settings = course.settings.__class__(includes=("/data/",), default_excludes=False)
    course.folder("other/deeper")
    course.bring()
    assert course.here() == {"data/a.csv": "1,2"}
    assert not (course.world.home / "course/other").exists()


def test_keys_and_our_own_state_are_never_written(course: Course, world: World) -> None:
    course.put(".ssh/authorized_keys", "mine now")
    course.put("..", "dots")
    course.bring()
    assert course.outcomes()[".ssh/authorized_keys"] == "left_out"
    assert not (world.home / "course/.ssh").exists()
    assert course.here()["\u241b2E\u241b2E"] == "dots"


def test_only_some_paths(course: Course) -> None:
    course.bring("data")
    assert course.here() == {"data/a.csv": "1,2"}
    course.bring("lab.ipynb")
    assert course.here() == {"data/a.csv": "1,2", "lab.ipynb": "one"}
    assert course.outcomes() == {"lab.ipynb": "brought"}
    with pytest.raises(NotThere, match=r"There is no nope in that folder on Drive\."):
        course.bring("nope")


def test_a_dry_run_writes_nothing(course: Course, world: World) -> None:
    with pytest.raises(NotThere, match="There is no folder"):
        course.bring(dry_run=True)
    (world.home / "course").mkdir()
    report = course.bring(dry_run=True)
    assert {step.path for step in report.plan.steps} == {"lab.ipynb", "data/a.csv"}
    assert course.here() == {}


def test_aimed_at_another_folder_what_came_stays(course: Course, world: World) -> None:
    course.bring()
    other = Course(world, name="course-b")
    other.put("lab.ipynb", "of b")
    course.folders[""] = other.folders[""]
    course.bring()
    assert course.here()["lab.ipynb"] == "one"
    assert course.outcomes() == {"lab.ipynb": "beside"}


def test_a_folder_that_leads_out_of_the_home_is_refused(
    course: Course, world: World, tmp_path: Path
) -> None:
    (world.home / "course").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="leads out of the home"):
        course.bring()
    (world.home / "course").unlink()
    (world.home / "course").symlink_to(world.state)
    with pytest.raises(UsageError, match="our own state folder"):
        course.bring()


def test_a_link_inside_is_not_followed(course: Course, world: World, tmp_path: Path) -> None:
    course.bring()
    (world.home / "course/data").replace(tmp_path / "elsewhere")
    (world.home / "course/data").symlink_to(tmp_path / "elsewhere")
    course.put("data/a.csv", "3,4")
    course.bring()
    assert (tmp_path / "elsewhere/a.csv").read_text() == "1,2"
    assert course.here()["data (from Drive)/a.csv"] == "3,4"


def test_more_than_the_limit_is_a_sentence(course: Course) -> None:
    course.settings = course.settings.__class__(max_files=2)
    with pytest.raises(HomeTooLarge):
        course.bring()
