"""A sync of one home among many, held inside it by the kernel.

Where a worker has all homes mounted, a link in one of them (a state folder that points into a
neighbour's) must not lead out. Looking at the path first is no help: its owner may swap it in the
meantime. So the process gives up, for good and before it touches the home, every right to files
but those below the home, and reading those that programs need.

Sources: Linux kernel documentation, "Landlock: unprivileged access control";
landlock_restrict_self(2); openat2(2), ``RESOLVE_BENEATH``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from jupyter_drive_sync.errors import HomeRefused

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_OPENAT2: Final = 437
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_SET_NO_NEW_PRIVS: Final = 38
_BENEATH: Final = 0x08 | 0x04 | 0x02  # RESOLVE_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights to files that a version of the kernel's interface knows, by the version that brought
the last of them."""
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | (1 << 14) | (1 << 15)
"""Those that make sense for what is no folder."""

_READABLE: Final = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/etc", "/proc",
    "/sys/fs/cgroup", "/dev/urandom", "/dev/random", "/dev/zero", "/run/systemd/resolve",
    "/run/resolvconf", "/nix/store",
)  # fmt: skip
_WRITABLE: Final = ("/dev/null",)


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result: int = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def open_beneath(root: str, below: str) -> int:
    """Open a folder below another one, through no link at all.

    Args:
        root: the folder of the homes; it may be a link itself.
        below: relative path.

    Returns:
        A descriptor that can be looked at and passed on, and no more (``O_PATH``).

    Raises:
        OSError: there is no such folder, or a link is on the way.
    """
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        how = _How(os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, 0, _BENEATH)
        size = ctypes.c_size_t(ctypes.sizeof(how))
        return _syscall(_OPENAT2, ctypes.c_int(top), os.fsencode(below), ctypes.byref(how), size)
    finally:
        os.close(top)


def version() -> int:
    """Return the version of the kernel's interface; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    with contextlib.suppress(OSError):
        return _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    return 0


def confine(root: str, below: str) -> None:
    """Give up all files but those of one home, for this process and all that it starts.

    Args:
        root: the folder of the homes.
        below: the home, relative to it.

    Raises:
        HomeRefused: a link is on the way to the home, or this kernel cannot confine.
    """
    home = f"{root}/{below}"
    known = version()
    if not known:
        raise HomeRefused(
            home=home,
            problem="this kernel cannot confine a sync to one home (Landlock, Linux 5.13); see "
            "homes_confine",
        )
    every = _RIGHTS[max(each for each in _RIGHTS if each <= known)]
    try:
        inside = open_beneath(root, below)
    except OSError as problem:
        raise HomeRefused(home=home, problem=f"it cannot be reached: {problem.strerror}") from None
    rules = _syscall(
        _CREATE_RULESET,
        ctypes.byref(_Ruleset(every)),
        ctypes.c_size_t(ctypes.sizeof(_Ruleset)),
        ctypes.c_uint32(0),
    )
    try:
        _allow(rules, inside, every)
        for path in (*_READABLE, *_python()):
            _allow_path(rules, path, _READ & every)
        for path in _WRITABLE:
            _allow_path(rules, path, (_READ | _WRITE_FILE) & every)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _syscall(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)
        os.close(inside)


def become(user: int, group: int) -> None:
    """Take on somebody's rights, for good; no other group comes along.

    Here and not when the process is started: Python itself may lie where only we can read it.

    Raises:
        HomeRefused: we are not root, or are asked to stay it.
    """
    try:
        if not user or not group:
            raise PermissionError(1, "root is nobody's own rights")
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    except OSError as problem:
        raise HomeRefused(
            home=f"The home of user id {user}", problem=f"we may not act as it: {problem.strerror}"
        ) from None
    os.umask(0o077)


def _python() -> Iterable[str]:
    """Name where Python and its libraries lie, and what speaks for Google's servers."""
    named = (os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path, *named}
    return sorted(path for path in found if path and path != "/" and Path(path).is_absolute())


def _allow_path(rules: int, path: str, rights: int) -> None:
    with contextlib.suppress(OSError):  # not every system has each of them
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            _allow(rules, fd, rights if Path(path).is_dir() else rights & _OF_FILES)
        finally:
            os.close(fd)


def _allow(rules: int, fd: int, rights: int) -> None:
    rule = _PathBeneath(rights, fd)
    _syscall(
        _ADD_RULE,
        ctypes.c_int(rules),
        ctypes.c_int(_PATH_BENEATH),
        ctypes.byref(rule),
        ctypes.c_uint32(0),
    )
