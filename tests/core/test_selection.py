"""What is mirrored, what is left out, and by which rule."""

from __future__ import annotations

import shutil
import subprocess
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import Kind, LeftOut, RelPath
from jupyter_drive_sync.errors import BadSettings

FILE, FOLDER = Kind.FILE, Kind.FOLDER


def judge(selection: Selection, path: str, size: int = 0) -> LeftOut | None:
    """Judge a path, a folder if it ends in ``/``."""
    kind = FOLDER if path.endswith("/") else FILE
    return selection.judge(RelPath(path.rstrip("/")), kind, size)


def reason(selection: Selection, path: str, size: int = 0) -> str:
    left_out = judge(selection, path, size)
    return left_out.reason if left_out else ""


PLAIN = Settings()


@pytest.mark.parametrize(
    "path",
    [
        "Lab 1.ipynb",
        "course/",
        "course/data.csv",
        "env/",
        "env/notes.txt",
        "venv/",
        "build/",
        "notes.tmp",
        "notes~",
        ".env",
        ".bash_history",
        ".bashrc",
        ".gitignore",
        ".gitmodules",
        "project/.git",
        "project/.github/",
        "cache/",
        "Trash/",
        ".config/matplotlib/",
        ".local/share/jupyter/kernels/",
        ".docker/",
        "credentials.json",
        "caf\udce9.txt",
    ],
)
def test_work_is_mirrored(path: str) -> None:
    assert judge(Selection(PLAIN), path) is None


@pytest.mark.parametrize(
    "path",
    [
        ".cache/",
        "course/__pycache__/",
        "course/.ipynb_checkpoints/",
        "a/.mypy_cache/",
        ".pytest_cache/",
        ".npm/",
        ".conda/pkgs/",
        "a/.venv/",
        "a/node_modules/",
        ".local/lib/python3.11/",
        "R/x86_64-pc-linux-gnu-library/4.3/",
        ".Trash/",
        ".Trash-1000/",
        ".local/share/Trash/",
        ".git/",
        "project/.git/",
        "a/.notes.txt.swp",
        "a/.~lock.table.ods#",
        "a/.~Lab.ipynb",
        "a/~$report.docx",
        "a/.nfs000000000123abcd00000001",
        ".DS_Store",
    ],
)
def test_what_can_be_made_again_is_left_out_by_default(path: str) -> None:
    left_out = judge(Selection(PLAIN), path)
    assert left_out is not None
    assert left_out.reason == "excluded"
    assert left_out.rule.endswith(" (default)")
    assert judge(Selection(Settings(default_excludes=False)), path) is None
    name = path.rstrip("/").rpartition("/")[2].replace("$", "\\$").replace("#", "\\#")
    assert judge(Selection(PLAIN, driveignore=f"!{name}\n"), path) is None


@pytest.mark.parametrize(
    "path",
    [
        ".ssh/",
        ".ssh/id_ed25519",
        "old-laptop/.ssh/",
        ".gnupg/",
        ".aws/",
        ".config/gcloud/",
        ".azure/",
        ".kube/",
        ".netrc",
        ".git-credentials",
        ".pypirc",
        ".npmrc",
        "project/.npmrc",
        ".docker/config.json",
        ".config/rclone/",
        ".local/share/jupyter/runtime/",
        ".local/share/jupyter/runtime/jupyter_cookie_secret",
        "jupyterhub_cookie_secret",
        "client_secrets.json",
        "keys/service_account.json",
        "service-account-course.json",
        "keys/my-course-0123456789ab.json",
        "project/client_secret_123.apps.googleusercontent.com.json",
        ".local/share/jupyter/notebook_secret",
        ".jupyter/jupyter_server_config.json",
    ],
)
def test_nobody_can_lift_a_secret(path: str) -> None:
    lifted = Settings(default_excludes=False, excludes=("!*", "!*/", f"!/{path}"), includes=("*",))
    for selection in (
        Selection(PLAIN),
        Selection(lifted, driveignore=f"!*\n!/{path}\n!{path}\n!**/{path}\n"),
    ):
        left_out = judge(selection, path)
        assert left_out is not None
        assert left_out.reason == "secret"
        assert left_out.rule.endswith("(never mirrored)")


