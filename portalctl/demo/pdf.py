"""A small PDF writer: text in Helvetica on A4 pages, and files inside, as ZUGFeRD wants its XML.

Source: ISO 32000-1, 7.3 to 7.5 (objects, file structure), 7.11.4 (embedded files); Factur-X 1.07, 4.2 (``/AF``).
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

A4 = (595, 842)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text at a place, in points from the lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False
    right: bool = False
    """The text ends at x instead of starting there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A thin horizontal line."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside the PDF."""

    name: str
    media_type: str
    content: bytes
    relationship: str = "Alternative"


@dataclass
class Page:
    """What is on one page."""

    items: list[Text | Rule] = field(default_factory=list)


def write_pdf(title: str, created: date, pages: Sequence[Page], attached: Sequence[Attached] = ()) -> bytes:
    """The file's bytes; the same input gives the same bytes."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, page_tree = add(b""), add(b"")
    fonts = [add(_font(name)) for name in ("Helvetica", "Helvetica-Bold")]
    resources = f"<< /Font << /F1 {fonts[0]} 0 R /F2 {fonts[1]} 0 R >> >>"
    kids = []
    for page in pages:
        content = add(_stream(_drawn(page), b"/Filter /FlateDecode", compress=True))
        box = f"[0 0 {A4[0]} {A4[1]}]"
        head = f"<< /Type /Page /Parent {page_tree} 0 R /MediaBox {box} /Resources {resources}"
        kids.append(add(f"{head} /Contents {content} 0 R >>".encode()))
    specs = [(file.name, _add_file(add, file)) for file in attached]
    listed = " ".join(f"{number} 0 R" for number in kids)
    objects[page_tree - 1] = f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>".encode()
    objects[catalog - 1] = _catalog(page_tree, specs)
    info = add(b"<< /Title %b /CreationDate (D:%b) >>" % (_string(title), created.strftime("%Y%m%d000000Z").encode()))
    return _assembled(objects, catalog, info)


def _font(name: str) -> bytes:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()


def _stream(content: bytes, entries: bytes, *, compress: bool) -> bytes:
    body = zlib.compress(content, 9) if compress else content
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(body), entries, body)


def _add_file(add: Callable[[bytes], int], file: Attached) -> int:
    subtype = file.media_type.replace("/", "#2F").encode()
    entries = b"/Type /EmbeddedFile /Subtype /%b /Params << /Size %d >>" % (subtype, len(file.content))
    stream = add(_stream(file.content, entries, compress=False))
    name = _string(file.name)
    return add(
        b"<< /Type /Filespec /F %b /UF %b /AFRelationship /%b /EF << /F %d 0 R /UF %d 0 R >> >>"
        % (name, name, file.relationship.encode(), stream, stream)
    )


def _catalog(page_tree: int, specs: Sequence[tuple[str, int]]) -> bytes:
    head = b"<< /Type /Catalog /Pages %d 0 R /Lang (de-DE)" % page_tree
    if not specs:
        return head + b" >>"
    names = b" ".join(b"%b %d 0 R" % (_string(name), number) for name, number in sorted(specs))
    listed = b" ".join(b"%d 0 R" % number for _, number in specs)
    return head + b" /AF [%b] /Names << /EmbeddedFiles << /Names [%b] >> >> >>" % (listed, names)


def _assembled(objects: Sequence[bytes], catalog: int, info: int) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (len(objects) + 1, catalog, info)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _string(text: str) -> bytes:
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return b"(" + escaped.encode("cp1252", "replace") + b")"


def _drawn(page: Page) -> bytes:
    parts = []
    for item in page.items:
        if isinstance(item, Rule):
            parts.append(b"0.5 w %.1f %.1f m %.1f %.1f l S" % (item.x, item.y, item.x + item.width, item.y))
            continue
        x = item.x - width_of(item.text, item.size, bold=item.bold) if item.right else item.x
        font = b"/F2" if item.bold else b"/F1"
        parts.append(b"BT %b %.1f Tf %.2f %.2f Td %b Tj ET" % (font, item.size, x, item.y, _string(item.text)))
    return b"\n".join(parts)


# Adobe's metrics in thousandths of the size: of Helvetica what amounts are made of, of Helvetica-Bold the table's heads
# as well; anything else counts as a digit
_DIGIT = 556
_REGULAR = {" ": 278, ".": 278, ",": 278, "-": 333}
_BOLD = _REGULAR | {"B": 722, "E": 667, "M": 833, "R": 722, "U": 722, "g": 611, "i": 278, "l": 278, "n": 611, "p": 611}
_BOLD |= {"r": 389, "t": 333, "z": 500}


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """In points; exact for what is set flush right here."""
    widths = _BOLD if bold else _REGULAR
    return sum(widths.get(letter, _DIGIT) for letter in text) * size / 1000
