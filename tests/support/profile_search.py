"""Look for words in a browser’s profile folder, in every form in which browsers write text."""

import struct
from pathlib import Path

# Firefox’s own frame around one LZ4 block: these bytes, and the size of what is in it.
MOZ_LZ4 = b"mozLz40\0"


def files_with(word: str, folder: Path) -> list[str]:
    """Return the names of files that contain this word, as UTF-8 or UTF-16, compressed or not.

    Snappy and LZ4 write bytes that they meet for the first time as they are: a word of random
    letters stands whole also in what LevelDB and other stores compress.
    """
    forms = (word.encode(), word.encode("utf-16-le"))
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and _contains(path, forms)
    )


def _contains(path: Path, forms: tuple[bytes, ...]) -> bool:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return False  # A running browser replaces its files.
    texts = (raw, decompress(raw)) if raw.startswith(MOZ_LZ4) else (raw,)
    return any(form in text for form in forms for text in texts)


def decompress(raw: bytes) -> bytes:
    """Decompress a .jsonlz4 file: sequences of literal bytes and of copies of earlier ones."""
    (size,) = struct.unpack_from("<I", raw, len(MOZ_LZ4))
    block, at, text = raw[len(MOZ_LZ4) + 4 :], 0, bytearray()
    while at < len(block):
        token, at = block[at], at + 1
        count, at = _length(token >> 4, block, at)
        text += block[at : at + count]
        at += count
        if at >= len(block):
            break
        (offset,) = struct.unpack_from("<H", block, at)
        count, at = _length(token & 15, block, at + 2)
        # A copy may reach into what it is itself writing.
        for _ in range(count + 4):
            text.append(text[-offset])
    assert len(text) == size
    return bytes(text)


def _length(start: int, block: bytes, at: int) -> tuple[int, int]:
    """Return a length that continues in further bytes while these are full, and where it ends."""
    length = start
    while start == 15:
        length += block[at]
        at += 1
        if block[at - 1] != 255:
            break
    return length, at