@pytest.mark.parametrize("state", [None, RelPath("elsewhere/state")])
def test_nobody_can_lift_our_own_state(state: RelPath | None) -> None:
    lifted = Settings(default_excludes=False, excludes=("!*", "!**/state/"), includes=("*",))
    for selection in (Selection(PLAIN, state=state), Selection(lifted, state=state)):
        assert reason(selection, ".local/state/jupyter-drive-sync/") == "state"
        assert reason(selection, ".local/state/jupyter-drive-sync/ledger.sqlite") == "state"
        assert reason(selection, ".local/state/other/") == ""
        assert reason(selection, "elsewhere/state/") == ("state" if state else "")
        assert reason(selection, "elsewhere/") == ""


def test_a_file_that_is_named_as_a_key_is_left_out_and_nothing_else() -> None:
    lifted = Settings(includes=("/lab/key",), excludes=("!key",))
    for rules in (PLAIN, lifted):
        selection = Selection(rules, keys={RelPath("lab/key")})
        assert judge(selection, "lab/key") == LeftOut(
            RelPath("lab/key"), "secret", "named as a key or an OAuth client"
        )
        assert reason(selection, "lab/key/") == ""
    assert reason(Selection(PLAIN, keys={RelPath("lab/key")}), "lab/key.txt") == ""


def test_the_rule_is_named_in_the_persons_own_spelling() -> None:
    selection = Selection(
        Settings(excludes=("raw/",), max_file_size=1000),
        driveignore="# big things\n\n*.zip  \n",
    )
    assert judge(selection, "a/b.zip") == LeftOut(
        RelPath("a/b.zip"), "excluded", "*.zip (.driveignore, line 3)"
    )
    assert judge(selection, "raw/") == LeftOut(RelPath("raw"), "excluded", "raw/ (excludes)")
    assert judge(selection, "raw") is None
    assert judge(selection, "raw/a/b") == LeftOut(RelPath("raw/a/b"), "excluded", "raw/ (excludes)")
    assert judge(selection, "a/node_modules/") == LeftOut(
        RelPath("a/node_modules"), "excluded", "node_modules/ (default)"
    )
    assert judge(selection, "big.bin", 1001) == LeftOut(
        RelPath("big.bin"), "too_large", "max_file_size = 1000", 1001
    )
    assert judge(selection, "fits.bin", 1000) is None
    assert judge(selection, "folder/", 4096) is None


def test_the_last_match_decides_and_settings_come_last() -> None:
    selection = Selection(Settings(excludes=("*.log",)), driveignore="*.csv\n!keep.csv\n!all.log\n")
    assert reason(selection, "a/b.csv") == "excluded"
    assert reason(selection, "a/keep.csv") == ""
    assert reason(selection, "all.log") == "excluded"


def test_lifting_a_folder_does_not_lift_what_defaults_leave_out_in_it() -> None:
    selection = Selection(PLAIN, driveignore="!node_modules/\n")
    assert reason(selection, "site/node_modules/") == ""
    assert reason(selection, "site/node_modules/left-pad/index.js") == ""
    assert reason(selection, "site/node_modules/.cache/") == "excluded"


def test_a_file_cannot_be_lifted_out_of_a_left_out_folder_and_the_rule_says_so() -> None:
    left_out = judge(Selection(PLAIN, driveignore="data/\n!data/keep.csv\n"), "data/keep.csv")
    assert left_out is not None
    assert left_out.rule == (
        "data/ (.driveignore, line 1); !data/keep.csv (.driveignore, line 2) cannot lift it out of "
        "a folder that is left out"
    )
    rescued = Selection(PLAIN, driveignore="data/*\n!data/keep.csv\n")
    assert reason(rescued, "data/") == ""
    assert reason(rescued, "data/keep.csv") == ""
    assert reason(rescued, "data/other.csv") == "excluded"


