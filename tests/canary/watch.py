"""What a secret looks like here, and who looks for it: in every channel that leaves the process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MARK: Final = "CaNaRy5eCr3t"
"""Stands in every secret that LocalDrive makes in a test, and in those that tests make up."""

_SHAPES: Final = re.compile(
    rb"ya29\.(?:a0|c\.c0)[\w-]{100,}"  # those of a LocalDrive in another process carry no mark
    rb"|1//0[\w-]{80,}"
    rb"|4/0A[\w-]{60,}"
    rb"|AH-1Ng[\w-]{50,}"
    rb"|GOCSPX-[\w-]{28,}"
    rb"|upload_id=AB[\w-]{40,}"
    rb"|-----BEGIN (?:RSA )?PRIVATE KEY-----"
    rb"|eyJ[\w-]{10,}\.eyJ[\w-]{20,}\.[\w-]{300,}"  # what a service account signs
)
_KEPT: Final = frozenset({"secrets.json", "client_secrets.json", "device_secrets.json"})
"""Files whose matter secrets are: ours, and those that Google's console downloads."""
_MOST: Final = 16 << 20
_SHOWN: Final = 40


class Watch:
    """Collects what slipped out during one test."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.known: set[bytes] = set()
        """Secrets that the program makes itself: proof keys."""
        self.folders: set[Path] = set()
        """State folders that were used."""
        self.channels: set[str] = set()
        """Where something was looked at."""

    def learn(self, secret: str) -> None:
        """Take note of a secret that carries no mark."""
        if len(set(secret)) > 10:
            self.known.add(secret.encode())

    def look(self, channel: str, where: object, *contents: Any) -> None:
        """Look at what leaves by a channel."""
        self.channels.add(channel)
        for content in contents:
            raw = _raw(content)
            found = self._find(raw)
            if found is not None:
                around = raw[max(0, found - _SHOWN) : found + _SHOWN]
                self.hits.append(f"{channel} ({where}): …{around.decode('utf-8', 'replace')}…")

    def _find(self, raw: bytes) -> int | None:
        for secret in (MARK.encode(), *self.known):
            if (place := raw.find(secret)) >= 0:
                return place
        shape = _SHAPES.search(raw)
        return shape.start() if shape else None

    def look_into(self, folder: Path) -> None:
        """Look at all files of a state folder but those that are there for secrets."""
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.name in _KEPT or path.name.startswith(".secrets.json."):
                continue
            if path.is_symlink() or not path.is_file():
                continue
            try:
                with path.open("rb") as file:
                    content = file.read(_MOST)
            except OSError:
                continue
            self.look("state folder", path.name, path.name, content)

    def finish(self) -> list[str]:
        """Look at what the test leaves behind; return all that was found."""
        for folder in sorted(self.folders):
            self.look_into(folder)
        return list(dict.fromkeys(self.hits))


_current = Watch()


def current() -> Watch:
    """Return the watch of the test that runs."""
    return _current


def renew() -> Watch:
    """Begin with a new test."""
    global _current  # noqa: PLW0603 - the hooks are in many places, the test is one
    _current = Watch()
    return _current


@contextmanager
def apart() -> Iterator[Watch]:
    """Watch a block alone: what slips out there is no fault of the test."""
    global _current  # noqa: PLW0603 - as above
    before = _current
    _current = Watch()
    try:
        yield _current
    finally:
        _current = before


def _raw(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    text = content if isinstance(content, str) else repr(content)
    return text.encode("utf-8", "surrogatepass")
