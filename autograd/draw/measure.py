"""How wide a text is, in a font that we don't know.

Which font a reader has is unknown where a picture is made. So each text gets the width that it
would have in Arial (Helvetica and Liberation Sans are alike, DejaVu Sans is a sixth wider), its
box is made for that width, and the SVG asks for it (`textLength`): another font's letters are
moved or narrowed a little, and no text leaves its box.
"""

from unicodedata import combining, east_asian_width

# thousandths of the font size, for the characters from " " to "~"; from Adobe's metrics of
# Helvetica (Core 14 AFM files)
ASCII = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    *[556] * 10, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
OTHERS = {"\u00a0": 278, "·": 333, "×": 584, "÷": 584, "−": 584, "…": 1000, "▲": 900, "▼": 900}
ROOM = 1.07  # between Arial and DejaVu Sans, so that neither has to change much
BOLD = 1.08
SIZE = 13  # pixels, of the text in a graph


def width(text: str, size: float = SIZE, bold: bool = False) -> float:
    """The width to reserve for one line of text, in the unit of `size`."""
    total = sum(map(_character, text)) / 1000
    return total * size * ROOM * (BOLD if bold else 1.0)


def _character(c: str) -> int:
    if " " <= c <= "~":
        return ASCII[ord(c) - 32]
    if combining(c):
        return 0
    if c in OTHERS:
        return OTHERS[c]
    return 1000 if east_asian_width(c) in "WF" else 620
