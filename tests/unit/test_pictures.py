"""Which files are pictures, and what is made of them: hostile ones are made here, and refused."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from opticworks.media import darkroom
from opticworks.media.recognise import MAX_BYTES, BadPicture, kind_of
from opticworks.media.sizes import widths_of

PNG_START = b"\x89PNG\r\n\x1a\n"


def encoded(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(name, data):
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(width, height, data=b"", *more):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return PNG_START + b"".join(parts)


def opened(content, tmp_path, do="check"):
    """What the painter says of it, and the pictures it made."""
    source, made = tmp_path / "source", tmp_path / "made"
    source.write_bytes(content)
    made.mkdir()
    answer = darkroom.ask(do, source, kind_of(content), made)
    pictures = {}
    for path in made.iterdir():
        with Image.open(path) as picture:
            picture.load()
            pictures[path.name] = picture
    return answer, pictures


def noise(width, height, mode="RGB"):
    return Image.effect_noise((width, height), 90).convert(mode)


NO_PICTURES = {
    "empty": (b"", "This file is empty."),
    "svg": (b'<?xml version="1.0"?>\n<svg onload="x()"/>', "This is an SVG drawing"),
    "bare svg": (b"\xef\xbb\xbf  <SVG/>", "This is an SVG drawing"),
    "html": (b"<!doctype html><script>alert(1)</script>", "This is a web page"),
    "text": ("Grüße aus Köln".encode(), "This is a text file"),
    "pdf": (b"%PDF-1.7\n\0", "This is a PDF"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "This is a HEIC picture"),
    "program": (b"\x7fELF\x02\x01\0\0", "This file is not a picture"),
    "bitmap": (b"BM\0\0\0\0", "This file is not a picture"),
    "too many bytes": (b"\xff\xd8\xff" + b"\0" * MAX_BYTES, "This file is larger than 20 MB"),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_is_told_by_its_bytes(name):
    content, sentence = NO_PICTURES[name]
    with pytest.raises(BadPicture, match=sentence):
        kind_of(content)


def animated(kind):
    frames = [noise(64, 64) for _ in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def late_text_bomb():
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 80_000_000, zip=True)
    return encoded(noise(64, 64), "PNG", pnginfo=text)


HOSTILE = {
    "html after a jpeg's first bytes": (
        lambda: b"\xff\xd8\xff\xe0<html><script>alert(1)</script>",
        "damaged or incomplete",
    ),
    "truncated jpeg": (lambda: encoded(noise(900, 600), "JPEG")[:20_000], "damaged or incomplete"),
    "truncated png": (lambda: encoded(noise(300, 300), "PNG")[:20_000], "damaged or incomplete"),
    "truncated webp": (lambda: encoded(noise(300, 300), "WEBP")[:5000], "damaged or incomplete"),
    "truncated avif": (lambda: encoded(noise(300, 300), "AVIF")[:3000], "damaged or incomplete"),
    "bomb of pixels": (lambda: png(60_000, 60_000, zlib.compress(b"\0" * 10**7)), "3,600 megapix"),
    "bomb in one direction": (lambda: png(200_000, 200), "too narrow to be shown"),
    "no width": (lambda: png(0, 10), "damaged or incomplete"),
    "text bomb": (late_text_bomb, "damaged or incomplete"),
    "animated gif": (lambda: animated("GIF"), "is animated"),
    "animated webp": (lambda: animated("WEBP"), "is animated"),
    "animated png": (lambda: animated("PNG"), "is animated"),
    "animated avif": (lambda: animated("AVIF"), "is animated"),
    "webp of 16383 squared": (
        lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + b"\0" * 12,
        "damaged or incomplete|megapixels",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_refused_with_its_sentence(name, tmp_path):
    make, sentence = HOSTILE[name]
    with pytest.raises(BadPicture, match=sentence):
        opened(make(), tmp_path)


def test_a_picture_that_takes_too_long_or_too_much_memory_ends_there(tmp_path, monkeypatch):
    monkeypatch.setitem(darkroom.SECONDS, "check", 0.01)
    with pytest.raises(BadPicture, match="takes too long"):
        opened(encoded(noise(64, 64), "PNG"), tmp_path)


def test_the_largest_picture_that_is_taken_stays_below_the_limit_of_memory(tmp_path):
    picture = Image.new("RGBA", (7000, 7000), (10, 200, 30, 128))
    answer, made = opened(encoded(picture, "PNG", compress_level=1), tmp_path)
    assert (answer["width"], answer["height"]) == (7000, 7000)
    assert made["960.png"].size == (960, 960)


def test_a_camera_turns_the_picture_and_its_notes_are_taken_out(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera Inc"
    exif.get_ifd(0x8825)[1] = "N"
    turned = Image.new("RGB", (800, 600), (255, 0, 0))
    turned.paste((0, 0, 255), (0, 0, 800, 100))
    content = encoded(turned, "JPEG", exif=exif, comment=b"at home", quality=95)
    answer, made = opened(content, tmp_path, "render")
    assert (answer["width"], answer["height"], answer["widths"]) == (600, 800, [320, 600])
    assert set(made) == {"320.avif", "320.webp", "600.avif", "600.webp", "600.jpg"}
    for picture in made.values():
        assert not dict(picture.getexif())
        assert not {"exif", "icc_profile", "comment", "xmp"} & picture.info.keys()
        right, left = (
            picture.convert("RGB").getpixel((picture.width - 4, 9)),
            picture.convert("RGB").getpixel((4, 9)),
        )
        assert right[2] > 200 > 60 > right[0]
        assert left[0] > 200 > 60 > left[2]


def swapped_profile():
    """sRGB with red and blue exchanged: whoever ignores it shows the wrong colour."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    places = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [(swapped_profile(), (40, 120, 200)), (b"no profile at all", (200, 120, 40))],
    ids=["another", "broken"],
)
def test_colours_are_those_that_the_profile_means(profile, expected, tmp_path):
    picture = Image.new("RGB", (64, 64), (200, 120, 40))
    _, made = opened(encoded(picture, "PNG", icc_profile=profile), tmp_path)
    shown = made["64.jpg"].getpixel((9, 9))
    assert all(abs(got - wanted) < 8 for got, wanted in zip(shown, expected, strict=True))
    assert "icc_profile" not in made["64.jpg"].info


