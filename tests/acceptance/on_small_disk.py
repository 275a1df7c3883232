"""A command on a real small disk, then again with room; run by ``test_small_disk.py``.

Usage: ``on_small_disk.py FOLDER OPTIONS LARGER COMMAND...``, as whoever may mount, in a mount
namespace of its own. ``OPTIONS`` and ``LARGER`` are those of the tmpfs, such as ``size=1m``. For
each of two runs it prints a line of JSON: status, what was said on stderr, checksums of what lies
there.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path


def mount(folder: str, options: str) -> None:
    """Mount or remount a tmpfs."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", folder], check=True)


def run(folder: Path, command: list[str]) -> None:
    """Run the command, and tell how it went."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_drive_sync.cli", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    here = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    said = {"code": done.returncode, "out": done.stdout, "err": done.stderr, "here": here}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run it twice."""
    folder, options, larger, *command = sys.argv[1:]
    mount(folder, options)
    (Path(folder) / "mine.txt").write_text("mine")
    run(Path(folder), command)
    mount(folder, f"remount,{larger}")
    run(Path(folder), command)


if __name__ == "__main__":
    main()
