from itertools import groupby

import qrcode


def picture(text: str) -> tuple[int, str]:
    """(number of squares along an edge, the dark ones as an SVG path) with the quiet edge that
    readers need."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    return len(rows), "".join(_runs(row, y) for y, row in enumerate(rows))


def _runs(row: list[bool], y: int) -> str:
    """Neighbours in one piece: hairlines between them would disturb a reader."""
    found, x = "", 0
    for dark, squares in groupby(row):
        length = len(list(squares))
        found += f"M{x} {y}h{length}v1h-{length}z" if dark else ""
        x += length
    return found
