"""Forms of SOQL: what is accepted, and what is refused with which code."""

from collections.abc import Iterator

import pytest

from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.options import Options
from crmlink_salesforce_sim.queries import Queries

ACCEPTED = """
select id from account
SELECT Id FROM Account a WHERE a.Name LIKE 'x%' ORDER BY a.Name NULLS LAST, a.CreatedDate DESC
SELECT a.Name, c.LastName FROM Contact c, c.Account a WHERE a.Name = 'x'
SELECT Account.Name, (SELECT Contact.LastName FROM Account.Contacts) FROM Account
SELECT Id, (SELECT Id, (SELECT Id FROM Tasks) FROM Contacts LIMIT 2) FROM Account LIMIT 2
SELECT a.Name, (SELECT c.LastName, c.Owner.Name FROM a.Contacts c WHERE c.LastName = 'x') \
FROM Account a
SELECT COUNT()FROM Contact
SELECT COUNT() everyone FROM Contact LIMIT 5
SELECT Count(Id) Count, MAX(CreatedDate) FROM Lead WHERE Status != null
SELECT COUNT_DISTINCT(AccountId) n, SUM(Amount), AVG(Amount), MIN(CloseDate) FROM Opportunity
SELECT Status, LeadSource, GROUPING(Status) s FROM Lead GROUP BY ROLLUP(Status, LeadSource)
SELECT LeadSource, COUNT(Name) FROM Lead GROUP BY LeadSource HAVING COUNT(Name) > 1 LIMIT 3
SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) FROM Lead GROUP BY CALENDAR_YEAR(CreatedDate)
SELECT HOUR_IN_DAY(convertTimezone(CreatedDate)) h FROM Lead GROUP BY \
HOUR_IN_DAY(convertTimezone(CreatedDate))
SELECT Id FROM Account WHERE DAY_ONLY(CreatedDate) > 2020-02-29 AND FISCAL_QUARTER(CreatedDate) = 1
SELECT FORMAT(MIN(CloseDate)) d FROM Opportunity
SELECT Amount, FORMAT(Amount) a, convertCurrency(Amount) b, FORMAT(convertCurrency(Amount)) c \
FROM Opportunity
SELECT toLabel(Status), toLabel(LeadSource) source FROM Lead WHERE toLabel(Status) = 'x'
SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Opportunity THEN Amount ELSE Name END \
FROM Task
SELECT TYPEOF Owner WHEN User THEN FIELDS(STANDARD) WHEN Group THEN Id END FROM Case
SELECT What.Type, Who.Name, Who.Email FROM Task WHERE What.Type IN ('Account', 'Opportunity')
SELECT FIELDS(STANDARD) FROM Account
SELECT FIELDS(ALL) FROM Care_Plan__c LIMIT 200
SELECT FIELDS(CUSTOM), Id FROM Care_Plan__c WHERE Id IN ('a00000000000001AAA')
SELECT Id FROM Care_Plan__c WHERE Goals__c INCLUDES ('Sleep;Weight', 'Back') \
AND Goals__c EXCLUDES ('x')
SELECT Id FROM Care_Plan__c WHERE DISTANCE(Place__c, GEOLOCATION(37.7, -122.4), 'mi') < 20 \
ORDER BY DISTANCE(Place__c, GEOLOCATION(37.7,-122.4), 'km') DESC
SELECT Id FROM Care_Plan__c WHERE Visit_Time__c >= 08:30:00.000Z
SELECT Id FROM Opportunity WHERE Amount > USD5000 OR Amount < USD-5.5 OR Amount IN (1, +2, -3.5)
SELECT Id FROM Account WHERE CreatedDate > 2026-01-01T00:00:00.000+02:00 AND CreatedDate < TOMORROW
SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:0 OR CreatedDate = n_fiscal_years_ago : 2
SELECT Id FROM Account WHERE Name = 'it\\'s \\"so\\" \\\\ \\u0041\\n' AND Name <> ''
SELECT Id FROM Account WHERE NOT Name LIKE '50\\%\\_%' AND (NOT (Name = 'b' OR Name = 'c'))
SELECT Id FROM Account WHERE ((((Name = 'a'))))
SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'x') \
AND Id NOT IN (SELECT AccountId FROM Opportunity)
SELECT Id /* a comment */ FROM Account // and another
SELECT Id FROM Account WHERE Name = '/* no */ // comment'
SELECT Id FROM Group WHERE Type = 'Queue'
SELECT Id FROM Account OFFSET
SELECT Id FROM Account USING SCOPE everything WHERE Name = 'x' WITH SECURITY_ENFORCED \
LIMIT 1 OFFSET 2
SELECT Id FROM Account USING SCOPE Mine WITH USER_MODE
SELECT Id FROM Account USING SCOPE mru FOR VIEW
SELECT Id FROM Account WITH RecordVisibilityContext (maxDescriptorPerRecord=100, \
supportsDomains=true) LIMIT 1
SELECT Id FROM Account LIMIT 1 FOR REFERENCE UPDATE TRACKING, VIEWSTAT
SELECT Id FROM Account FOR VIEW FOR REFERENCE
SELECT Id FROM Account FOR UPDATE
"""

