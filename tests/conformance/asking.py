"""Plain HTTP against the data API, with the questions that are asked again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Refused:
    """An error as the org tells it."""

    status: int
    code: str
    message: str
    fields: list[str] | None


@dataclass(frozen=True, slots=True)
class Asking:
    """One caller; ``http`` goes to the org's own address and carries a token."""

    http: httpx.Client
    version: str = "59.0"

    def at(self, version: str) -> Asking:
        return Asking(self.http, version)

    def url(self, path: str) -> str:
        return f"/services/data/v{self.version}/{path}"

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - what httpx takes
        return self.http.request(method, self.url(path), **more)

    def get(self, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        answer = self.send("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        answer = self.send("POST", path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def refused(self, method: str, path: str, **more: Any) -> Refused:  # noqa: ANN401 - what httpx takes
        answer = self.send(method, path, **more)
        assert answer.status_code >= 400, answer.text
        told = answer.json()
        assert isinstance(told, list), told
        error = told[0]
        return Refused(
            answer.status_code, error["errorCode"], error["message"], error.get("fields")
        )

    def query(self, soql: str, **headers: str) -> dict[str, Any]:
        told: dict[str, Any] = self.get("query", params={"q": soql}, headers=headers)
        return told

    def rows(self, soql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.query(soql)["records"]
        return found

    def no_query(self, soql: str) -> Refused:
        return self.refused("GET", "query", params={"q": soql})

    def search(self, sosl: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("search", params={"q": sosl})["searchRecords"]
        return found

    def create(self, sobject: str, **fields: object) -> str:
        return str(self.post(f"sobjects/{sobject}", fields)["id"])

    def no_create(self, sobject: str, **fields: object) -> Refused:
        return self.refused("POST", f"sobjects/{sobject}", json=fields)

    def create_all(self, records: list[dict[str, Any]], **more: object) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.post("composite/sobjects", {"records": records, **more})
        return told

    def describe(self, sobject: str) -> dict[str, Any]:
        told: dict[str, Any] = self.get(f"sobjects/{sobject}/describe")
        return told

    def field(self, sobject: str, **wanted: object) -> dict[str, Any]:
        """Find a field by what its description says."""
        for one in self.describe(sobject)["fields"]:
            if all(one[name] == value for name, value in wanted.items()):
                found: dict[str, Any] = one
                return found
        raise AssertionError(f"{sobject} has no field with {wanted}")

    def used(self) -> int:
        """Tell how many calls the org has counted; the question is one of them."""
        header = self.send("GET", "limits").headers["sforce-limit-info"]
        return int(header.split("=")[1].split("/")[0])


def typed(sobject: str, **fields: object) -> dict[str, Any]:
    """Return a record as Collections take it."""
    return {"attributes": {"type": sobject}, **fields}
