from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from crmlink_common.crypto.keyring import KeyRing, KeyRingError, SealedTextError

OLD = hashlib.sha256(b"old").digest()
NEW = hashlib.sha256(b"new").digest()
RING = KeyRing({"k1": OLD})


def setting(keys: object) -> SecretStr:
    return SecretStr(json.dumps(keys))


@given(st.text(), st.text(), st.text())
def test_what_is_sealed_opens_in_its_place(plain: str, workspace: str, column: str) -> None:
    sealed = RING.seal(plain, workspace=workspace, column=column)
    assert RING.open(sealed, workspace=workspace, column=column) == plain


@pytest.mark.parametrize(("workspace", "column"), [("w2", "c1"), ("w1", "c2"), ("w1c", "1")])
def test_moved_elsewhere_it_does_not_open(workspace: str, column: str) -> None:
    sealed = RING.seal("s3cret", workspace="w1", column="c1")
    with pytest.raises(SealedTextError) as told:
        RING.open(sealed, workspace=workspace, column=column)
    assert "s3cret" not in str(told.value)


def test_the_same_text_never_looks_the_same_and_never_shows() -> None:
    one, two = (RING.seal("token", workspace="w", column="c") for _ in range(2))
    assert one != two
    assert "token" not in one
    assert base64.b64encode(b"token").decode() not in one


@given(st.integers(0, 200), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_changed_byte_does_not_open(place: int, other: str) -> None:
    sealed = RING.seal("a" * 200, workspace="w", column="c")
    at = 3 + place % (len(sealed) - 3)
    if sealed[at] == other:
        return
    with pytest.raises(SealedTextError):
        RING.open(sealed[:at] + other + sealed[at + 1 :], workspace="w", column="c")


def test_an_older_key_still_opens_and_the_first_seals() -> None:
    both = KeyRing({"k2": NEW, "k1": OLD})
    sealed = RING.seal("x", workspace="w", column="c")
    assert both.open(sealed, workspace="w", column="c") == "x"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal("x", workspace="w", column="c"))


def test_a_key_that_is_gone_opens_nothing() -> None:
    sealed = RING.seal("x", workspace="w", column="c")
    with pytest.raises(SealedTextError):
        KeyRing({"k2": NEW}).open(sealed, workspace="w", column="c")


@pytest.mark.parametrize("garbage", ["", ":", "k1:", "k1:AAAA", "k1:not base64!", "plain text"])
def test_garbage_does_not_open(garbage: str) -> None:
    with pytest.raises(SealedTextError):
        RING.open(garbage, workspace="w", column="c")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        [],
        "x",
        None,
        {"k1": ""},
        {"k1": base64.b64encode(OLD[:31]).decode()},
        {"k1": base64.b64encode(bytes(32)).decode()},
        {"k1": base64.b64encode(b"x" * 32).decode()},
        {"k1": base64.b64encode(b"changeme" * 4).decode()},
        {"k1": base64.b64encode(b"correct horse changeme staple 32").decode()},
        {"k1": base64.b64encode(OLD.hex().encode()[:32]).decode()},
        {"k1": base64.b64encode(bytes(range(32))).decode()},
        {"k1": base64.b64encode(bytes(range(248, 120, -4))).decode()},
        {"k1": base64.b64encode(OLD[:16] * 2 + b"x").decode()},
        {"k 1": base64.b64encode(OLD).decode()},
        {"k1": "not base64!"},
        {"a": base64.b64encode(OLD).decode(), "b": base64.b64encode(OLD).decode()},
    ],
)
def test_a_missing_short_or_default_key_is_refused(keys: object) -> None:
    with pytest.raises(KeyRingError) as told:
        KeyRing.from_setting(setting(keys))
    assert "changeme" not in str(told.value)


@pytest.mark.parametrize("other", [OLD, NEW])
def test_a_key_id_that_comes_twice_is_refused(other: bytes) -> None:
    one, two = (base64.b64encode(key).decode() for key in (OLD, other))
    with pytest.raises(KeyRingError, match="twice"):
        KeyRing.from_setting(SecretStr(f'{{"k1": "{one}", "k1": "{two}"}}'))


@given(st.integers())
def test_what_is_random_is_taken(seed: int) -> None:
    key = hashlib.sha256(str(seed).encode()).digest()
    assert KeyRing({"k1": key}).current == "k1"


def test_a_setting_that_is_no_json_is_refused_without_showing_it() -> None:
    with pytest.raises(KeyRingError) as told:
        KeyRing.from_setting(SecretStr("{hush"))
    assert "hush" not in str(told.value)


def test_the_first_key_of_the_setting_is_current() -> None:
    keys = {name: base64.b64encode(key).decode() for name, key in (("b", NEW), ("a", OLD))}
    assert KeyRing.from_setting(setting(keys)).current == "b"