MALFORMED = """
SELECT FROM Account
SELECT Id, FROM Account
SELECT Id FROM
SELECT * FROM Account
SELECT Id FROMAccount
SELECT Name n FROM Account
SELECT Id FROM Account, Contact
SELECT Id FROM Account a.Name = 'x'
SELECT Id FROM Account WHERE Name
SELECT Id FROM Account WHERE Name = "x"
SELECT Id FROM Account WHERE Name = 'x
SELECT Id FROM Account WHERE Name = x
SELECT Id FROM Account WHERE Name = :x
SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'
SELECT Id FROM Account WHERE (Name = 'a'
SELECT Id FROM Account WHERE Name IN ()
SELECT Id FROM Account WHERE Name NOT LIKE 'x'
SELECT Id FROM Account WHERE Name = 'a\\q'
SELECT Id FROM Account WHERE Name = '\\u00g1'
SELECT Id FROM Account WHERE CreatedDate > LAST_N_DAYS
SELECT Id FROM Account WHERE CreatedDate > LAST_N_DAYS:-1
SELECT Id FROM Account WHERE CreatedDate > TODAY:1
SELECT Id FROM Account WHERE CreatedDate > 2026-01-01T00:00:00
SELECT Id FROM Account WHERE COUNT(Id) > 1
SELECT Id FROM Account HAVING COUNT(Id) > 1
SELECT Id FROM Account ORDER BY
SELECT Id FROM Account ORDER BY COUNT(Id)
SELECT Id FROM Account LIMIT 1.5
SELECT Id FROM Account LIMIT 1 WHERE Name = 'x'
SELECT Id FROM Account FOR SALE
SELECT Id FROM Account ALL ROWS
SELECT Id FROM Account ORDER BY Name FOR UPDATE
SELECT Id, Id FROM Account
SELECT COUNT(), Name FROM Account
SELECT COUNT() FROM Account GROUP BY Name
SELECT COUNT() FROM Account ORDER BY Name
SELECT Name, COUNT(Id) FROM Account
SELECT Name, COUNT(Id) name FROM Account GROUP BY Name
SELECT Name, COUNT(Id) FROM Account GROUP BY Name ORDER BY Phone
SELECT Name, COUNT(Id) FROM Account GROUP BY Name HAVING Phone = 'x'
SELECT MAX(COUNT(Id)) FROM Account
SELECT SUM(Name) FROM Account
SELECT MAX(AnnualRevenue) FROM Account LIMIT 1
SELECT CALENDAR_YEAR(CreatedDate) FROM Account
SELECT NONSENSE(Name) FROM Account
SELECT GROUPING(Name) FROM Account GROUP BY Name
SELECT convertTimezone(CreatedDate) FROM Account
SELECT FIELDS(ALL) FROM Account
SELECT FIELDS(ALL) FROM Account LIMIT 201
SELECT FIELDS(NONE) FROM Account
SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact
SELECT TYPEOF What WHEN Account THEN Name FROM Task
SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account
SELECT (SELECT COUNT(Id) FROM Contacts) FROM Account
SELECT (SELECT Id FROM Contacts OFFSET 1) FROM Account
SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)
SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact ORDER BY Name)
SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)
SELECT Id FROM Account WHERE Id IN (SELECT OwnerId FROM Contact)
SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)
SELECT Id FROM Account WHERE Name = 'x' OR Id IN (SELECT AccountId FROM Contact)
SELECT Id FROM Account WHERE NOT (Id IN (SELECT AccountId FROM Contact))
SELECT Id FROM Account WHERE (Name = 'x' AND Id IN (SELECT AccountId FROM Contact)) AND Name = 'y'
SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Id IN \
(SELECT WhoId FROM Task))
SELECT Id FROM Care_Plan__c WHERE DISTANCE(Place__c, 'mi') < 20
SELECT Id FROM Care_Plan__c WHERE GEOLOCATION(1, 2) < 20
"""

