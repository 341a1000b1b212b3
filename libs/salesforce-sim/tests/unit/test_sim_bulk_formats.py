"""CSV of Bulk 2.0: what is read, what is refused, how columns fill fields."""

from dataclasses import replace

import pytest

from crmlink_salesforce_sim.bulk.columns import read_header
from crmlink_salesforce_sim.bulk.formats import (
    DELIMITERS,
    LINE_ENDINGS,
    MOST_COLUMNS,
    MOST_FIELD_CHARS,
    BadUploadError,
    document,
    read_lines,
    written_lines,
)
from crmlink_salesforce_sim.bulk.job import INGEST, OPEN, Job
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import load_schema


def job(delimiter: str = "COMMA", line_ending: str = "LF") -> Job:
    made = Job("750", INGEST, "insert", "Contact", "005", "", "", OPEN, "59.0")
    return replace(made, delimiter=delimiter, line_ending=line_ending)


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("line_ending", LINE_ENDINGS)
def test_what_is_written_reads_the_same(delimiter: str, line_ending: str) -> None:
    """Facts §7: column delimiters and line endings."""
    this = job(delimiter, line_ending)
    rows = [["Id", "Name"], ["1", "a,b;c|d\te^f`g"], ["2", 'two\nlines and "quotes"'], ["", "é"]]
    content = document(this, written_lines(this, rows))
    assert list(read_lines(this, content)) == rows


def test_a_byte_order_mark_and_empty_lines_are_no_data() -> None:
    """Unverified: both are passed over."""
    assert list(read_lines(job(), b"\xef\xbb\xbfId\n\n1\n")) == [["Id"], ["1"]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Id\n\xff\n", "UTF-8"),
        (b'Id\n"1\n', "parse"),
        (b"x," * MOST_COLUMNS + b"x\n", "fields in a record"),
        (b"x" * (MOST_FIELD_CHARS + 1) + b"\n", "field"),
        (b",".join([b"x" * 101_000] * 4) + b"\n", "characters in a record"),
    ],
    ids=["encoding", "quotes", "columns", "field", "record"],
)
def test_data_over_the_limits_cannot_be_read(content: bytes, reason: str) -> None:
    """Facts §7: 5,000 fields, 400,000 characters in a record, 131,072 in a field."""
    with pytest.raises(BadUploadError, match=reason):
        list(read_lines(job(), content))


def filled(sobject: str, header: str, text: str) -> Row:
    schema = load_schema()
    [column] = read_header(schema, schema.required(sobject), [header])
    body: Row = {}
    column.put(body, text)
    return body


@pytest.mark.parametrize(
    ("sobject", "header", "text", "expected"),
    [
        ("Contact", "lastname", "Obi", {"LastName": "Obi"}),
        ("Contact", "Title", "", {}),
        ("Contact", "Title", "#N/A", {"Title": None}),
        ("Contact", "DoNotCall", "Yes", {"DoNotCall": True}),
        ("Contact", "DoNotCall", "0", {"DoNotCall": False}),
        ("Contact", "DoNotCall", "perhaps", {"DoNotCall": "perhaps"}),
        (
            "Contact",
            "ReportsTo.Email",
            "a@x.example",
            {"ReportsTo": {"attributes": {"type": "Contact"}, "Email": "a@x.example"}},
        ),
        ("Contact", "ReportsTo.Email", "#N/A", {"ReportsToId": None}),
        (
            "Task",
            "Lead:Who.Email",
            "a@x.example",
            {"Who": {"attributes": {"type": "Lead"}, "Email": "a@x.example"}},
        ),
    ],
)
def test_a_cell_fills_a_field(sobject: str, header: str, text: str, expected: Row) -> None:
    """Facts §7: #N/A empties, an empty cell changes nothing; relationships by external id."""
    assert filled(sobject, header, text) == expected


@pytest.mark.parametrize(
    "header",
    [["Nope"], ["MailingAddress"], ["Account.Industry"], ["Nope.Email"], ["Title", "title"]],
)
def test_a_header_names_fields_that_are(header: list[str]) -> None:
    """Facts §7: a wrong header fails the job."""
    schema = load_schema()
    with pytest.raises(BadUploadError, match="InvalidBatch"):
        read_header(schema, schema.required("Contact"), header)
