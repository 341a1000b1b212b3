"""The search for leaks finds what is planted, in every form, and nothing where nothing is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_devstack.leaks.forms import Secret
from crmlink_devstack.leaks.search import Found, Search

TOKEN = "00Dx0000000BV7z!AQ.p4ss/w+rd=_~token-KLMNOP"
KEY = bytes(range(200, 232))
SECRETS = [Secret("access token", TOKEN), Secret("encryption key", KEY)]


def b64(before: str, text: str, after: str) -> str:
    return base64.b64encode(f"{before}{text}{after}".encode()).decode()


PLANTED: dict[str, Callable[[str], str]] = {
    "plain": lambda text: f'{{"event": "oops", "token": "{text}"}}',
    "plain in an address": lambda text: f"GET /x?token={text}&y=1",
    "in JSON": json.dumps,
    "backwards": lambda text: text[::-1],
    "base64": lambda text: b64("", text, ""),
    "base64 without padding": lambda text: b64("", text, "").rstrip("="),
    "base64 in the second place": lambda text: b64('"', text, '"'),
    "base64 in the third place": lambda text: b64('{"', text, '"}'),
    "base64 of a header": lambda text: b64("client-id:", text, ""),
    "url-safe base64": lambda text: b64("x", text, "y").replace("+", "-").replace("/", "_"),
    "base64 in an address": lambda text: quote(b64("xy", text, ""), safe=""),
    "url-encoded": lambda text: quote(text, safe=""),
    "url-encoded in small letters": lambda text: (
        quote(text, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d")
    ),
    "url-encoded as a form": quote_plus,
    "url-encoded with slashes": quote,
    "url-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=list(PLANTED))
def test_each_form_that_is_planted_is_found(plant: Callable[[str], str]) -> None:
    data = b"\x00\xff 2026-11-24 " + plant(TOKEN).encode() + b"\n\x01 more"
    assert {one.kind for one in Search(SECRETS).find(data)} == {"access token"}


@pytest.mark.parametrize("before", range(3))
def test_a_raw_key_is_found_as_base64_and_hexadecimal(before: int) -> None:
    whole = bytes(before) + KEY + b"z"
    for text in (base64.b64encode(whole), base64.urlsafe_b64encode(whole), whole.hex().encode()):
        assert {one.kind for one in Search(SECRETS).find(text)} == {"encryption key"}


@given(st.binary(max_size=20), st.text("abcXYZ019+/=!._-~", min_size=12), st.binary(max_size=20))
def test_a_secret_is_found_in_base64_wherever_it_begins(
    before: bytes, text: str, after: bytes
) -> None:
    planted = base64.b64encode(before + text.encode() + after)
    assert "secret" in {one.kind for one in Search([Secret("secret", text)]).find(planted)}


def test_nothing_is_found_where_nothing_is() -> None:
    noise = json.dumps({"event": "refreshed", "fingerprint": "a" * 32, "org": "00Dx0000000BV7z"})
    assert Search(SECRETS).find(noise.encode() * 50) == set()
    assert Search(SECRETS).find(TOKEN[:-1].encode()) == set()


def test_a_finding_names_kind_and_form_and_never_the_text() -> None:
    found = Search(SECRETS).find(TOKEN.encode())
    assert Found("access token", "plain") in found
    assert TOKEN not in repr([found, SECRETS])


def test_what_is_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="password: too short"):
        Search([Secret("password", "hunter2")])


@pytest.mark.parametrize(
    "text",
    ["Ada Abbott", "member Ada Abbott is here", "?name=Ada+Abbott", "Ada%20Abbott", "Zoë O'Brien"],
)
def test_whole_names_of_people_are_found(text: str) -> None:
    people = Search([], names=["Ada Abbott", "Zoë O'Brien"])
    assert people.find(text.encode()) == {Found("name of a person", "plain")}


@pytest.mark.parametrize("text", ["Ada", "Abbott Ada", "adabbott", "Ada met Abbott", ""])
def test_a_word_that_is_a_name_too_is_none(text: str) -> None:
    assert Search([], names=["Ada Abbott"]).find(text.encode()) == set()
