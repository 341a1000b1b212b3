from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_oauth.domain.hosts import SALESFORCE, HostRefusedError, allowed_origins, checked_origin

LOCAL = "http://127.0.0.1:5555"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://login.salesforce.com/", "https://login.salesforce.com"),
        (" https://TEST.salesforce.com ", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", None),
        ("https://acme-dev-ed.develop.my.salesforce.com", None),
        ("https://acme-dev-ed.scratch.my.salesforce.com", None),
        ("https://na1.salesforce.com", None),
        ("https://um6.salesforce.com", None),
        (LOCAL, LOCAL),
        (LOCAL + "/", LOCAL),
    ],
)
def test_salesforce_and_what_was_set_is_allowed(url: str, origin: str | None) -> None:
    assert checked_origin(url, {LOCAL}, field="login_url") == (origin or url)


HOSTILE = [
    "",
    "login.salesforce.com",
    "http://login.salesforce.com",
    "ftp://login.salesforce.com",
    "javascript://login.salesforce.com",
    "https://",
    "https://salesforce.com",
    "https://my.salesforce.com",
    "https://evil.example",
    "https://login.salesforce.com.evil.example",
    "https://evillogin.salesforce.com",
    "https://evil-my.salesforce.com",
    "https://acme.my.salesforce.com.evil.example",
    "https://user@login.salesforce.com",
    "https://user:pass@login.salesforce.com",
    "https://login.salesforce.com@evil.example",
    "https://login.salesforce.com:443",
    "https://login.salesforce.com:8443",
    "https://login.salesforce.com/path",
    "https://login.salesforce.com//",
    "https://login.salesforce.com?x",
    "https://login.salesforce.com#x",
    "https://login.salesforce.com\\@evil.example",
    "https://login.salesforce.com%2eevil.example",
    "https://login.salesforce.com\n",
    "https://login.salesforce.com\x00",
    "https://login.salesforce.com\t.evil.example",
    "https://login.salesforce.com.",
    "https://127.0.0.1",
    "https://[::1]",
    "https://2130706433",
    "https://0x7f000001",
    "https://169.254.169.254",
    "https://login.ѕalesforce.com",  # noqa: RUF001 - a look-alike
    "https://login。salesforce。com",
    "https://login.\u017falesforce.com",  # lower() and casefold() differ on it
    "https://xn--lesforce-t4e.my.salesforce.com.evil.example",
    "https://-a.my.salesforce.com",
    "https://a..my.salesforce.com",
    "https://a.b.c.d.e.my.salesforce.com",
    "http://127.0.0.1:5556",
    "http://127.0.0.1:5555@evil.example",
    "https://127.0.0.1:5555",
    "https://a" + "a" * 300 + ".my.salesforce.com",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(HostRefusedError) as told:
        checked_origin(url, {LOCAL}, field="login_url")
    assert told.value.field == "login_url"
    assert told.value.cure


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
def test_nothing_gets_in_beside_an_allowed_host(before: str, within: str, after: str) -> None:
    url = f"{before}https://login.{within}salesforce.com{after}"
    try:
        origin = checked_origin(url, (), field="login_url")
    except HostRefusedError:
        return
    assert SALESFORCE.match(origin)
    assert origin == url.strip(" ").removesuffix("/").lower()


@given(st.from_regex(SALESFORCE, fullmatch=True))
def test_what_the_grammar_takes_has_no_user_port_or_path(url: str) -> None:
    host = url.removeprefix("https://")
    assert not set(host) & set("@:/?#%\\ ")
    assert host.endswith((".salesforce.com", ".salesforce.mil", ".salesforce-setup.com"))


@pytest.mark.parametrize("setting", ["{}", "[1]", '["http://127.0.0.1/x"]', '["evil"]', "nothing"])
def test_a_setting_that_is_no_list_of_origins_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="JSON list of origins"):
        allowed_origins(setting)


def test_a_setting_names_exact_origins() -> None:
    assert allowed_origins(f'["{LOCAL}"]') == {LOCAL}
