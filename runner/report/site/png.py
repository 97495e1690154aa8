"""Screenshots: taken over only if they really are PNG pictures, and only the parts that draw."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_BYTES = 6_000_000
MAX_SIDE = 12_000
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def checked(content: bytes) -> tuple[bytes, int, int] | None:
    """The picture without text, profiles and other extras, its width and its height; None if it is none."""
    if not content.startswith(SIGNATURE) or len(content) > MAX_BYTES:
        return None
    try:
        chunks = _chunks(content)
    except struct.error:
        return None
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or chunks[-1][0] != b"IEND":
        return None
    if not any(kind == b"IDAT" for kind, _ in chunks):
        return None
    width, height = struct.unpack(">II", chunks[0][1][:8])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        return None
    kept = (_packed(kind, data) for kind, data in chunks if kind in _KEPT)
    return SIGNATURE + b"".join(kept), width, height


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Up to IEND; empty if a checksum is wrong. What follows the end is left out."""
    found, at = [], len(SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(kind + data) != checksum:
            return []
        found.append((kind, data))
        at += 12 + length
        if kind == b"IEND":
            return found


def _packed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
