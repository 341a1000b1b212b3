"""SOAP envelopes: reading calls, writing answers and faults."""

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from crmlink_salesforce_sim.errors import ApiError

PARTNER = "urn:partner.soap.sforce.com"
FAULTS = "urn:fault.partner.soap.sforce.com"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
MOST_BODY = 50_000_000
_DECLARED = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
NIL = f"{{{INSTANCE}}}nil"

Value = str | bool | None


@dataclass
class Element:
    """One element of a message: its name without a namespace, its text, and what is in it."""

    name: str
    text: str = ""
    nil: bool = False
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list["Element"]:
        """Return the children of that name."""
        return [one for one in self.children if one.name == name]

    def find(self, name: str) -> "Element | None":
        """Return the first child of that name."""
        return next(iter(self.all(name)), None)

    def value(self, name: str) -> str:
        """Return the text of a child; empty when there is none."""
        found = self.find(name)
        return found.text if found else ""


@dataclass(frozen=True)
class Message:
    """A call: what its headers say, and the operation with its arguments."""

    headers: Element
    operation: Element

    @property
    def session(self) -> str:
        """Return the session id of the caller."""
        header = self.headers.find("SessionHeader")
        return header.value("sessionId") if header else ""

    @property
    def client(self) -> str:
        """Return the name the client gives itself."""
        header = self.headers.find("CallOptions")
        return header.value("client") if header else ""


def read(content: bytes) -> Message:
    """Return the call in an envelope; ApiError UNKNOWN_EXCEPTION when it is none.

    Documents that declare types or entities are refused before they are read.
    """
    if len(content) > MOST_BODY or _DECLARED.search(content):
        raise _unreadable("the document declares a type, or is too large")
    try:
        root = _element(ET.fromstring(content))  # noqa: S314 - declarations are refused above
    except (ET.ParseError, RecursionError):
        raise _unreadable("the document is no XML") from None
    body = root.find("Body")
    if root.name != "Envelope" or body is None or not body.children:
        raise _unreadable("an envelope with a body is needed")
    return Message(root.find("Header") or Element("Header"), body.children[0])


def _unreadable(reason: str) -> ApiError:
    return ApiError("UNKNOWN_EXCEPTION", f"The SOAP message could not be read: {reason}", 500)


def _element(node: ET.Element) -> Element:
    return Element(
        node.tag.rpartition("}")[2],
        (node.text or "").strip(),
        node.get(NIL) == "true",
        [_element(one) for one in node],
    )


def tag(name: str, value: Value) -> str:
    """Return an element: text, a truth, or nothing (nil)."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    if isinstance(value, bool):
        value = str(value).lower()
    return f"<{name}>{escape(value)}</{name}>"


def raw(name: str, *inner: str) -> str:
    """Return an element around elements already written."""
    return f"<{name}>{''.join(inner)}</{name}>"


def response(operation: str, *results: str) -> str:
    """Return the envelope of an answer."""
    inner = "".join(raw("result", one) for one in results)
    name = f"{operation}Response"
    return _envelope(f'<{name} xmlns="{PARTNER}">{inner}</{name}>')


def fault(error: ApiError) -> str:
    """Return the envelope of a fault: the code twice, as faultcode and in the detail."""
    told = escape(f"{error.code}: {error.message}")
    kind = "LoginFault" if error.code == "INVALID_LOGIN" else "UnexpectedErrorFault"
    detail = "".join(
        [
            f'<sf:{kind} xsi:type="sf:{kind}">',
            raw("sf:exceptionCode", error.code),
            raw("sf:exceptionMessage", escape(error.message)),
            f"</sf:{kind}>",
        ]
    )
    return _envelope(
        raw(
            "soapenv:Fault",
            raw("faultcode", f"sf:{error.code}"),
            raw("faultstring", told),
            raw("detail", detail),
        )
    )


def _envelope(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:sf="{FAULTS}"'
        f' xmlns:xsi="{INSTANCE}"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )
