"""The parent's side stays light: no Google library, no SQLite-bound pass, in a server's process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "googleapiclient",
    "google.auth",
    "google_auth_oauthlib",
    "httplib2",
    "requests",
    "oauthlib",
)


@pytest.mark.parametrize(
    "module",
    [
        "jupyter_drive_sync.runner.parent",
        "jupyter_drive_sync.runner.consent",
        "jupyter_drive_sync.runner.place",
        "jupyter_drive_sync.doctor",
        "jupyter_drive_sync.cli.commands",
    ],
)
def test_no_google_library_is_imported(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert said.strip() == "[]"
