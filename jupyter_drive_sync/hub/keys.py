"""The keys under which grants are kept: rotating, and without one there is no service.

The syntax is that of JupyterHub's own ``JUPYTERHUB_CRYPT_KEY``, the keys are not: whoever has the
hub's database and the hub's key shall not have people's Drives. Source: JupyterHub,
``jupyterhub/crypto.py``; cryptography, "Fernet" and "MultiFernet".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from jupyter_drive_sync.hub.problems import NoKey, WrongKey

VARIABLE: Final = "DRIVE_SYNC_CRYPT_KEY"
_LENGTH: Final = 32


class Keys:
    """Encrypts with the first key, decrypts with any.

    Args:
        keys: of 32 bytes each; the first one is the present one.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        made = [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
        self._all = MultiFernet(made)
        self._present = made[0]
        self._first = keys[0]

    def __repr__(self) -> str:
        return "Keys(…)"

    def encrypt(self, text: str) -> bytes:
        """Encrypt with the present key."""
        return self._all.encrypt(text.encode())

    def decrypt(self, sealed: bytes) -> str:
        """Decrypt with whichever key it was.

        Raises:
            WrongKey: it is none of ours, or somebody changed the text.
        """
        try:
            return self._all.decrypt(sealed).decode()
        except InvalidToken:
            raise WrongKey from None

    def is_present(self, sealed: bytes) -> bool:
        """Tell whether a text was encrypted with the present key."""
        try:
            self._present.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def derive(self, purpose: str) -> bytes:
        """Make another key out of the present one, always the same for one purpose."""
        return hmac.digest(self._first, purpose.encode(), hashlib.sha256)


def read_keys(environment: Mapping[str, str], path: Path | None = None) -> Keys:
    """Read the keys.

    Args:
        environment: has them in ``DRIVE_SYNC_CRYPT_KEY``.
        path: a file that has them instead.

    Raises:
        NoKey: there is none, or one is no key.
    """
    if path is not None:
        try:
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            raise NoKey(problem=f"the key file {path} cannot be read") from None
    else:
        text = environment.get(VARIABLE, "")
    words = [word.strip() for word in text.replace("\n", ";").split(";")]
    keys = tuple(_key(word) for word in words if word)
    if not keys:
        raise NoKey(problem="there is no key")
    return Keys(keys)


def _key(word: str) -> bytes:
    """Read one key: 64 hexadecimal digits, 44 characters of base64, or 32 bare ones."""
    key = b""
    try:
        if len(word) == 2 * _LENGTH:
            key = binascii.a2b_hex(word)
        elif len(word) == 44:
            key = base64.urlsafe_b64decode(word)
        elif len(word.encode()) == _LENGTH:
            key = word.encode()
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _LENGTH:
        # Not quoted: a key with a typing error is still nearly the key.
        raise NoKey(problem="one of the keys is not 32 bytes (64 hexadecimal digits)")
    return key
