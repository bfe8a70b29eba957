from itertools import groupby

import qrcode


def qr_path(text: str) -> tuple[int, str]:
    """Return (modules along an edge, the dark modules as SVG path data) of the QR code for this
    text, with the quiet zone that scanners need.

    allauth's own SVG draws each module apart: 4 kB compressed instead of 1, and hairlines between
    the modules at some screen resolutions.
    """
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    return len(rows), "".join(_row_path(row, y) for y, row in enumerate(rows))


def _row_path(row: list[bool], y: int) -> str:
    path, x = "", 0
    for is_dark, modules in groupby(row):
        length = len(list(modules))
        path += f"M{x} {y}h{length}v1h-{length}z" if is_dark else ""
        x += length
    return path
