"""What is mirrored, and by which rule the rest is left out.

From the strongest: *never* (secrets, our own state; nobody can lift it), the includes (with any,
only what they match), the excludes (defaults, then ``.driveignore``, then the setting; the last
that matches decides, ``!`` lifts what an earlier one left out), the size limit.

The defaults leave out what can be made again (caches, environments, installed packages), what
changes under our hands (locks, swap files, databases of running servers), trash, and ``.git``:
thousands of objects that are torn when read in the middle of a commit; a ``git bundle`` is the way
to mirror a history. They leave in what might be work: ``env/``, ``build/``, ``*.tmp``, ``*~``,
``.env``. An environment is known by its marker rather than its name, see
:meth:`Selection.judge_environment`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from jupyter_drive_sync.core.patterns import Line, Patterns, leading
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import (
    ROOT,
    Kind,
    LeftOut,
    RelPath,
    ancestors,
    name_of,
    parent_of,
)

SECRETS: Final = (
    # Keys and passwords
    ".ssh/",
    ".gnupg/",
    ".password-store/",
    "/.local/share/keyrings/",
    "/Library/Keychains/",
    ".netrc",
    "_netrc",
    ".git-credentials",
    "/.config/git/credentials",
    ".pgpass",
    ".my.cnf",
    ".mylogin.cnf",
    # Clouds
    ".aws/",
    ".azure/",
    ".kube/",
    ".boto",
    ".s3cfg",
    ".vault-token",
    ".databrickscfg",
    ".snowflake/",
    "/.config/gcloud/",
    "/.config/rclone/",
    ".rclone.conf",
    "/.config/gh/",
    "/.config/hub",
    "/.config/doctl/",
    "/.terraform.d/",
    ".terraformrc",
    ".docker/config.json",
    # Package registries and data services
    ".pypirc",
    ".npmrc",
    ".yarnrc.yml",
    "/.cargo/credentials",
    "/.cargo/credentials.toml",
    "/.gem/credentials",
    ".kaggle/kaggle.json",
    "/.config/kaggle/",
    "/.huggingface/",
    "/.cache/huggingface/token",
    "/.cache/huggingface/stored_tokens",
    ".cdsapirc",
    # OAuth clients, ours among them
    "client_secret*.json",
    "application_default_credentials.json",
    # Keys of service accounts, as people call them and as Google's console does
    "service_account*.json",
    "service-account*.json",
    f"*-{'[0-9a-f]' * 12}.json",
    # Keys of Jupyter itself
    "jupyter_cookie_secret",
    "jupyterhub_cookie_secret",
    "notebook_cookie_secret",
    "notebook_secret",
    "/.local/share/jupyter/runtime/",
    "/Library/Jupyter/runtime/",
    "/.jupyter/jupyter_server_config.json",
    "/.jupyter/jupyter_notebook_config.json",
    # Browsers: cookies and saved passwords
    "/.mozilla/",
    "/.config/google-chrome/",
    "/.config/chromium/",
)
"""Left out whatever anybody says: whoever holds these can act as the person."""

KEY: Final = "named as a key or an OAuth client"
"""Why a file that a storage names is left out, in the place of a rule."""

PART: Final = re.compile(r"\.[0-9a-f]{24}\.drive-sync-(part|swap)")
"""Name of a file of ours that is on its way back; never mirrored, whatever anybody says."""

STATE: Final = RelPath(".local/state/jupyter-drive-sync")
"""Where our state lies unless it was moved; an old one stays out after a move."""

DEFAULTS: Final = (
    # Caches
    ".cache/",
    "__pycache__/",
    ".ipynb_checkpoints/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".ccache/",
    ".npm/",
    ".pnpm-store/",
    "/.nv/",
    "/.conda/pkgs/",
    "/.yarn/",
    "/.gradle/caches/",
    "/.ivy2/cache/",
    "/Library/Caches/",
    # Environments and installed packages
    ".venv/",
    "node_modules/",
    "/.virtualenvs/",
    "/.local/share/virtualenvs/",
    "/.local/lib/python*/",
    "/.local/pipx/",
    "/.local/share/pipx/",
    "/.local/share/uv/",
    "/.pyenv/",
    "/.nvm/",
    "/.rustup/",
    "/.cargo/registry/",
    "/.julia/artifacts/",
    "/.julia/compiled/",
    "/.julia/packages/",
    "/.m2/repository/",
    "/.vscode-server/",
    "/.vscode/extensions/",
    "/R/*-library/*/",
    "/go/pkg/",
    # Trash
    ".Trash/",
    ".Trash-*/",
    ".Trashes/",
    "/.local/share/Trash/",
    # Histories, see above
    ".git/",
    # Files that belong to a running program
    ".*.sw[a-p]",
    ".#*",
    ".~*",
    "~$*",
    ".nfs0*",
    ".jupyter_ystore.db*",
    "nbsignatures.db*",
    "*.crdownload",
    # What file managers leave behind
    ".DS_Store",
    "Thumbs.db",
)
"""Left out unless ``default_excludes`` is off or a pattern with ``!`` lifts it."""

MARKERS: Final = {"pyvenv.cfg": "a Python environment", "conda-meta": "a conda environment"}
"""Names that make the folder which holds them an environment."""

_KEPT_FOLDERS: Final = 20_000
"""Verdicts on folders that are remembered at once."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """On a path, its size aside."""

    reason: str = ""
    """Empty: mirrored."""
    rule: str = ""
    included: bool = True
    """False for a folder that is only there for what might lie below it."""


class Selection:
    """The rules of one pass.

    Args:
        settings: ``excludes``, ``includes``, ``default_excludes`` and ``max_file_size`` count.
        driveignore: the text of ``.driveignore`` in the home.
        state: our state folder where that lies below the home.
        keys: files that hold a key, whatever they are called.

    Raises:
        BadSettings: a pattern cannot be used; names where it stands.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        driveignore: str = "",
        state: RelPath | None = None,
        keys: Collection[RelPath] = (),
    ) -> None:
        defaults = DEFAULTS if settings.default_excludes else ()
        own = [
            Line(text.removesuffix("\r"), f".driveignore, line {number}", ".driveignore")
            for number, text in enumerate(driveignore.split("\n"), 1)
        ]
        own += [Line(text, "excludes", "excludes") for text in settings.excludes]
        includes = [Line(text, "includes", "includes") for text in settings.includes]
        self._secrets = Patterns(Line(text, "never mirrored", "") for text in SECRETS)
        self._states = {STATE, state or STATE}
        self._keys = frozenset(keys)
        self._excludes = Patterns([Line(text, "default", "") for text in defaults] + own)
        self._includes = Patterns(includes)
        self._leading = Patterns(leading(includes))
        self._limit = settings.max_file_size
        self._markers = MARKERS if settings.default_excludes else {}
        self._folders: dict[RelPath, _Verdict] = {}

    @property
    def signature(self) -> str:
        """A digest of all rules: equal signatures leave out the same, named keys aside.

        Which keys are named depends on who looks (a server, a night, a program), and a key that is
        left out from now on has not vanished.
        """
        rules = repr(
            (
                [line.text for line in self._secrets.lines],
                sorted(self._states),
                [line.text for line in self._excludes.lines],
                [line.text for line in self._includes.lines],
                self._limit,
                sorted(self._markers),
            )
        )
        return hashlib.sha256(rules.encode("utf-8", "backslashreplace")).hexdigest()

    @property
    def partial(self) -> bool:
        """Whether only chosen paths are mirrored."""
        return bool(self._includes)

    def judge(self, path: RelPath, kind: Kind, size: int = 0) -> LeftOut | None:
        """Say why a path is left out; None for one that is mirrored.

        What lies below a left-out folder is left out with it and need not be asked about.

        Args:
            path: below the home.
            kind: file or folder.
            size: bytes, of a file.
        """
        verdict = self._folder(path) if kind is Kind.FOLDER else self._decide(path, kind)
        if verdict.reason:
            return LeftOut(path, verdict.reason, verdict.rule, size)
        if kind is Kind.FILE and size > self._limit:
            return LeftOut(path, "too_large", f"max_file_size = {self._limit}", size)
        return None

    def judge_environment(self, path: RelPath, names: Collection[str]) -> LeftOut | None:
        """Leave a folder out that is an environment, whatever it is called.

        Args:
            path: a folder that :meth:`judge` lets in.
            names: what it holds.
        """
        marker = next((marker for marker in self._markers if marker in names), None)
        if marker is None or not path:
            return None
        rule = self._excludes.last(path, Kind.FOLDER)
        if rule is not None and rule.lifts:
            return None
        return LeftOut(path, "excluded", f"it holds {marker}: {self._markers[marker]} (default)")

    def only_leads(self, path: RelPath) -> bool:
        """Tell whether a folder is let in just for what might lie below it, by the includes."""
        return not self._folder(path).included

    def _folder(self, path: RelPath) -> _Verdict:
        """Judge a folder, from the top down and without recursion: homes can be 2,000 deep."""
        known = self._folders.get(path)
        if known is not None:
            return known
        if len(self._folders) > _KEPT_FOLDERS:
            self._folders.clear()
        if not path:
            verdict = _Verdict(included=not self._includes)
            self._folders[ROOT] = verdict
            return verdict
        self._folder(ROOT)
        for folder in (*reversed([*ancestors(path)]), path):
            if folder not in self._folders:
                self._folders[folder] = self._decide(folder, Kind.FOLDER)
        return self._folders[path]

    def _decide(self, path: RelPath, kind: Kind) -> _Verdict:
        above = self._folder(parent_of(path))
        rule = self._excludes.last(path, kind)
        if above.reason:
            return _below(above, rule)
        if named := self._named(path, kind):
            return named
        secret = self._secrets.last(path, kind)
        included, why = self._included(path, kind, above)
        if secret is not None:
            return _Verdict("secret", secret.rule)
        if rule is not None and not rule.lifts and not why:
            return _Verdict("excluded", rule.rule)
        return _Verdict("not_included" if why else "", why, included)

    def _named(self, path: RelPath, kind: Kind) -> _Verdict | None:
        """Judge what is left out for what it is, not by a pattern."""
        if kind is Kind.FOLDER:
            state = path in self._states
            return _Verdict("state", "our own state (never mirrored)") if state else None
        if path in self._keys:
            return _Verdict("secret", KEY)
        part = PART.fullmatch(name_of(path))
        return _Verdict("part", "on its way back (never mirrored)") if part else None

    def _included(self, path: RelPath, kind: Kind, above: _Verdict) -> tuple[bool, str]:
        """Tell whether the includes want a path, and if they have no use for it, why."""
        if not self._includes:
            return True, ""
        rule = self._includes.last(path, kind)
        if above.included if rule is None else not rule.lifts:
            return True, ""
        if kind is Kind.FOLDER and self._leading.last(path, kind) is not None:
            return False, ""
        return False, rule.rule if rule is not None else "none of the includes"


def _below(above: _Verdict, rule: Line | None) -> _Verdict:
    """Judge what lies in a left-out folder; say so where a person tried to lift it alone."""
    if above.reason != "excluded" or rule is None or not rule.lifts:
        return above
    why = f"{above.rule}; {rule.rule} cannot lift it out of a folder that is left out"
    return _Verdict("excluded", why)
