"""`python -m crmlink_salesforce_sim describe-from`: save describe documents of a connected org."""

import argparse
import ipaddress
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import httpx

from crmlink_salesforce_sim.errors import Row, StartError

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
MOST_OBJECTS = 200
MOST_TOKEN = 20_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_VERSION = re.compile(r"\d{2,3}\.0\Z")


def main(arguments: Sequence[str], transport: httpx.BaseTransport | None = None) -> int:
    """Save the documents; return 1 with one clear sentence when that fails."""
    found = _parser().parse_args(arguments)
    try:
        names = _names(found.objects)
        origin = _origin(found.url)
        if not _VERSION.match(found.version):
            raise StartError(f"--version {found.version} is none: give one such as 59.0.")
        documents = fetch(origin, _token(found.token_file), names, found.version, transport)
        text = json.dumps(documents, indent=1, ensure_ascii=False) + "\n"
        if found.out is None:
            sys.stdout.write(text)
        else:
            found.out.write_text(text, encoding="utf-8")
    except StartError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    except OSError as exc:
        sys.stderr.write(f"{found.out} cannot be written: {exc.strerror}.\n")
        return 1
    return 0


def fetch(
    origin: str,
    token: str,
    names: Sequence[str],
    version: str,
    transport: httpx.BaseTransport | None = None,
) -> list[Row]:
    """Return the describe documents; one API call each, no redirect is followed.

    Raises StartError with the status or the kind of failure, never with what was answered.
    """
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    client = httpx.Client(
        base_url=origin, timeout=TIMEOUT, transport=transport, headers=headers, trust_env=False
    )
    with client:
        return [_document(client, name, version) for name in names]


def _document(client: httpx.Client, name: str, version: str) -> Row:
    try:
        answer = client.get(f"/services/data/v{version}/sobjects/{name}/describe")
        document = answer.json() if answer.is_success else None
    except httpx.HTTPError as exc:
        raise StartError(f"The org cannot be asked about {name}: {type(exc).__name__}.") from None
    except ValueError:
        raise StartError(f"The org answered about {name} with something else than JSON.") from None
    if not isinstance(document, dict) or "fields" not in document:
        cures = {401: "log in again for a new token", 404: "the object is not there or not seen"}
        cure = cures.get(answer.status_code, "see the org's setup")
        raise StartError(f"The org refused {name} with status {answer.status_code}: {cure}.")
    return cast("Row", document)


def _names(listed: str) -> list[str]:
    names = [one.strip() for one in listed.split(",") if one.strip()]
    if not 0 < len(names) <= MOST_OBJECTS or not all(map(_NAME.match, names)):
        raise StartError(f"--objects needs 1 to {MOST_OBJECTS} names such as Account,Contact.")
    return names


def _origin(url: str) -> str:
    """Return scheme, host and port: https, or http on this machine alone."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    local = parts.scheme == "http" and _is_loopback(parts.host)
    if not parts.host or not (parts.scheme == "https" or local):
        raise StartError("--url has to be https://…, the org's My Domain.")
    port = "" if parts.port is None else f":{parts.port}"
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    return f"{parts.scheme}://{host}{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(path: str) -> str:
    """Read the access token; `-` is standard input."""
    try:
        if path == "-":
            text = sys.stdin.read(MOST_TOKEN)
        else:
            with Path(path).open(encoding="ascii") as file:
                text = file.read(MOST_TOKEN)
    except (OSError, UnicodeDecodeError) as exc:
        raise StartError(f"The token file {path} cannot be read ({type(exc).__name__}).") from None
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise StartError("The token file holds no access token.")
    return token


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m crmlink_salesforce_sim describe-from",
        description="Save describe documents of an org, to be given to --objects.",
    )
    add = parser.add_argument
    add("--url", required=True, help="the org's address: https://….my.salesforce.com")
    add("--token-file", required=True, help="file with an access token; - reads standard input")
    add("--objects", required=True, help="names, separated by commas")
    add("--version", default="59.0", help="of the API")
    add("--out", type=Path, help="file to write; standard output without it")
    return parser
