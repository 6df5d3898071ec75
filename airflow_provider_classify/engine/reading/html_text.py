"""Extract the text of HTML in mails and Office documents, without its layout."""

from __future__ import annotations

from airflow_provider_classify.exceptions import ExtraNotInstalled

try:
    from lxml import etree
except ImportError as error:
    raise ExtraNotInstalled(
        "Reading HTML in mails needs lxml; install airflow-provider-classify[local] where the tasks run."
    ) from error

#: The most characters of HTML that are read. The classified pages have far fewer.
MAX_HTML = 512 * 1024
#: Elements within a line of text; all others end the line.
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)
#: Elements whose text is not shown.
_UNSEEN = frozenset({"script", "style", "title", "template", "head", "noscript", "object", "select", "textarea"})


def text_of_html(html: str) -> str:
    """
    Return the text of ``html``, a line for each block.

    Scripts, styles and hidden elements are left out. Broken HTML is repaired as far as possible.
    """
    parser = etree.HTMLParser(encoding="utf-8", recover=True, no_network=True, remove_comments=True, remove_pis=True)
    # For the parser, a zero byte would end the document.
    data = html[:MAX_HTML].replace("\0", " ").encode("utf-8", errors="replace")
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:  # only comments and white space
        return ""
    if root is None:
        return ""
    lines = "".join(_pieces(root)).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def _pieces(root: etree._Element) -> list[str]:
    """Return the text before, within and after each element, with line breaks between blocks."""
    pieces: list[str] = []
    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        is_unseen = tag in _UNSEEN or "display:none" in element.get("style", "").replace(" ", "").lower()
        if tag not in _INLINE:
            pieces.append("\n")
        if event == "start":
            unseen += is_unseen
            text = element.text
        else:
            unseen -= is_unseen
            text = element.tail if element is not root else None
        if text and not unseen:
            # A line break of the source is only white space on the page.
            pieces.append(" ".join(text.splitlines()) if "\n" in text or "\r" in text else text)
    return pieces