OTHERS = """
INVALID_TYPE SELECT Id FROM Nonsense__c
INVALID_TYPE SELECT (SELECT Id FROM Nonsense__r) FROM Account
INVALID_TYPE SELECT TYPEOF What WHEN Nonsense__c THEN Id END FROM Task
INVALID_FIELD SELECT Nonsense__c FROM Account
INVALID_FIELD SELECT Owner.Nonsense__c FROM Case
INVALID_FIELD SELECT Nonsense__r.Name FROM Account
INVALID_FIELD SELECT Id FROM Account WHERE Name = 5
INVALID_FIELD SELECT Id FROM Account WHERE AnnualRevenue = '5'
INVALID_FIELD SELECT Id FROM Account WHERE IsDeleted = 'true'
INVALID_FIELD SELECT Id FROM Account WHERE CreatedDate > 2026-01-01
INVALID_FIELD SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'
INVALID_FIELD SELECT Id FROM Contact WHERE Birthdate = 2026-01-01T00:00:00Z
INVALID_FIELD SELECT Id FROM Account WHERE Description = 'x'
INVALID_FIELD SELECT Id FROM Account ORDER BY Description
INVALID_FIELD SELECT Id FROM Account WHERE BillingAddress = 'x'
INVALID_FIELD SELECT Id FROM Care_Plan__c WHERE Insurance_Number__c = 'x'
INVALID_FIELD SELECT Id FROM Care_Plan__c ORDER BY Goals__c
INVALID_FIELD SELECT CreatedDate FROM Account GROUP BY CreatedDate
INVALID_FIELD SELECT CALENDAR_YEAR(Name) FROM Account GROUP BY CALENDAR_YEAR(Name)
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Account WHERE OwnerId LIKE '005%'
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Account WHERE Id = 'x'
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Account WHERE Name > null
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Account WHERE IsDeleted > false
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Account WHERE Name INCLUDES ('x')
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Care_Plan__c WHERE Goals__c > 'x'
INVALID_QUERY_FILTER_OPERATOR SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)
MALFORMED_QUERY SELECT Id FROM Account USING SCOPE nonsense
EXCEEDED_MAX_SEMIJOIN_SUBSELECTS SELECT Id FROM Account WHERE Id IN \
(SELECT AccountId FROM Contact) AND Id IN (SELECT AccountId FROM Case) AND Id IN \
(SELECT AccountId FROM Opportunity)
NUMBER_OUTSIDE_VALID_RANGE SELECT Id FROM Account OFFSET 2001
FUNCTIONALITY_NOT_ENABLED SELECT Type, COUNT(Id) FROM Account GROUP BY CUBE(Type, Industry)
FUNCTIONALITY_NOT_ENABLED SELECT Id FROM Account USING SCOPE my_team_territory
FUNCTIONALITY_NOT_ENABLED SELECT Id FROM Account WITH DATA CATEGORY A__c \
AT (b__c, c__c) AND D__c BELOW e__c
FUNCTIONALITY_NOT_ENABLED SELECT Id FROM Account WHERE FORMULA('AnnualRevenue * 2') > 10
"""


@pytest.fixture(scope="module")
def queries() -> Iterator[Queries]:
    server: Server = build(Options(amounts=Amounts(accounts=5, contacts=10, leads=10)))
    yield Queries(server.org, server.identity.user_id, "66.0")
    server.org.close()


def code_of(queries: Queries, text: str) -> str:
    try:
        queries.run(text)
    except ApiError as exc:
        return exc.code
    return "accepted"


def lines(table: str) -> list[str]:
    return [line for line in table.strip().split("\n") if line]


def test_every_accepted_form_runs(queries: Queries) -> None:
    """Facts §3: clauses, functions, literals, scopes, joins, escapes, comments, letter case."""
    codes = {text: code_of(queries, text) for text in lines(ACCEPTED)}
    assert {text: code for text, code in codes.items() if code != "accepted"} == {}


