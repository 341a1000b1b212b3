"""Generated data."""

from pathlib import Path

import pytest

from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.errors import StartError
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.generate.members import Member, match_of, read_members
from crmlink_salesforce_sim.options import Options
from crmlink_salesforce_sim.schema import load_schema
from crmlink_salesforce_sim.store import Store

HEADER = "member_id,email,phone,first_name,last_name,role\n"


def rows_of(seed: int, name: str, members: Path | None = None) -> list[tuple[object, ...]]:
    amounts = Amounts(accounts=5, contacts=200, leads=60)
    server = build(Options(seed=seed, amounts=amounts, members_csv=members))
    with server.org.store.reading() as connection:
        return connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - a test


@pytest.fixture
def members(tmp_path: Path) -> Path:
    path = tmp_path / "members.csv"
    rows = [f"w/m{n},m{n}@members.example,(415) 555-{n:04d},Ada{n},Obi,user" for n in range(600)]
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_the_same_seed_makes_the_same_org_and_another_seed_another(members: Path) -> None:
    for name in ("Account", "Contact", "Lead", "User"):
        assert rows_of(7, name, members) == rows_of(7, name, members)
    assert rows_of(7, "Contact") != rows_of(8, "Contact")


def test_people_left_gaps_shared_addresses_and_numbers_in_many_forms() -> None:
    """Facts §10: phones as typed, e-mails as typed and shared."""
    server = build(Options(amounts=Amounts(accounts=5, contacts=600, leads=200)))
    with server.org.store.reading() as connection:

        def one(statement: str) -> int:
            return int(connection.execute(statement).fetchone()[0])

        assert one("SELECT count(*) FROM Contact WHERE Email IS NULL") > 0
        assert one("SELECT count(*) FROM Contact WHERE FirstName IS NULL") > 0
        assert one("SELECT count(*) - count(DISTINCT Email) FROM Contact WHERE Email > ''") > 0
        odd = "SELECT count(*) FROM Contact WHERE Email <> lower(Email) COLLATE BINARY"
        assert one(odd) > 0
        assert one("SELECT count(*) FROM Contact WHERE Phone LIKE '(___) ___-____'") > 0
        assert one("SELECT count(*) FROM Contact WHERE Phone LIKE '+44%'") > 0
        assert one("SELECT count(*) FROM Lead WHERE IsConverted = 1") > 0
        assert one("SELECT count(*) FROM Lead WHERE OwnerId LIKE '00G%'") > 0


def test_members_match_in_the_shares_promised(members: Path) -> None:
    contacts = rows_of(1, "Contact", members)
    everyone = read_members(members)
    found = [match_of(one, 1) for one in everyone]
    assert 0.34 < found.count("contact") / 600 < 0.46
    assert 0.10 < found.count("lead") / 600 < 0.20
    assert 0 < found.count("two contacts") / 600 < 0.05
    theirs = [row for row in contacts if any("@members.example" in str(c).lower() for c in row)]
    assert len(theirs) == found.count("contact") + 2 * found.count("two contacts")


def test_a_member_without_an_address_matches_nothing() -> None:
    found = {match_of(Member(f"w/m{n}", "", "1", "A", "B"), 1) for n in range(50)}
    assert found == {"nothing"}


@pytest.mark.parametrize("content", [None, b"email\na@b.example\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_list_of_members_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "members.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartError, match="members file"):
        read_members(path)


def test_a_first_start_that_was_cut_short_is_made_good(tmp_path: Path) -> None:
    data = tmp_path / "org.sqlite"
    options = Options(data=data, amounts=Amounts(accounts=2, contacts=5, leads=2))
    Store(load_schema(), data).close()
    for _ in range(2):
        server = build(options)
        with server.org.store.reading() as connection:
            assert connection.execute("SELECT count(*) FROM Contact").fetchone() == (5,)
        server.org.store.close()


def test_a_data_file_that_is_none_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("not a database, but long enough to be taken for one " * 20)
    for path in (wrong, tmp_path / "nowhere" / "org.sqlite"):
        with pytest.raises(StartError, match="data file"):
            build(Options(data=path))
