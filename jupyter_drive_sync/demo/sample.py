"""A home as students have them: notebooks with outputs, data, a repository, odd names, clutter."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import unicodedata
import zlib
from pathlib import Path
from typing import Any, Final

BIG: Final = 30 * 1024 * 1024
_LAST_CHANGE: Final = 1_780_000_000
"""Seconds since the epoch: every file was changed some time before."""

LEFT_OUT: Final = frozenset(
    {
        ".cache",
        ".ssh",
        "data8/lab01/.ipynb_checkpoints",
        "projects/penguins/.git",
        "projects/penguins/__pycache__",
        "projects/penguins/venv",
    }
)
"""Folders of the sample home that no mirror should hold."""


class SampleHome:
    """Makes a home, and does to it what a person does in a week.

    Args:
        root: an empty folder.
        seed: the same seed makes the same home, byte by byte.
        big: bytes of its largest file.
    """

    def __init__(self, root: Path, seed: int = 8, big: int = BIG) -> None:
        self.root = root
        self._big = big
        self._random = random.Random(seed)  # noqa: S311 - repeatable, and worth nothing

    def make(self) -> None:
        """Fill the home."""
        for lab in range(1, 9):
            folder = f"data8/lab{lab:02}"
            self._write(f"{folder}/lab{lab:02}.ipynb", self._notebook(lab))
            self._write(f"{folder}/measured.csv", self._table(120 * lab))
            self._write(f"{folder}/README.md", f"# Lab {lab}\n\nDue on Friday.\n".encode())
        for homework in range(1, 7):
            self._write(f"data8/homework/hw{homework}.ipynb", self._notebook(homework))
        self._write("data8/lab01/.ipynb_checkpoints/lab01-checkpoint.ipynb", self._notebook(1))
        self._write("data/ocean temperatures.bin", self._random.randbytes(self._big))
        self._write("data/penguins.csv", self._table(4_000))
        self._write("data/empty.csv", b"")
        self._repository("projects/penguins")
        self._odd_names("odd names")
        self._clutter()

    def change(self) -> None:
        """Edit, add, rename a folder, and delete a little."""
        self._write("data8/lab01/lab01.ipynb", self._notebook(101), old=False)
        self._write("data8/homework/hw6.ipynb", self._notebook(106), old=False)
        self._write("data8/lab09/lab09.ipynb", self._notebook(9), old=False)
        self._write("data8/lab09/measured.csv", self._table(50), old=False)
        (self.root / "data8/lab02").rename(self.root / "data8/lab02 (done)")
        (self.root / "data8/homework/hw1.ipynb").unlink()
        (self.root / "data/empty.csv").unlink()

    def _write(self, path: str, content: bytes, *, old: bool = True) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        if old:
            age = self._random.randrange(90 * 86_400 * 1_000)
            stamp = (_LAST_CHANGE * 1_000 - age) * 1_000_000
            os.utime(target, ns=(stamp, stamp))

    def _notebook(self, number: int) -> bytes:
        """Write a notebook with text, a table and a picture among its outputs."""
        values = [round(self._random.gauss(10, 3), 4) for _ in range(200)]
        cells: list[dict[str, Any]] = [
            {"cell_type": "markdown", "metadata": {}, "source": [f"# Notebook {number}\n"]},
            _code(1, "import numpy as np\n", []),
            _code(2, "values\n", [_result(2, {"text/plain": [f"{values}"]})]),
            _code(3, "plot(values)\n", [_result(3, {"image/png": self._picture(values)})]),
            _code(4, "1 / 0\n", [_error()]),
        ]
        notebook = {
            "cells": cells,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        return (json.dumps(notebook, indent=1) + "\n").encode()

    def _picture(self, values: list[float]) -> str:
        """Draw a bar chart as a PNG, in base64. Source: PNG specification, sections 5 and 11."""
        width, height = len(values), 64
        rows = b"".join(
            b"\0" + bytes(0 if 3 * value > height - y else 255 for value in values)
            for y in range(height)
        )
        size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        chunks = (
            (b"IHDR", size + bytes((8, 0, 0, 0, 0))),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
        png = b"\x89PNG\r\n\x1a\n" + b"".join(
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
            for kind, data in chunks
        )
        return base64.b64encode(png).decode()

    def _table(self, rows: int) -> bytes:
        lines = ["species,bill,flipper"]
        for _ in range(rows):
            species = self._random.choice(("Adelie", "Gentoo", "Chinstrap"))
            bill, flipper = self._random.uniform(32, 60), self._random.randrange(170, 235)
            lines.append(f"{species},{bill:.1f},{flipper}")
        return ("\n".join(lines) + "\n").encode()

    def _repository(self, folder: str) -> None:
        """Make a small git repository with one commit, and what grows around one."""
        script = b"def model(x):\n    return 2 * x\n"
        blob = self._git_object(folder, b"blob", script)
        tree = self._git_object(folder, b"tree", b"100644 model.py\0" + blob)
        who = b"Ann Example <ann@example.edu> 1779000000 +0000"
        text = b"tree %s\nauthor %s\ncommitter %s\n\nBegin\n" % (tree.hex().encode(), who, who)
        commit = self._git_object(folder, b"commit", text)
        self._write(f"{folder}/.git/HEAD", b"ref: refs/heads/main\n")
        self._write(f"{folder}/.git/refs/heads/main", commit.hex().encode() + b"\n")
        config = b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
        self._write(f"{folder}/.git/config", config)
        self._write(f"{folder}/model.py", script)
        self._write(f"{folder}/.gitignore", b"venv/\n__pycache__/\n")
        self._write(f"{folder}/venv/pyvenv.cfg", b"version = 3.11\n")
        self._write(f"{folder}/__pycache__/model.cpython-311.pyc", self._random.randbytes(500))

    def _git_object(self, folder: str, kind: bytes, content: bytes) -> bytes:
        """Write a loose object, and return its name. Source: git book, "Git Internals"."""
        whole = kind + b" " + str(len(content)).encode() + b"\0" + content
        name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        self._write(f"{folder}/.git/objects/{name[:2]}/{name[2:]}", zlib.compress(whole))
        return bytes.fromhex(name)

    def _odd_names(self, folder: str) -> None:
        names = [
            'it\'s "quoted".txt',
            "two\nlines.txt",
            " leading and trailing ",
            "back\\slash and %2F.txt",
            "-rf",
            "100 % sure?*.txt",
            "δ Übung 日本語 🐧.md",
            unicodedata.normalize("NFC", "café.txt"),
            unicodedata.normalize("NFD", "café.txt"),
            "Case.txt",
            "case.txt",
            "long " + "x" * 240 + ".txt",
        ]
        for name in [*names, os.fsdecode(b"latin1 caf\xe9.txt")]:
            try:
                # Content tells the names apart where the file system holds two for one.
                self._write(f"{folder}/{name}", name.encode("utf-8", "surrogateescape"))
            except OSError:
                continue  # this file system does not take such a name

    def _clutter(self) -> None:
        """Add what lies about in a home and is not worth a copy."""
        self._write(".bashrc", b"alias ll='ls -l'\n")
        self._write(".cache/pip/http/0a1b2c", self._random.randbytes(2_000))
        self._write(".ssh/id_ed25519", b"not a key\n")
        (self.root / ".ssh/id_ed25519").chmod(0o600)
        (self.root / "latest").symlink_to("data8/lab08")
        (self.root / "empty folder").mkdir()
        os.mkfifo(self.root / "queue.fifo")


def _code(count: int, source: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {},
        "outputs": outputs,
        "source": [source],
    }


def _result(count: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": count,
        "data": data,
        "metadata": {},
    }


def _error() -> dict[str, Any]:
    return {
        "output_type": "error",
        "ename": "ZeroDivisionError",
        "evalue": "division by zero",
        "traceback": ["ZeroDivisionError: division by zero"],
    }