def test_what_is_no_soql_is_malformed(queries: Queries) -> None:
    """Facts §2 and §3: MALFORMED_QUERY."""
    codes = {text: code_of(queries, text) for text in lines(MALFORMED)}
    assert {text: code for text, code in codes.items() if code != "MALFORMED_QUERY"} == {}


def test_what_the_org_refuses_has_its_code(queries: Queries) -> None:
    """Facts §2 and §3: the other codes; what is not executed has one of its own."""
    told = [line.split(" ", 1) for line in lines(OTHERS)]
    wrong = [(code, text) for code, text in told if code_of(queries, text) != code]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SELECT Id\nFROM Account\nWHERE  Nonsense = 'x'",
            "\nWHERE  Nonsense = 'x'\n       ^\nERROR at Row:3:Column:8\nNo such column 'Nonsense'",
        ),
        ("SELECT Id FROM Account WHERE Id = :x", "Bind variables only allowed in Apex code"),
        ("SELECT Name n FROM Account", "only aggregate expressions use field aliasing"),
        (
            "SELECT Id FROM Contact, Account",
            "must be relationships to the initial object.  The driving object is Contact.",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'x",
            "ERROR at Row:1:Column:38\nline 1:38 mismatched character '<EOF>' expecting '''",
        ),
        (
            'SELECT Id FROM Account\nWHERE Name = "x"',
            "ERROR at Row:2:Column:13\nline 2:13 no viable alternative at character '\"'",
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate = 2026-01-01",
            "field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
    ],
)
def test_an_error_points_at_its_place(queries: Queries, text: str, message: str) -> None:
    """Facts §2: row, column and the sentence."""
    with pytest.raises(ApiError) as caught:
        queries.run(text)
    assert message in caught.value.message


def test_forms_come_with_versions(queries: Queries) -> None:
    """Facts §3: FIELDS() since v51, children of children since v58, 20 subqueries in any."""
    old = Queries(queries.org, queries.user, "50.0")
    assert code_of(old, "SELECT FIELDS(STANDARD) FROM Account") == "MALFORMED_QUERY"
    nested = "SELECT (SELECT (SELECT Id FROM Tasks) FROM Contacts) FROM Account"
    assert code_of(Queries(queries.org, queries.user, "57.0"), nested) == "MALFORMED_QUERY"
    assert code_of(Queries(queries.org, queries.user, "58.0"), nested) == "accepted"
    many = ", ".join(["(SELECT Id FROM Contacts)"] * 21)
    assert code_of(queries, f"SELECT {many} FROM Account") == "MALFORMED_QUERY"  # noqa: S608


def test_a_thousand_conditions_are_not_too_many(queries: Queries) -> None:
    """Facts §3: a statement takes 100,000 characters."""
    many = " OR ".join(f"Name = 'n{n}'" for n in range(3000))
    assert code_of(queries, f"SELECT Id FROM Account WHERE {many}") == "accepted"  # noqa: S608 - SOQL
    ids = ", ".join(f"'{n:015d}'" for n in range(4000))
    assert code_of(queries, f"SELECT Id FROM Account WHERE Id NOT IN ({ids})") == "accepted"  # noqa: S608 - SOQL
    longer = f"SELECT Id FROM Account WHERE {many} OR {many}"  # noqa: S608 - SOQL
    assert code_of(queries, longer) == "QUERY_TOO_COMPLICATED"


def test_days_far_away_are_the_ends_of_time(queries: Queries) -> None:
    """Facts §3: a date literal with a large number still compares."""
    for literal, expected in {"LAST_N_DAYS:900000": 5, "NEXT_N_DAYS:900000000": 0}.items():
        text = f"SELECT Id FROM Account WHERE CreatedDate = {literal}"  # noqa: S608 - SOQL
        assert queries.run(text)["totalSize"] == expected, literal


def test_words_of_the_language_are_names_too(queries: Queries) -> None:
    """Facts §3: keywords in another place are fields, objects and aliases."""
    for text in (
        "SELECT Id FROM Account first WHERE first.Name = 'x'",
        "SELECT COUNT(Id) Offset FROM Account",
        "SELECT Type, COUNT(Id) format FROM Account GROUP BY Type",
        "SELECT Group.Name FROM Group",
    ):
        assert code_of(queries, text) == "accepted", text
