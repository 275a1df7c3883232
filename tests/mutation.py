"""The figure of ``make mutation``: how many of the mutants a test noticed, and which none did.

:data:`EQUIVALENT` names those that no test can notice, each with the reason; they are not counted.
The goal is 90 % of the others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Final

GOAL: Final = 90.0

_WHEN_IMPORTED: Final = "runs once, when the module is imported, before a mutant is chosen"
EQUIVALENT: Final = {
    r"decisions\.x__row__mutmut_\d+": _WHEN_IMPORTED,
}
"""Patterns of mutants' names below ``jupyter_drive_sync.core``, and why they change nothing."""


def results() -> dict[str, str]:
    """Ask mutmut what became of each mutant."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = (line.strip().split(": ") for line in said.splitlines() if ": " in line)
    return {name.removeprefix("jupyter_drive_sync.core."): state for name, state in lines}


def judge(found: dict[str, str]) -> tuple[float, Iterable[str]]:
    """Return the share of mutants that were noticed, in percent, and the names of the others."""
    counted = {
        name: state
        for name, state in found.items()
        if not any(re.fullmatch(pattern, name) for pattern in EQUIVALENT)
    }
    alive = sorted(name for name, state in counted.items() if state not in {"killed", "timeout"})
    return 100 * (len(counted) - len(alive)) / max(1, len(counted)), alive


def main() -> int:
    """Print the figure; fail below the goal."""
    found = results()
    share, alive = judge(found)
    killed = sum(state in {"killed", "timeout"} for state in found.values())
    for name in alive:
        sys.stdout.write(f"nobody noticed {name}\n")
    sys.stdout.write(
        f"{killed} of {len(found)} mutants were noticed; without those that change nothing, "
        f"{share:.1f} % (goal: {GOAL:.0f} %)\n"
    )
    return share < GOAL


if __name__ == "__main__":
    sys.exit(main())
