"""AES-256-GCM with key ids; a sealed text opens only in the row and column it was sealed for."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping
from itertools import pairwise

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from crmlink_common.errors import PermanentError

KEY_BYTES = 32
NONCE_BYTES = 12
FEWEST_DISTINCT = 16  # 32 random bytes never have fewer; zeros and repeated samples always do
HOW = (
    'make one with: python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'
)
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")


class KeyRingError(PermanentError):
    """The keys are missing or too weak: the process must not start. Never shows a key."""

    code = "encryption_keys"


class SealedTextError(PermanentError):
    """It was sealed with an unknown key, for another place, or was changed."""

    code = "sealed_text"


class KeyRing:
    """Seals with the first key, opens with any. ``workspace`` and ``column`` say where it lies."""

    def __init__(
        self, keys: Mapping[str, bytes], *, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        if not keys:
            raise KeyRingError(f"no encryption key is set; {HOW}")
        for key_id, key in keys.items():
            _check(key_id, key)
        if len(set(keys.values())) != len(keys):
            raise KeyRingError("two key ids name the same key; remove one of them")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._random_bytes = random_bytes
        self.current = next(iter(keys))

    @classmethod
    def from_setting(cls, setting: SecretStr) -> KeyRing:
        """Read JSON: key id to base64 of 32 bytes; the first is the current one.

        Raises:
            KeyRingError: it is not that, an id comes twice, or a key is too short or no random one.
        """
        try:
            pairs = json.loads(setting.get_secret_value(), object_pairs_hook=list)
            keys = [(str(k), base64.b64decode(str(v), validate=True)) for k, v in pairs]
        except (ValueError, TypeError, binascii.Error):
            raise KeyRingError(
                f"a JSON object is needed, key id to base64 of 32 bytes; {HOW}"
            ) from None
        if len(dict(keys)) != len(keys):
            raise KeyRingError("a key id comes twice; give each key an id of its own")
        return cls(dict(keys))

    def seal(self, plain: str, *, workspace: str, column: str) -> str:
        """Encrypt; the same text never looks the same twice."""
        nonce = self._random_bytes(NONCE_BYTES)
        place = _place(self.current, workspace, column)
        sealed = self._ciphers[self.current].encrypt(nonce, plain.encode(), place)
        return f"{self.current}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, workspace: str, column: str) -> str:
        """Decrypt.

        Raises:
            SealedTextError: the key is unknown, or this is not where it was sealed for.
        """
        key_id, _, body = sealed.partition(":")
        try:
            raw = base64.b64decode(body, validate=True)
            plain = self._ciphers[key_id].decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], _place(key_id, workspace, column)
            )
            return plain.decode()
        except (KeyError, InvalidTag, ValueError):
            raise SealedTextError("a sealed text does not open here") from None

    def is_current(self, sealed: str) -> bool:
        """Say whether it needs no sealing anew."""
        return key_of(sealed) == self.current


def key_of(sealed: str) -> str:
    """Name the key that a text was sealed with."""
    return sealed.partition(":")[0]


def _check(key_id: str, key: bytes) -> None:
    if not KEY_ID.match(key_id):
        raise KeyRingError("a key id is 1 to 32 letters, digits, - or _")
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"key {key_id} has {len(key)} bytes, not {KEY_BYTES}; {HOW}")
    if not _looks_random(key):
        raise KeyRingError(f"key {key_id} is not random (a sample, a word or a pattern); {HOW}")


def _looks_random(key: bytes) -> bool:
    """Refuse what people put where a key belongs; what is random passes (all but 1 in 10^13)."""
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    typed = key.isascii() and key.decode().isprintable()  # a word, or a key in hexadecimal
    return len(set(key)) >= FEWEST_DISTINCT and len(steps) > 1 and not typed


def _place(*parts: str) -> bytes:
    """Join unmistakably: no two different lists give the same bytes."""
    return json.dumps(parts).encode()