@pytest.mark.parametrize("bad", ["!", "\\", "/", "[z", "!/"])
def test_a_bad_pattern_is_named_with_its_place(bad: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Selection(PLAIN, driveignore=f"ok\n{bad}\n")
    assert ".driveignore" in caught.value.sentence
    assert "line 2" in caught.value.sentence
    assert bad in caught.value.sentence
    for settings_ in (Settings(excludes=(bad,)), Settings(includes=(bad,))):
        with pytest.raises(BadSettings):
            Selection(settings_)


class TestIncludes:
    def test_only_the_chosen_course_and_the_way_to_it(self) -> None:
        selection = Selection(Settings(includes=("/courses/data8/", "/notes.md")))
        assert selection.partial
        assert reason(selection, "courses/") == ""
        assert selection.only_leads(RelPath("courses"))
        assert reason(selection, "courses/data8/") == ""
        assert not selection.only_leads(RelPath("courses/data8"))
        assert reason(selection, "courses/data8/hw/1.ipynb") == ""
        assert reason(selection, "courses/cs61a/") == "not_included"
        assert reason(selection, "courses/readme.txt") == "not_included"
        assert reason(selection, "notes.md") == ""
        assert reason(selection, "other/") == "not_included"
        assert reason(selection, "other/courses/data8/") == "not_included"

    def test_excludes_count_inside(self) -> None:
        selection = Selection(Settings(includes=("/course/",), excludes=("*.zip",)))
        assert reason(selection, "course/a.zip") == "excluded"
        assert reason(selection, "course/.ipynb_checkpoints/") == "excluded"
        assert reason(selection, "course/.ssh/") == "secret"

    @pytest.mark.parametrize("pattern", ["*.ipynb", "**/*.ipynb", "**/deep/*.ipynb"])
    def test_a_pattern_for_any_depth_leads_through_every_folder(self, pattern: str) -> None:
        selection = Selection(Settings(includes=(pattern,)))
        assert reason(selection, "a/b/") == ""
        assert selection.only_leads(RelPath("a/b"))
        assert reason(selection, "a/b/deep/c.ipynb") == ""
        assert reason(selection, "a/b/deep/c.csv") == "not_included"

    def test_stars_between_slashes_lead_level_by_level(self) -> None:
        selection = Selection(Settings(includes=("/a/*/final/", "/b/**/x.csv", "!/a/old/final/")))
        assert reason(selection, "a/") == ""
        assert reason(selection, "a/2024/") == ""
        assert reason(selection, "a/2024/final/x/y") == ""
        assert reason(selection, "a/2024/draft/") == "not_included"
        assert reason(selection, "a/old/final/") == "not_included"
        assert reason(selection, "b/c/d/") == ""
        assert reason(selection, "b/c/d/x.csv") == ""
        assert reason(selection, "b/x.csv") == ""
        assert reason(selection, "c/") == "not_included"

    def test_no_includes_is_all(self) -> None:
        assert not Selection(PLAIN).partial
        assert not Selection(PLAIN).only_leads(RelPath("a"))


class TestEnvironments:
    def test_known_by_what_they_hold(self) -> None:
        selection = Selection(PLAIN)
        found = selection.judge_environment(RelPath("my/env"), ["bin", "pyvenv.cfg"])
        assert found is not None
        assert found.reason == "excluded"
        assert "pyvenv.cfg" in found.rule
        assert selection.judge_environment(RelPath("conda"), {"conda-meta"}) is not None
        assert selection.judge_environment(RelPath("env"), ["notes.txt"]) is None
        assert selection.judge_environment(RelPath(""), ["pyvenv.cfg"]) is None

    def test_can_be_lifted(self) -> None:
        lifted = Selection(PLAIN, driveignore="!/my/env/\n")
        assert lifted.judge_environment(RelPath("my/env"), ["pyvenv.cfg"]) is None
        assert lifted.judge_environment(RelPath("other"), ["pyvenv.cfg"]) is not None
        off = Selection(Settings(default_excludes=False))
        assert off.judge_environment(RelPath("env"), ["pyvenv.cfg"]) is None


def test_the_signature_tells_whether_rules_changed() -> None:
    base = Selection(PLAIN, driveignore="a\nb\n").signature
    assert Selection(PLAIN, driveignore="# why\na\r\n\nb").signature == base
    assert Selection(PLAIN, driveignore="a\nb\n", keys=[RelPath("k")]).signature == base
    others = [
        Selection(PLAIN, driveignore="b\na\n"),
        Selection(Settings(excludes=("c",)), driveignore="a\nb\n"),
        Selection(Settings(includes=("c",)), driveignore="a\nb\n"),
        Selection(Settings(max_file_size=5), driveignore="a\nb\n"),
        Selection(Settings(default_excludes=False), driveignore="a\nb\n"),
        Selection(PLAIN, driveignore="a\nb\n", state=RelPath("s")),
        Selection(PLAIN, driveignore="a\nb\n\udcff\n"),
    ]
    assert len({base, *(other.signature for other in others)}) == len(others) + 1


def test_a_path_of_2000_folders_is_judged() -> None:
    path = "/".join(["d"] * 2000)
    assert reason(Selection(PLAIN, driveignore="/d/d/e\n"), path) == ""
    assert reason(Selection(PLAIN, driveignore="/d/d/d/\n"), path) == "excluded"


def test_verdicts_do_not_depend_on_what_was_asked_before() -> None:
    asked = Selection(PLAIN, driveignore="/3/\n!x\n")
    for number in range(25_000):
        judge(asked, f"{number}/sub/")
    fresh = Selection(PLAIN, driveignore="/3/\n!x\n")
    for path in ("3/sub/", "4/sub/x", "3/x", "24999/sub/"):
        assert judge(asked, path) == judge(fresh, path)


names = st.sampled_from(["a", "b", "ab", "a.txt", "b.txt", "c"])
patterns = st.builds(
    lambda lift, root, parts, end: f"{lift}{root}{'/'.join(parts)}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(
        st.sampled_from(["a", "b", "*", "a*", "*.txt", "?", "[ab]", "c"]), min_size=1, max_size=3
    ),
    st.sampled_from(["", "/"]),
)


