"""Templates to fill in: generated from the schema and the examples, so they cannot drift from either."""

from lxml import etree

from protocol.encoder import encode
from protocol.examples import example
from protocol.messages import Message, MessageType
from protocol.schema import documentation, type_of_leaf


def template(kind: MessageType) -> str:
    """Return a complete, valid message of this type, indented, with a comment that says what each leaf takes."""
    return explained(example(kind))


def explained(message: Message) -> str:
    """Return a message, indented, with a comment that says what each leaf takes."""
    root = etree.fromstring(encode(message))
    etree.indent(root)
    described: set[str] = set()
    for node in list(root.iter("*")):
        words = documentation().get(type_of_leaf(str(node.tag)) or "")
        if words and len(node) == 0 and str(node.tag) not in described:
            described.add(str(node.tag))
            note = etree.Comment(f" {node.tag!s}: {words.replace('--', '-')} ")
            note.tail = node.getparent().text if node.getparent() is not None else "\n"  # type: ignore[union-attr]
            node.addprevious(note)
    return etree.tostring(root, encoding="unicode") + "\n"
