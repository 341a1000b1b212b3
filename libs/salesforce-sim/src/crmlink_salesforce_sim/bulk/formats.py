"""CSV as Bulk 2.0 takes and gives it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from crmlink_salesforce_sim.bulk.job import Job

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
MOST_COLUMNS = 5000
MOST_RECORD_CHARS = 400_000
MOST_FIELD_CHARS = 131_072


class BadUploadError(Exception):
    """The whole job fails: its data cannot be read. The text is the job's errorMessage."""


def read_lines(job: Job, content: bytes) -> Iterator[list[str]]:
    """Give the header and then each record; raise BadUploadError where that ends.

    Limits as Salesforce documents them: 5,000 fields, 131,072 characters in a field, 400,000 in
    a record.
    """
    _check_line_ending(job, content)
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=DELIMITERS[job.delimiter], strict=True)
    try:
        for line in reader:
            if line:
                _check_size(line)
                yield line
    except csv.Error as exc:
        message = f"InvalidBatch : Unable to parse the data at line {reader.line_num} : {exc}"
        raise BadUploadError(message) from None
    except UnicodeDecodeError:
        message = "InvalidBatch : The data is not encoded in UTF-8"
        raise BadUploadError(message) from None


def _check_size(line: list[str]) -> None:
    if len(line) > MOST_COLUMNS:
        raise BadUploadError(f"InvalidBatch : More than {MOST_COLUMNS} fields in a record")
    if sum(map(len, line)) > MOST_RECORD_CHARS:
        raise BadUploadError(f"InvalidBatch : More than {MOST_RECORD_CHARS} characters in a record")
    if any(len(one) > MOST_FIELD_CHARS for one in line):
        raise BadUploadError(f"InvalidBatch : More than {MOST_FIELD_CHARS} characters in a field")


def _check_line_ending(job: Job, content: bytes) -> None:
    end = content.find(b"\n")
    found = "CRLF" if content[max(end - 1, 0) : end] == b"\r" else "LF"
    if end >= 0 and found != job.line_ending:
        message = (
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is"
            f" {job.line_ending}"
        )
        raise BadUploadError(message)


class _Lines:
    """Takes what a csv writer writes: one line at a time."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


def written_lines(job: Job, rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines of the job's CSV, every cell in quotes, without their ends."""
    sink = _Lines()
    writer = csv.writer(
        sink, delimiter=DELIMITERS[job.delimiter], quoting=csv.QUOTE_ALL, lineterminator=""
    )
    writer.writerows(rows)
    return sink.lines


def document(job: Job, lines: Iterable[str]) -> bytes:
    """Return lines as the document that is sent."""
    end = LINE_ENDINGS[job.line_ending]
    return "".join(f"{line}{end}" for line in lines).encode()