@pytest.mark.parametrize(
    ("mode", "kind", "expected"),
    [
        ("CMYK", "JPEG", "64.jpg"),
        ("L", "JPEG", "64.jpg"),
        ("P", "GIF", "64.jpg"),
        ("1", "PNG", "64.jpg"),
        ("I;16", "PNG", "64.jpg"),
        ("RGBA", "WEBP", "64.png"),
        ("LA", "PNG", "64.png"),
        ("RGB", "AVIF", "64.jpg"),
    ],
)
def test_every_kind_of_picture_becomes_one_that_browsers_show(mode, kind, expected, tmp_path):
    if mode in ("RGBA", "LA"):
        picture = noise(64, 64, mode)
        picture.putalpha(Image.new("L", (64, 64), 90))
    elif mode == "I;16":
        picture = Image.new("I;16", (64, 64), 40_000)
    else:
        picture = noise(64, 64).convert(mode)
    _, made = opened(encoded(picture, kind), tmp_path)
    assert list(made) == [expected]
    if mode in ("RGBA", "LA"):
        assert made[expected].getchannel("A").getextrema() == (90, 90)
    if mode == "I;16":
        assert 150 < made[expected].getpixel((5, 5))[0] < 160


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ((6000, 4000), [320, 640, 960, 1440, 1920]),
        ((1920, 1080), [320, 640, 960, 1440, 1920]),
        ((1000, 800), [320, 640, 1000]),
        ((1200, 800), [320, 640, 960, 1200]),
        ((330, 330), [330]),
        ((40, 30), [40]),
        ((1, 1), [1]),
        ((2000, 20_000), [320, 640, 960, 1440]),
    ],
)
def test_a_picture_is_never_made_larger_than_it_is(size, widths):
    assert widths_of(*size) == widths
