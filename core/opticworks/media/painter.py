"""The process that opens pictures: `python -m opticworks.media.painter`, one task on stdin.

Strangers' files are decoded here and nowhere else, under limits of memory and processor time, so
that none of them can take a web server or a worker down or make it big. It imports Pillow and the
standard library only. A task is a JSON object:

    {"do": "check", "source": path, "kind": "JPEG", "folder": path}    size, and a first file
    {"do": "render", "source": path, "kind": "JPEG", "folder": path}   every width and format
    {"do": "master", "source": path, "kind": "JPEG", "folder": path}   one file, clean and whole

The answer is a JSON object too: what was found, or `{"problem": sentence}`.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

from opticworks.media.recognise import MAX_PIXELS, MAX_RATIO
from opticworks.media.sizes import FORMATS, first_width, widths_of

MEMORY = 1_500_000_000  #: bytes of address space
SECONDS = {"check": 20, "render": 120, "master": 40}  #: of processor time

MASTER_SIDE = 4096

AVIF: dict[str, Any] = {"quality": 62, "speed": 6}
WEBP: dict[str, Any] = {"quality": 80, "method": 4}
JPEG: dict[str, Any] = {"quality": 84, "progressive": True, "optimize": True}
PNG: dict[str, Any] = {"optimize": True}

UNREADABLE = (
    "This file begins like a picture, but it is damaged or incomplete. Save it again and add "
    "the new file."
)
TOO_HEAVY = "This picture takes too much memory to open. Save it smaller and add that."


class Problem(Exception):
    """Why the picture is refused, as a sentence."""


def open_checked(source: str, kind: str) -> Image.Image:
    """The picture with its header read and nothing decoded. Raises Problem."""
    kinds = [kind, "MPO"] if kind == "JPEG" else [kind]
    try:
        image = Image.open(source, formats=kinds)
    except (OSError, SyntaxError, ValueError):
        raise Problem(UNREADABLE) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Problem(
            f"This picture has {width * height / 1e6:,.0f} megapixels; {MAX_PIXELS // 10**6} are "
            "the most. Save it smaller, about 2,000 pixels wide, and add that."
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise Problem(
            f"This picture is {width} × {height} pixels, too narrow to be shown. Cut it so that "
            f"one side is at most {MAX_RATIO} times the other."
        )
    # A phone's JPEG may hold a second picture (MPO), of which only the first is meant.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise Problem("This picture is animated. Save one of its frames and add that.")
    return image


def oriented_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as a person sees it, with its EXIF orientation applied."""
    width, height = image.size
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (height, width) if turned else (width, height)


def decoded(image: Image.Image, width: int) -> Image.Image:
    """The picture as RGB or RGBA in sRGB, turned upright, `width` wide, without metadata."""
    own_width, own_height = oriented_size(image)
    factor = width / own_width
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    upright = (width, max(1, round(own_height * factor)))
    profile, transposed = image.info.get("icc_profile"), image.getexif().get(0x0112, 1)
    if image.format in ("JPEG", "MPO"):
        image.draft(None, size)  # decodes at a half, a quarter or an eighth where that is enough
    image.load()
    plain = _plain(image)
    if plain.size != size:
        plain = plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    plain = _in_srgb(plain, profile)
    if transposed in range(2, 9):
        exif = plain.getexif()
        exif[0x0112] = transposed
        plain = ImageOps.exif_transpose(plain)
    assert plain.size == upright or abs(plain.size[1] - upright[1]) <= 1
    clean = Image.frombytes(plain.mode, plain.size, plain.tobytes())  # pixels and nothing else
    if clean.mode == "RGBA" and clean.getchannel("A").getextrema()[0] == 255:
        clean = clean.convert("RGB")
    return clean


def _plain(image: Image.Image) -> Image.Image:
    """Without palette and odd depths: L, RGB, RGBA or CMYK."""
    if image.mode in ("P", "PA", "1", "LA", "La") or "transparency" in image.info:
        # Grey, palette and keyed transparency become a channel of its own.
        has_alpha = image.mode in ("PA", "LA", "La") or "transparency" in image.info
        return image.convert("RGBA" if has_alpha else "RGB")
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value / 257).convert("L")
    if image.mode in ("I", "F"):
        return image.convert("L")
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode=mode)
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile, or one of another kind of colours: as if it had none
    return image if image.mode == mode else image.convert(mode)


def save(image: Image.Image, folder: Path, name: str, kind: str) -> None:
    options = {"avif": AVIF, "webp": WEBP, "jpg": JPEG, "png": PNG}[kind]
    image.save(folder / f"{name}.{kind}", format="JPEG" if kind == "jpg" else kind, **options)


def plain_kind(image: Image.Image) -> str:
    """The format every browser and mail program knows that keeps what the picture has."""
    return "png" if image.mode == "RGBA" else "jpg"


def check(source: str, kind: str, folder: Path) -> dict[str, Any]:
    image = open_checked(source, kind)
    width, height = oriented_size(image)
    first = decoded(image, first_width(width))
    save(first, folder, str(first.width), plain_kind(first))
    return {
        "width": width,
        "height": height,
        "first": {"width": first.width, "format": plain_kind(first)},
    }


def render(source: str, kind: str, folder: Path) -> dict[str, Any]:
    image = open_checked(source, kind)
    width, height = oriented_size(image)
    widths = widths_of(width, height)
    largest = decoded(image, max(widths))
    image.close()
    for step in widths:
        ratio = step / largest.width
        size = (step, max(1, round(largest.height * ratio)))
        scaled = largest
        if size != largest.size:
            scaled = largest.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        for name in FORMATS:
            save(scaled, folder, str(step), name)
    step = first_width(width)
    plain = largest
    if step != largest.width:
        size = (step, max(1, round(largest.height * step / largest.width)))
        plain = largest.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    save(plain, folder, str(step), plain_kind(plain))
    return {"width": width, "height": height, "widths": widths}


def master(source: str, kind: str, folder: Path) -> dict[str, Any]:
    image = open_checked(source, kind)
    width, height = oriented_size(image)
    whole = decoded(image, max(1, round(width * min(1.0, MASTER_SIDE / max(width, height)))))
    save(whole, folder, "master", plain_kind(whole))
    return {"width": width, "height": height, "format": plain_kind(whole)}


TASKS = {"check": check, "render": render, "master": master}


def main() -> None:
    task = json.loads(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = SECONDS[task["do"]]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # open_checked counts, and says it in a sentence
    try:
        answer = TASKS[task["do"]](task["source"], task["kind"], Path(task["folder"]))
    except Problem as problem:
        answer = {"problem": str(problem)}
    except MemoryError:
        answer = {"problem": TOO_HEAVY}
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a disk that is full is not the picture's fault
        answer = {"problem": UNREADABLE}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
