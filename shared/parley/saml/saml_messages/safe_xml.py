"""XML from outside, read so that nothing in it can reach or cost anything but itself.

No DTD and so no entities (XXE, billion laughs), no network, one encoding, bounded size and depth, no comments and processing instructions:
a comment inside a text splits it, and whoever reads the first part only reads another name than was signed.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from parley.kernel.values.errors import BadRequest

MOST_BYTES = 256 * 1024
_DEEPEST = 40
_MOST_ELEMENTS = 5000

LxmlError = etree.LxmlError
Element = Any
"""An element of lxml, which has no types."""


class UnsafeXml(BadRequest):
    """The document is not XML, or holds what no message of SAML needs."""


def parser(*, drops_comments: bool = False) -> Any:
    """A new parser: one keeps the names of what it has read. Its encoding wins over what a document says of itself."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=drops_comments,
    )


def read(document: bytes, *, drops_comments: bool = False) -> Element:
    """The root of a document. Comments are refused, or dropped: where nothing is signed they deceive nobody. Raises `UnsafeXml`."""
    if len(document) > MOST_BYTES:
        raise UnsafeXml(f"The XML has more than {MOST_BYTES} bytes.")
    try:
        document.decode()
        if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
            raise UnsafeXml("The XML has a document type declaration; SAML has none.")
        root = etree.fromstring(document, parser(drops_comments=drops_comments))
    except UnicodeDecodeError:
        raise UnsafeXml("The XML is not UTF-8.") from None
    except (etree.XMLSyntaxError, ValueError):
        raise UnsafeXml("The document is not well-formed XML.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeXml("The XML has a document type declaration; SAML has none.")
    _bound(root)
    return root


def _bound(root: Element) -> None:
    # Comments and instructions beside the root are siblings of it, not descendants.
    if root.getprevious() is not None or root.getnext() is not None:
        raise UnsafeXml("The XML has comments or processing instructions; SAML needs none.")
    waiting, seen = [(root, 1)], 0
    while waiting:
        element, depth = waiting.pop()
        seen += 1
        if not isinstance(element.tag, str):
            raise UnsafeXml("The XML has comments, processing instructions or entities; SAML needs none.")
        if depth > _DEEPEST or seen > _MOST_ELEMENTS:
            raise UnsafeXml("The XML is nested too deeply, or has too many elements.")
        waiting.extend((child, depth + 1) for child in element)


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children with one of these names (`{namespace}local`)."""
    return (child for child in element if child.tag in names)


def text(element: Element) -> str:
    """The text of an element that holds nothing but text. Raises `UnsafeXml`."""
    if len(element):
        raise UnsafeXml(f"The element {etree.QName(element).localname} holds elements where a text belongs.")
    return (element.text or "").strip()
