"""Normal forms of e-mail addresses and telephone numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.members import (
    normal_email,
    phone_e164,
    phone_forms,
    phone_national,
    same_phone,
)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Ada@Example.COM\n", "ada@example.com"),
        ("ada+club@mail.example.co.uk", "ada+club@mail.example.co.uk"),
        ("zoë@exämple.org", "zoë@exämple.org"),
        ("", ""),
        ("ada", ""),
        ("ada@", ""),
        ("ada@localhost", ""),
        ("ada@example.com, bob@example.com", ""),
        ("Ada <ada@example.com>", ""),
        ("ada@@example.com", ""),
        ("a" * 250 + "@b.com", ""),
    ],
)
def test_an_email_is_lower_case_or_nothing(text: str, email: str) -> None:
    assert normal_email(text) == email


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("+44 20 7946 0123", "", "+442079460123"),
        ("+44 (0)20 7946 0123", "", "+442079460123"),
        ("0044 20 7946 0123", "", "+442079460123"),
        ("0044 20 7946 0123", "US", "+442079460123"),
        ("020 7946 0123", "gb", "+442079460123"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("212.555.0123", "US", "+12125550123"),
        ("(212) 555-0123", "", ""),
        ("(212) 555-0123 x5", "US", ""),
        ("call me", "US", ""),
        ("123", "US", ""),
        ("   ", "US", ""),
        ("1" * 80, "US", ""),
        ("020 7946 0123", "nowhere", ""),
    ],
)
def test_a_phone_is_e164_or_nothing(text: str, region: str, e164: str) -> None:
    assert phone_e164(text, region) == e164


def test_the_same_number_in_two_hands() -> None:
    assert same_phone("+1 212 555 0123", "(212) 555-0123", "US")
    assert not same_phone("+1 212 555 0123", "+1 212 555 0124")
    assert not same_phone("", "")
    assert phone_national("+442079460123") == "020 7946 0123"


@pytest.mark.parametrize(
    ("e164", "region", "stored"),
    [
        (
            "+12125550123",
            "US",
            ["(212) 555-0123", "212-555-0123", "2125550123", "+12125550123", "+1 212-555-0123"],
        ),
        (
            "+442079460123",
            "GB",
            ["020 7946 0123", "02079460123", "+44 20 7946 0123", "00442079460123"],
        ),
        ("+33142685300", "FR", ["01 42 68 53 00", "0142685300", "+33 1 42 68 53 00"]),
        ("+4930123456", "DE", ["030 123456", "+49 30 123456"]),
    ],
)
def test_the_written_forms_are_what_orgs_hold(e164: str, region: str, stored: list[str]) -> None:
    forms = phone_forms(e164)
    assert set(stored) <= set(forms)
    assert len(forms) == len(set(forms)) <= 20


def test_what_is_no_number_has_no_forms() -> None:
    assert phone_forms("") == phone_forms("nonsense") == []


@given(st.text(max_size=80), st.sampled_from(["", "US", "GB"]))
def test_any_text_is_a_number_or_not_and_stays_it(text: str, region: str) -> None:
    found = phone_e164(text, region)
    assert found == "" or phone_e164(found) == found
    email = normal_email(text)
    assert normal_email(email) == email