GIT = shutil.which("git")


@pytest.mark.skipif(GIT is None, reason="git is the judge here")
@given(
    st.lists(patterns, min_size=1, max_size=5),
    st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_git_judges_alike(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], paths: list[str]
) -> None:
    root = tmp_path_factory.mktemp("repository")
    git = [str(GIT), "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    (root / ".git/info/exclude").write_text("\n".join(lines) + "\n")
    files = []
    for path in paths:
        target = root / path
        if any(parent.is_file() for parent in target.parents) or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        files.append(path)
    listed = subprocess.run(
        [*git, "ls-files", "-zo", "--exclude-standard"], check=True, capture_output=True
    ).stdout
    kept = {path for path in listed.decode().split("\0") if path}
    selection = Selection(Settings(default_excludes=False), driveignore="\n".join(lines))
    assert {path for path in files if judge(selection, path) is None} == kept


def test_half_a_million_paths_are_judged_in_seconds() -> None:
    selection = Selection(PLAIN, driveignore="*.zip\n/scratch/\n!keep.zip\n")
    started = process_time()
    for folder in range(50):
        for number in range(1000):
            selection.judge(RelPath(f"course {folder}/notebook {number}.ipynb"), FILE, 10)
    assert process_time() - started < 5  # 0.3 s on a slow machine, a tenth of half a million
