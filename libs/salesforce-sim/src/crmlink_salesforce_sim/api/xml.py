"""Answers as XML, for callers whose Accept header asks for it."""

import re
from xml.sax.saxutils import escape, quoteattr

XML_TYPE = "application/xml;charset=UTF-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def wants_xml(accept: str) -> bool:
    """Tell whether the header prefers XML: it names it, and JSON not before it."""
    if "xml" not in accept:  # the usual case
        return False
    for one in accept.split(","):
        media = one.partition(";")[0].strip().lower()
        if media in ("application/xml", "text/xml"):
            return True
        if media in ("application/json", "*/*"):
            return False
    return False


def as_xml(document: object) -> bytes:
    """Return a document as XML; the shapes are simplified (unverified)."""
    if isinstance(document, list):
        return _packed("Errors" if _errors(document) else "results", document)
    if isinstance(document, dict):
        return _packed(_root(document), document)
    return _packed("result", document)


def _packed(root: str, value: object) -> bytes:
    if isinstance(value, list):
        name = "Error" if root == "Errors" else "result"
        inner = "".join(_element(name, one) for one in value)
        return f"{_HEAD}<{root}>{inner}</{root}>".encode()
    return (_HEAD + _element(root, value)).encode()


def _errors(document: list[object]) -> bool:
    return bool(document) and all(isinstance(one, dict) and "errorCode" in one for one in document)


def _root(document: dict[str, object]) -> str:
    attributes = document.get("attributes")
    if isinstance(attributes, dict):
        return str(attributes.get("type", "result"))
    return "QueryResult" if "totalSize" in document else "Result"


def _element(name: str, value: object) -> str:
    """Return an element; a list repeats it, `attributes` of a record become attributes."""
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    tag = name if _NAME.match(name) else "value"
    if value is None:
        return f'<{tag} xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
    if isinstance(value, dict):
        rest = dict(value)
        given = rest.pop("attributes", None)
        marks = given.items() if isinstance(given, dict) else ()
        marked = "".join(f" {key}={quoteattr(str(one))}" for key, one in marks)
        inner = "".join(_element(str(key), one) for key, one in rest.items())
        return f"<{tag}{marked}>{inner}</{tag}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{tag}>{escape(_FORBIDDEN.sub('', text))}</{tag}>"
