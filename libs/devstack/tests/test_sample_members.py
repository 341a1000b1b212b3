"""The sample members: the same each time, and like those of a real workspace."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from crmlink_common.members import normal_email, phone_e164, read_members
from crmlink_devstack.sample_members import sample_members, write_sample

COUNT = 2_000


def test_the_same_seed_gives_the_same_members(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    assert write_sample(one, 100, seed=3) == write_sample(other, 100, seed=3) == 100
    assert one.read_bytes() == other.read_bytes()
    assert list(sample_members(5, seed=3)) != list(sample_members(5, seed=4))


def test_the_import_reads_every_row(tmp_path: Path) -> None:
    write_sample(tmp_path / "members.csv", COUNT)
    imported = read_members(tmp_path / "members.csv", "demo")
    assert (len(imported.members), imported.faults) == (COUNT, [])
    assert imported.members[0].fields.keys() <= {"plan"}


def test_some_lack_an_email_some_a_phone_few_both() -> None:
    members = list(sample_members(COUNT))
    emails = [member["email"] for member in members if member["email"]]
    phones = [member["phone"] for member in members if member["phone"]]
    neither = sum(not member["email"] and not member["phone"] for member in members)
    assert abs(len(emails) / COUNT - 0.92) < 0.02
    assert abs(len(phones) / COUNT - 0.80) < 0.03
    assert abs(neither / COUNT - 0.03) < 0.01
    shared = [n for n in Counter(email.lower() for email in emails).values() if n > 1]
    assert 5 <= len(shared) <= 40


def test_every_email_and_phone_is_one() -> None:
    for member in sample_members(COUNT):
        assert not member["email"] or normal_email(member["email"])
        assert not member["phone"] or phone_e164(member["phone"], "US")
