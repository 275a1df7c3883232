"""Which host names are Google's, and which are this machine's own."""

from __future__ import annotations

_EXACT = frozenset({"google.com", "googleapis.com", "googleusercontent.com"})
_BELOW = tuple(f".{host}" for host in sorted(_EXACT))
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "localdrive"})


def is_google(host: str) -> bool:
    """Say whether a host name belongs to Google's APIs, accounts or Drive."""
    name = host.lower().rstrip(".")
    return name in _EXACT or name.endswith(_BELOW)


def is_loopback_host(host: str) -> bool:
    """Say whether a host name means this machine; `localdrive` is the caller in process."""
    return host.lower().strip("[]") in _LOOPBACK
