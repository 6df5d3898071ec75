"""Parse XML from untrusted files. Nothing is fetched, and no entity is expanded."""

from __future__ import annotations

from typing import Any, TypeAlias

from airflow_provider_classify.exceptions import ExtraNotInstalled

try:
    from lxml import etree
except ImportError as error:
    raise ExtraNotInstalled(
        "Reading XML and Office documents needs lxml; install airflow-provider-classify[local] where the tasks run."
    ) from error

#: An element of lxml, which has no type hints.
Element: TypeAlias = Any


def parse_xml(data: bytes) -> Element:
    """
    Return the root of ``data``.

    References to entities are not expanded. So an entity cannot fill the memory, and no file or address that it names
    is read. libxml2 refuses elements that are nested more than 256 deep.

    :raises ValueError: it is not well-formed.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from error
    if root is None:
        raise ValueError("there is no element")
    return root


def local_name(element: Element) -> str:
    """Return an element's name without its namespace; an empty string for other nodes, such as entities."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def namespace(element: Element) -> str:
    """Return an element's namespace; an empty string if it has none."""
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def attribute(element: Element, name: str) -> str:
    """Return an attribute by its name, in any namespace; an empty string if it is missing."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
