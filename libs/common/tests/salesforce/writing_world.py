"""An org in memory that keeps what is written to it, and fails as it is told."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from crmlink_common.salesforce.fakes import an_error
from crmlink_common.salesforce.ids import to_18

BASE = "/services/data/v59.0/"
Json = dict[str, Any]
Fault = httpx.Response | Exception
Told = Any  # JSON, or the text of a CSV


@dataclass
class World:
    """An org that keeps records by id, with a unique field Key__c; a fault per call, in turn."""

    records: dict[str, Json] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    jobs: dict[str, Json] = field(default_factory=dict)
    calls: int = 0
    always: str = ""

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else self.always
        if fault in BEFORE:
            return raised(BEFORE[fault])
        told = self.route(request.method, request.url.raw_path.decode(), body_of(request))
        if fault:
            return raised(AFTER[fault])
        return told if isinstance(told, httpx.Response) else httpx.Response(200, json=told)

    def route(self, method: str, path: str, body: Told) -> Told:
        url = urlsplit(path.removeprefix(BASE))
        parts = [unquote(one) for one in url.path.split("/") if one]
        if parts[0] == "sobjects":
            return self.row(method, parts[2:], body)
        if parts[:2] == ["composite", "sobjects"]:
            ids = parse_qs(url.query).get("ids", [""])[0].split(",")
            given = [{"Id": one} for one in ids] if method == "DELETE" else body["records"]
            key = parts[3] if len(parts) == 4 else None
            return [self.item(method, record, key) for record in given]
        if parts[0] == "composite":
            return {"compositeResponse": [self.part(one) for one in body["compositeRequest"]]}
        return self.job(method, parts[2:], body)

    def part(self, asked: Json) -> Json:
        told = self.route(asked["method"], asked["url"], asked.get("body"))
        return {"body": told, "httpStatusCode": 200, "referenceId": asked["referenceId"]}

    def row(self, method: str, names: list[str], body: Json | None) -> httpx.Response:
        key = names[0] if len(names) == 2 else None
        record = dict(body or {}) | ({key or "Id": names[-1]} if names else {})
        item = self.item(method, record, key)
        if not item["success"]:
            return an_error(404, item["errors"][0]["statusCode"])
        empty = method == "DELETE" or (method == "PATCH" and key is None)
        return httpx.Response(204) if empty else httpx.Response(201, json=item)

    def item(self, method: str, record: Json, key: str | None) -> Json:
        values = {name: value for name, value in record.items() if name not in {"attributes", "Id"}}
        if key:
            found = [one for one, kept in self.records.items() if kept.get(key) == record[key]]
        else:
            found = [record["Id"]] if record.get("Id") in self.records else []
        if not found and method == "PATCH" and not key:
            return failed("INVALID_CROSS_REFERENCE_KEY")
        if method == "DELETE":
            gone = self.records.pop(found[0], None) if found else None
            return done(record["Id"]) if gone is not None else failed("ENTITY_IS_DELETED")
        made = found[0] if found else to_18(f"003{len(self.records):012}")
        self.records[made] = self.records.get(made, {}) | values
        return done(made) | ({"created": not found} if key else {})

    def job(self, method: str, names: list[str], body: Told) -> Told:
        if not names:
            job_id = to_18(f"750{len(self.jobs):012}")
            self.jobs[job_id] = {**body, "id": job_id, "state": "Open"}
            return self.jobs[job_id]
        job = self.jobs[names[0]]
        if names[-1] == "batches":
            if "rows" in job or job["state"] != "Open":
                return an_error(400, "INVALIDJOBSTATE")
            job["rows"] = list(csv.DictReader(io.StringIO(body)))
            return httpx.Response(201)
        if names[-1] in {"successfulResults", "failedResults", "unprocessedrecords"}:
            return self.results(job) if names[-1][0] == "s" else httpx.Response(200, text="")
        if method == "PATCH":
            if job["state"] != "Open":
                return an_error(400, "INVALIDJOBSTATE")
            job["state"] = body["state"]
            self.load(job)
        told = {name: value for name, value in job.items() if name not in {"rows", "done"}}
        return told | {"numberRecordsProcessed": len(job.get("done", ()))}

    def load(self, job: Json) -> None:
        if job["state"] != "UploadComplete":
            return
        key = job.get("externalIdFieldName")
        known = [{name: cell for name, cell in row.items() if cell} for row in job["rows"]]
        items = [self.item("PATCH", row, key) for row in known]
        job["done"] = list(zip(job["rows"], items, strict=True))
        job["state"] = "JobComplete"

    def results(self, job: Json) -> httpx.Response:
        text = io.StringIO()
        names = list(job["rows"][0])
        lines = csv.writer(text)
        lines.writerow(["sf__Id", "sf__Created", *names])
        for row, item in reversed(job["done"]):
            lines.writerow([item["id"], str(item.get("created", False)).lower(), *row.values()])
        return httpx.Response(200, text=text.getvalue())


def done(record_id: str) -> Json:
    return {"id": record_id, "success": True, "errors": []}


def failed(code: str) -> Json:
    return {"success": False, "errors": [{"statusCode": code, "message": "Ada", "fields": []}]}


def body_of(request: httpx.Request) -> Told:
    content = request.content
    if request.headers.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    is_csv = request.headers.get("content-type", "").startswith("text/csv")
    return content.decode() if is_csv or not content else json.loads(content)


def raised(fault: Fault) -> httpx.Response:
    if isinstance(fault, Exception):
        raise fault
    return fault


NEVER: dict[str, Fault] = {
    "not connected": httpx.ConnectError(""),
    "429": an_error(429),
    "lock": an_error(400, "UNABLE_TO_LOCK_ROW"),
    "query time-out": an_error(400, "QUERY_TIMEOUT"),
    "concurrency": an_error(403, "REQUEST_LIMIT_EXCEEDED"),
}
UNSEEN: dict[str, Fault] = {
    "500": an_error(500, "UNKNOWN_EXCEPTION"),
    "503": an_error(503, "SERVER_UNAVAILABLE"),
    "time-out before": httpx.ReadTimeout(""),
    "broken off before": httpx.RemoteProtocolError(""),
}
BEFORE = {**NEVER, **UNSEEN}
AFTER: dict[str, Fault] = {
    "time-out after": httpx.ReadTimeout(""),
    "broken off after": httpx.ReadError(""),
    "html after": httpx.Response(200, html="<html>"),
    "503 after": an_error(503, "SERVER_UNAVAILABLE"),
}
