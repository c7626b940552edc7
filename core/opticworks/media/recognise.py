"""What a file is, from its first bytes, and the sentence for what is no picture of ours. Pure."""

from __future__ import annotations

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MAX_RATIO = 10  #: of the longer side to the shorter one

KINDS = "JPEG, PNG, WebP, AVIF or GIF"
_HEIC = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})


class BadPicture(Exception):
    """A file that is not shown as a picture; the message says why and what to do instead."""

    @property
    def sentence(self) -> str:
        return str(self)


def megabytes(size: int) -> str:
    """`20000000` as "20"."""
    return f"{size / 1e6:.1f}".removesuffix(".0")


def kind_of(content: bytes) -> str:
    """The format by the bytes themselves, never by a name: JPEG, PNG, WEBP, AVIF or GIF.

    Raises BadPicture for anything else, for an empty file and for one over MAX_BYTES.
    """
    if not content:
        raise BadPicture("This file is empty. Choose it again, or another one.")
    if len(content) > MAX_BYTES:
        raise BadPicture(
            f"This file is larger than {megabytes(MAX_BYTES)} MB, the most that a picture may "
            "have. Save it smaller and try again."
        )
    head = content[:32]
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "AVIF"
    raise BadPicture(_refusal(content))


def _refusal(content: bytes) -> str:
    """Why a file that is none of our formats is refused."""
    head = content[:32]
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return (
            "This is an SVG drawing, which can carry scripts. Export it as PNG or WebP and add "
            "that instead."
        )
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<script")):
        return f"This is a web page, not a picture. Save the picture itself as {KINDS}."
    if head[4:8] == b"ftyp" and (head[8:12] in _HEIC):
        return "This is a HEIC picture, which browsers can't show. Save it as JPEG and add that."
    if head.startswith(b"%PDF"):
        return f"This is a PDF. Export the picture from it as {KINDS}."
    if b"\0" not in content[:1024] and _is_text(content[:1024]):
        return f"This is a text file, not a picture. Choose a {KINDS} file."
    return f"This file is not a picture that can be shown. Choose a {KINDS} file."


def _is_text(start: bytes) -> bool:
    try:
        start[:-4].decode("utf-8") if len(start) > 4 else start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 8
    return True
