"""Files of members: what is kept, what is left out, and where it is wrong."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmlink_common.errors import InvalidInputError
from crmlink_common.members import Imported, read_members

HEADER = "member_id,email,phone,first_name,labels,fields.plan,club,version\n"


def read(tmp_path: Path, text: str | bytes, name: str = "members.csv") -> Imported:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_members(path, "w1", version=7)


def places(imported: Imported) -> list[tuple[int, int, str]]:
    return [(fault.line, fault.column, fault.field) for fault in imported.faults]


def refusal(tmp_path: Path, text: str | bytes, name: str = "members.csv") -> str:
    with pytest.raises(InvalidInputError) as refused:
        read(tmp_path, text, name)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_row_becomes_a_member(tmp_path: Path) -> None:
    row = "m1, ada@example.com ,020 7946 0123,Ada,vip; founder;,basic,Chess,12\n"
    [member] = read(tmp_path, HEADER + row).members
    assert (member.workspace_id, member.member_id, member.version) == ("w1", "m1", 12)
    assert (member.email, member.first_name) == ("ada@example.com", "Ada")
    assert member.labels == ["vip", "founder"]
    assert member.fields == {"plan": "basic", "club": "Chess"}


def test_a_version_is_given_or_the_files_time(tmp_path: Path) -> None:
    assert read(tmp_path, "member_id\nm1\n").members[0].version == 7
    os.utime(tmp_path / "members.csv", ns=(0, 1_769_860_800_123_456_789))
    imported = read_members(tmp_path / "members.csv", "w1")
    assert imported.members[0].version == 1_769_860_800_123


def test_spreadsheets_marks_and_line_ends_are_read(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbfmember_id,name\r\nm1,"Ada ""the first"", of\r\nEngland"\r\n\r\nm2,Bo,\r\n'
    imported = read(tmp_path, text)
    assert imported.members[0].name == 'Ada "the first", of\r\nEngland'
    assert places(imported) == [(5, 3, "")]


def test_other_columns_are_read_by_their_kind(tmp_path: Path) -> None:
    text = "member_id,archived,updated_at\nm1,Yes,2026-01-31T12:00:00Z\nm2,perhaps,\nm3,,noon\n"
    imported = read(tmp_path, text)
    assert imported.members[0].archived
    assert imported.members[0].updated_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert places(imported) == [(3, 2, "archived"), (4, 3, "updated_at")]


def test_bad_rows_are_named_and_the_good_kept(tmp_path: Path) -> None:
    rows = [
        "m1,,,,,,,",
        ",a@example.com,,,,,,",
        "m1,twice@example.com,,,,,,",
        "m2,only,three",
        "m3,,,,,,,,more",
        f"m4,{'x' * 4_001},,,,,,",
        "m5,,,,,,,-1",
        "m6,,,,,,,1.5",
        f"{'i' * 256},,,,,,,",
        "m7,,,,,,,9",
    ]
    imported = read(tmp_path, HEADER + "\n".join(rows) + "\n")
    assert [member.member_id for member in imported.members] == ["m1", "m7"]
    assert places(imported) == [
        (3, 1, "member_id"),
        (4, 1, "member_id"),
        (5, 4, "first_name"),
        (6, 9, ""),
        (7, 2, "email"),
        (8, 8, "version"),
        (9, 8, "version"),
        (10, 1, "member_id"),
    ]
    assert "line 2" in imported.faults[1].message
    assert all(fault.cure.endswith(".") for fault in imported.faults)
    assert "twice@example.com" not in "".join(map(str, imported.faults))


@pytest.mark.parametrize("wrong", ['m2,"Bo', 'm2,"Bo" the,', 'm2,"Bo"x', 'm2,"'])
def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path, wrong: str) -> None:
    text = f'member_id,name\nm1,Ada\n{wrong}\nm3,Cy\nm4,"Di, the 4th"\nm5,Ed\n'
    imported = read(tmp_path, text)
    assert [member.member_id for member in imported.members] == ["m1", "m3", "m4", "m5"]
    assert places(imported) == [(3, 1, "")]
    assert "quotes" in imported.faults[0].message


def test_a_quote_within_a_plain_value_is_a_letter(tmp_path: Path) -> None:
    imported = read(tmp_path, 'member_id,name\nm1,Ada "first"\nm2,Bo 6"\nm3,Cy\n')
    assert [member.name for member in imported.members] == ['Ada "first"', 'Bo 6"', "Cy"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column member_id"),
        ("member_id\n", "no members"),
        ("id,email\nm1,a@example.com\n", "no column member_id"),
        ("member_id;email\nm1;a@example.com\n", "semicolons"),
        ("member_id\temail\nm1\ta@example.com\n", "tabs"),
        ("member_id,email,email\nm1,a,b\n", "Column 3"),
        ('member_id,"email\n', "quotes in the header"),
        ("member_id,name\nm1,Zo\u00eb\n".encode("latin-1"), "line 2, byte 6"),
        ("member_id\nm1\n".encode("utf-16"), "UTF-16"),
        (b"member_id\nm\x001\n", "not text"),
    ],
)
def test_an_unusable_file_is_refused_with_one_sentence(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    assert words in refusal(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such file"):
        read_members(tmp_path / "absent.csv", "w1")
    with pytest.raises(InvalidInputError, match="is a directory"):
        read_members(tmp_path, "w1")


def test_a_workspace_that_can_be_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_members(tmp_path / "any.csv", "a/b")
    assert refused.value.field == "workspace_id"


def test_json_lines_keep_types_and_collect_other_keys(tmp_path: Path) -> None:
    text = (
        '{"member_id": "m1", "email": null, "labels": ["vip"], "fields": {"seats": 3}}\n\n'
        '{"member_id": "m2", "club": {"name": "Chess"}, "fields.plan": "basic", "version": 4}\n'
    )
    one, two = read(tmp_path, text, "members.jsonl").members
    assert (one.email, one.labels, one.fields, one.version) == ("", ["vip"], {"seats": 3}, 7)
    assert (two.fields, two.version) == ({"club": {"name": "Chess"}, "plan": "basic"}, 4)


def test_bad_json_lines_are_named(tmp_path: Path) -> None:
    lines = [
        '{"member_id": "m1"}',
        '{"member_id": "m2",}',
        '["m3"]',
        '{"email": "a@example.com"}',
        '{"member_id": "m4", "labels": "vip"}',
        '{"member_id": "m5", "version": 1.5}',
        '{"member_id": "m6", "fields": []}',
        '{"member_id": 7}',
        '{"member_id": "m8", "email": "\\u0000"}',
        '{"member_id": "m9", "email": "\\ud800"}',
        '{"member_id": "m1"}',
    ]
    imported = read(tmp_path, "\n".join(lines), "members.ndjson")
    assert [member.member_id for member in imported.members] == ["m1"]
    assert places(imported) == [
        (2, 20, ""),
        (3, 1, ""),
        (4, 1, "member_id"),
        (5, 21, "labels"),
        (6, 21, "version"),
        (7, 21, "fields"),
        (8, 2, "member_id"),
        (9, 31, ""),
        (10, 21, "email"),
        (11, 1, "member_id"),
    ]


def test_what_the_bus_cannot_carry_is_left_out(tmp_path: Path) -> None:
    huge = '{"member_id": "m1", "fields": {"text": "' + "x" * 900_000 + '"}}'
    half = '{"member_id": "m2", "fields": {"text": "\\ud800"}}'
    imported = read(tmp_path, f'{huge}\n{half}\n{{"member_id": "m3"}}\n', "members.jsonl")
    assert [member.member_id for member in imported.members] == ["m3"]
    assert [(fault.line, fault.field) for fault in imported.faults] == [
        (1, "fields"),
        (2, "fields"),
    ]


def test_one_json_list_is_refused(tmp_path: Path) -> None:
    assert "JSON list" in refusal(tmp_path, '[{"member_id": "m1"}]', "members.json")


def test_the_list_of_faults_is_bounded(tmp_path: Path) -> None:
    imported = read(tmp_path, "member_id,email\nm1,\n" + ",x\n" * 1_200)
    assert (len(imported.faults), imported.more_faults) == (1_000, 200)
