"""Conditional requests for rows and describe documents."""

from typing import Any

import httpx

Clock = Any  # of conftest
EARLY, LATE = "Fri, 01 May 2026 07:25:00 GMT", "Fri, 01 May 2026 07:30:00 GMT"


async def create(api: httpx.AsyncClient, sobject: str = "Account") -> str:
    body = {"Name": "Acme"} if sobject == "Account" else {"LastName": "Acme"}
    answer = await api.post(f"sobjects/{sobject}", json=body)
    return f"sobjects/{sobject}/{answer.json()['id']}"


async def test_an_account_has_a_tag_that_changes_with_it(
    api: httpx.AsyncClient, clock: Clock
) -> None:
    """Facts §2: ETag, If-None-Match, If-Match on Account rows: 304 and 412."""
    path = await create(api)
    first = await api.get(path)
    tag = first.headers["etag"]
    assert tag.endswith('=-gzip"')
    same = await api.get(path + "?fields=Name", headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    clock.pass_seconds(5)
    kept = await api.patch(path, json={"Name": "A"}, headers={"If-Match": tag})
    assert kept.status_code == 204
    for method in ("PATCH", "GET"):
        body = {"Name": "B"} if method == "PATCH" else None
        answer = await api.request(method, path, json=body, headers={"If-Match": tag})
        assert answer.status_code == 412, method
    again = await api.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["Name"]) == (200, "A")


async def test_other_rows_have_dates_and_no_tag(api: httpx.AsyncClient, clock: Clock) -> None:
    """Facts §2: entity tags for Account alone; If-Modified-Since 304; If-Unmodified-Since 412."""
    path = await create(api, "Contact")
    answer = await api.get(path, headers={"If-Match": '"x"', "If-Modified-Since": EARLY})
    assert answer.status_code == 200
    assert "etag" not in answer.headers
    assert answer.headers["last-modified"] == "Fri, 01 May 2026 07:25:37 GMT"
    for method in ("GET", "HEAD"):
        unchanged = await api.request(method, path, headers={"If-Modified-Since": LATE})
        assert unchanged.status_code == 304, method
    for date, status in ((EARLY, 412), (LATE, 204)):
        headers = {"If-Unmodified-Since": date}
        answer = await api.patch(path, json={"Title": "x"}, headers=headers)
        assert answer.status_code == status, date
    clock.pass_seconds(600)
    await api.patch(path, json={"Title": "y"})
    answer = await api.delete(path, headers={"If-Unmodified-Since": LATE})
    assert answer.status_code == 204  # deleting takes no conditions


async def test_a_date_that_is_none_is_ignored_by_a_read_and_refused_by_a_change(
    api: httpx.AsyncClient,
) -> None:
    """Facts §2: invalid header value on PATCH or POST: 400."""
    path = await create(api)
    headers = {"If-Modified-Since": "yesterday"}
    assert (await api.get(path, headers=headers)).status_code == 200
    for name in ("If-Unmodified-Since", "If-Match", "If-None-Match"):
        answer = await api.patch(path, json={"Name": "B"}, headers={name: "x"})
        assert answer.status_code == 400, name
    answer = await api.patch(path, json={"Name": "B"}, headers=headers)
    assert answer.status_code == 204


async def test_a_describe_document_is_sent_once(api: httpx.AsyncClient) -> None:
    """Facts §2: describe answers ETag "…--gzip" and Last-Modified; If-Modified-Since: 304."""
    for path in ("sobjects/Account/describe", "sobjects"):
        answer = await api.get(path)
        since = {"If-Modified-Since": answer.headers["last-modified"]}
        assert (await api.get(path, headers=since)).status_code == 304, path
        old = {"If-Modified-Since": "Fri, 01 May 2009 07:25:00 GMT"}
        assert (await api.get(path, headers=old)).status_code == 200, path
    tagged = await api.get("sobjects/Account/describe")
    assert tagged.headers["etag"].endswith('--gzip"')
    plain = await api.get("sobjects/Account/describe", headers={"Accept-Encoding": "identity"})
    assert "gzip" not in plain.headers["etag"]
