"""The schema of messages, read once from the package and compiled.

It is written in several files by subject and used as one flat document: so it can be stored in a
journal, printed, and compiled without the validator opening anything.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from lxml import etree

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
PARTS: Final = ("names", "report", "tasks", "gates", "models", "device", "system", "message")


def _part(name: str) -> etree._Element:
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    return etree.fromstring((files("protocol") / "schema" / f"{name}.xsd").read_bytes(), parser)


@cache
def schema_bytes() -> bytes:
    """Return the whole schema as one XSD 1.0 document, UTF-8."""
    whole = etree.Element(f"{XS}schema", nsmap={"xs": XS[1:-1]}, blockDefault="#all")
    for name in PARTS:
        whole.extend([child for child in _part(name) if child.tag != f"{XS}include"])
    etree.indent(whole)
    return etree.tostring(whole, xml_declaration=True, encoding="UTF-8")


@cache
def schema_digest() -> str:
    """Return the SHA-256 of the schema, in hexadecimal: two journals with one digest used one schema."""
    return sha256(schema_bytes()).hexdigest()


@cache
def compiled() -> etree.XMLSchema:
    """Return the schema ready to validate; a failure here is a bug in the package."""
    return etree.XMLSchema(etree.fromstring(schema_bytes()))


@cache
def documentation() -> dict[str, str]:
    """Return what the schema says of each named type and of each message type's element."""
    root = etree.fromstring(schema_bytes())
    named = [node for node in root if node.get("name")]
    return {node.get("name", ""): _words(node) for node in named}


def _words(node: etree._Element) -> str:
    return " ".join((node.findtext(f"{XS}annotation/{XS}documentation") or "").split())


@cache
def type_of_leaf(element: str) -> str | None:
    """Return the simple type that the schema gives an element or attribute of this name, if it gives one only."""
    root = etree.fromstring(schema_bytes())
    found = {node.get("type") for node in root.iter(f"{XS}element", f"{XS}attribute") if node.get("name") == element}
    return found.pop() if len(found) == 1 else None
