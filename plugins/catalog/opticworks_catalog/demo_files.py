"""The demo catalogue's files, read and checked: a mistake is named before anything is stored."""

from __future__ import annotations

import hashlib
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from opticworks_catalog.images import MIME_TYPES

FOLDER = Path(__file__).parent / "demo"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CollectionEntry(_Strict):
    handle: str
    title: str
    description: str = ""
    image: str = ""
    seo_title: str = ""
    seo_description: str = ""


class BringsEntry(_Strict):
    sku: str
    quantity: int = Field(1, ge=1)
    surcharge: Decimal = Decimal(0)


class ValueEntry(_Strict):
    value: str
    swatch: str = ""
    brings: BringsEntry | None = None


class OptionEntry(_Strict):
    name: str
    values: tuple[ValueEntry, ...]


class ImageEntry(_Strict):
    file: str
    alt: str
    options: dict[str, str] = Field(default_factory=dict)


class ComponentEntry(_Strict):
    sku: str
    quantity: int = Field(ge=1)


class VariantEntry(_Strict):
    sku: str
    options: dict[str, str]
    price: Decimal
    compare_at: Decimal | None = None
    weight_g: int = Field(ge=0)
    size_mm: tuple[int, int, int] | None = None
    barcode: str = ""
    stock: int | None = Field(None, ge=0)
    hs_code: str = ""
    origin_country: str = ""
    tax_code: str = ""
    stock_policy: Literal["deny", "backorder", "untracked"] = "deny"
    components: tuple[ComponentEntry, ...] = ()


class ProductEntry(_Strict):
    handle: str
    title: str
    subtitle: str = ""
    description: str = ""
    highlights: tuple[str, ...] = ()
    specs: tuple[tuple[str, str], ...] = ()
    collections: tuple[str, ...] = ()
    options: tuple[OptionEntry, ...] = ()
    images: tuple[ImageEntry, ...] = ()
    variants: tuple[VariantEntry, ...] = Field(min_length=1)
    seo_title: str = ""
    seo_description: str = ""

    @property
    def is_bundle(self) -> bool:
        return any(variant.components for variant in self.variants)

    @model_validator(mode="after")
    def options_fit(self) -> Self:
        """Every variant takes one known value of each option, no two the same ones."""
        known = {option.name: {v.value for v in option.values} for option in self.options}
        for variant in self.variants:
            if set(variant.options) != set(known):
                raise ValueError(f"{variant.sku} must have a value for each of {sorted(known)}.")
        for options in (*(v.options for v in self.variants), *(i.options for i in self.images)):
            for name, value in options.items():
                if value not in known.get(name, ()):
                    raise ValueError(f"{self.handle} has no option {name} = {value}.")
        chosen = [tuple(sorted(variant.options.items())) for variant in self.variants]
        if len(set(chosen)) != len(chosen):
            raise ValueError(f"{self.handle} has two variants with the same options.")
        return self


class Catalogue(_Strict):
    collections: tuple[CollectionEntry, ...]
    products: tuple[ProductEntry, ...]

    @property
    def stems(self) -> set[str]:
        """Every picture that is named."""
        named = {image.file for product in self.products for image in product.images}
        return named | {collection.image for collection in self.collections} - {""}

    @model_validator(mode="after")
    def references_exist(self) -> Self:
        """Collections and components exist; a component is no bundle itself."""
        handles = {collection.handle for collection in self.collections}
        variants = {variant.sku: variant for p in self.products for variant in p.variants}
        for product in self.products:
            if missing := set(product.collections) - handles:
                raise ValueError(f"{product.handle} is in unknown collections {sorted(missing)}.")
        for variant in variants.values():
            for part in variant.components:
                if part.sku not in variants:
                    raise ValueError(f"{variant.sku} has the unknown component {part.sku}.")
                if variants[part.sku].components:
                    raise ValueError(f"{variant.sku} contains {part.sku}, a bundle itself.")
        return self


class ImageFiles(_Strict):
    """A picture's own size and the files it was rendered into."""

    width: int
    height: int
    widths: tuple[int, ...]
    formats: tuple[str, ...]
    version: str


class PageEntry(_Strict):
    """A text page; `footer` is the heading it stands under in the footer."""

    slug: str
    title: str
    description: str = ""
    position: int = 100
    footer: str = ""
    body: str


def read_catalogue(folder: Path = FOLDER) -> Catalogue:
    """The products and collections. Raises ValueError naming what is wrong."""
    return Catalogue.model_validate(tomllib.loads((folder / "catalogue.toml").read_text("utf-8")))


def read_images(folder: Path = FOLDER) -> dict[str, ImageFiles]:
    """The rendered pictures by stem; the version is made of their content."""
    path = folder / "images" / "images.json"
    entries = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {stem: _image_files(folder / "images", stem, entry) for stem, entry in entries.items()}


def _image_files(folder: Path, stem: str, entry: dict[str, object]) -> ImageFiles:
    digest = hashlib.sha256()
    found: set[tuple[int, str]] = set()
    for path in sorted(folder.glob(f"{stem}-*")):
        width, _, format = path.name.removeprefix(f"{stem}-").partition(".")
        if width.isdigit() and format in MIME_TYPES:  # and not a stem that begins with this one
            digest.update(path.read_bytes())
            found.add((int(width), format))
    formats = {format for _, format in found}
    widths = {width for width, _ in found if all((width, format) in found for format in formats)}
    return ImageFiles.model_validate(
        {
            "width": entry["width"],
            "height": entry["height"],
            "widths": sorted(widths),
            "formats": [format for format in MIME_TYPES if format in formats],
            "version": digest.hexdigest()[:8],
        }
    )


def read_pages(folder: Path = FOLDER) -> tuple[PageEntry, ...]:
    """The text pages, each a TOML head between lines of `+++` and a body of Markdown."""
    return tuple(_page(path) for path in sorted((folder / "pages").glob("*.md")))


def _page(path: Path) -> PageEntry:
    parts = path.read_text("utf-8").split("+++\n", 2)
    if len(parts) != 3 or parts[0]:
        raise ValueError(f"{path.name} must begin with a head between two lines of +++.")
    head = tomllib.loads(parts[1])
    return PageEntry(slug=path.stem, body=parts[2].strip() + "\n", **head)
