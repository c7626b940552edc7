"""The catalogue's tables. Money is minor units and a currency, weights grams, sizes millimetres.

Options stand by themselves: a product has options, an option has values, and a variant takes one
value of each. What is sold, held and shipped is the variant, known to the kernel by its SKU.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from opticworks.plugin import UTCDateTime, plugin_base

if TYPE_CHECKING:
    # A type checker can't see through a base that a function makes.
    class Base(DeclarativeBase): ...
else:
    Base = plugin_base("catalog")

HANDLE = "^[a-z0-9]+(-[a-z0-9]+)*$"

DRAFT, PUBLISHED = "draft", "published"
ACTIVE, ARCHIVED = "active", "archived"
PRODUCT_STATUSES = (DRAFT, PUBLISHED, ARCHIVED)


def _key() -> Mapped[int]:
    return mapped_column(BigInteger, Identity(always=True), primary_key=True)


def _parent(column: str, *, primary_key: bool = False, nullable: bool = False) -> Mapped[Any]:
    return mapped_column(
        BigInteger,
        ForeignKey(column, ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=nullable,
    )


class Product(Base):
    """Something with a page of its own. Only published ones are seen and sold; an archived one
    is kept for its history.

    `extra` keeps columns of an imported file that mean nothing here, by their name, so that an
    export gives them back.
    """

    __tablename__ = "catalog_product"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'archived')", name="status"),
        CheckConstraint(f"handle ~ '{HANDLE}'", name="handle"),
        CheckConstraint(
            "status <> 'published' OR published_at IS NOT NULL",
            name="published_at_when_published",
        ),
        Index("ix_catalog_product_listing", "status", "position", "id"),
    )

    id: Mapped[int] = _key()
    handle: Mapped[str] = mapped_column(String(255), unique=True)
    title: Mapped[str] = mapped_column(String(255))
    subtitle: Mapped[str] = mapped_column(String(300), server_default="")
    description: Mapped[str] = mapped_column(Text, server_default="")  #: Markdown
    highlights: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    specs: Mapped[list[list[str]]] = mapped_column(JSONB, server_default=text("'[]'"))
    vendor: Mapped[str] = mapped_column(String(255), server_default="")
    product_type: Mapped[str] = mapped_column(String(255), server_default="")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    extra: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(String(20), server_default=DRAFT)
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    seo_title: Mapped[str] = mapped_column(String(255), server_default="")
    seo_description: Mapped[str] = mapped_column(String(400), server_default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime, server_default=func.now(), onupdate=func.now()
    )
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    options: Mapped[list[Option]] = relationship(
        order_by="Option.position", cascade="all, delete-orphan", passive_deletes=True
    )
    variants: Mapped[list[Variant]] = relationship(
        order_by="Variant.position", cascade="all, delete-orphan", passive_deletes=True
    )
    images: Mapped[list[Image]] = relationship(
        order_by="Image.position", cascade="all, delete-orphan", passive_deletes=True
    )


class Option(Base):
    """A choice to make on a product's page ("Colour")."""

    __tablename__ = "catalog_option"
    __table_args__ = (UniqueConstraint("product_id", "name", name="uq_catalog_option_name"),)

    id: Mapped[int] = _key()
    product_id: Mapped[int] = _parent("catalog_product.id")
    name: Mapped[str] = mapped_column(String(255))
    position: Mapped[int] = mapped_column(Integer, server_default="0")

    values: Mapped[list[OptionValue]] = relationship(
        order_by="OptionValue.position", cascade="all, delete-orphan", passive_deletes=True
    )


class OptionValue(Base):
    """One answer to an option ("Graphite"); `swatch` is a CSS hex colour or empty."""

    __tablename__ = "catalog_option_value"
    __table_args__ = (
        UniqueConstraint("option_id", "value", name="uq_catalog_option_value_value"),
        UniqueConstraint("option_id", "id", name="uq_catalog_option_value_option_id_id"),
        CheckConstraint("swatch ~ '^(#[0-9a-f]{6})?$'", name="swatch"),
    )

    id: Mapped[int] = _key()
    option_id: Mapped[int] = _parent("catalog_option.id")
    value: Mapped[str] = mapped_column(String(255))
    swatch: Mapped[str] = mapped_column(String(7), server_default="")
    position: Mapped[int] = mapped_column(Integer, server_default="0")


class Variant(Base):
    """What is sold: one value of each option, a price, a SKU that the kernel counts stock by.

    With `percent_off` it is a bundle that costs so much less than its parts together: then `price`
    and `compare_at` follow from those, and `writing.touched` keeps them. `extra` as of a product.
    """

    __tablename__ = "catalog_variant"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("compare_at > price", name="compare_at"),
        CheckConstraint("percent_off >= 0 AND percent_off <= 100", name="percent_off"),
        CheckConstraint("weight >= 0", name="weight"),
        CheckConstraint(
            "(length IS NULL) = (width IS NULL) AND (width IS NULL) = (height IS NULL)",
            name="size_is_whole",
        ),
        CheckConstraint("length > 0 AND width > 0 AND height > 0", name="size"),
        CheckConstraint("stock_policy IN ('deny', 'backorder', 'untracked')", name="stock_policy"),
        CheckConstraint("status IN ('active', 'archived')", name="status"),
        Index("ix_catalog_variant_product_id", "product_id", "position"),
    )

    id: Mapped[int] = _key()
    product_id: Mapped[int] = _parent("catalog_product.id")
    sku: Mapped[str] = mapped_column(String(255), unique=True)
    barcode: Mapped[str] = mapped_column(String(40), server_default="")
    price: Mapped[int] = mapped_column(BigInteger)
    compare_at: Mapped[int | None] = mapped_column(BigInteger)
    percent_off: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    currency: Mapped[str] = mapped_column(String(3))
    weight: Mapped[int] = mapped_column(Integer, server_default="0")
    length: Mapped[int | None] = mapped_column(Integer)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    hs_code: Mapped[str] = mapped_column(String(20), server_default="")
    origin_country: Mapped[str] = mapped_column(String(2), server_default="")
    tax_code: Mapped[str] = mapped_column(String(40), server_default="")
    stock_policy: Mapped[str] = mapped_column(String(20), server_default="deny")
    requires_shipping: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    extra: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    #: Ids of the facets of its values: a projection, kept with the search index.
    facets: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    status: Mapped[str] = mapped_column(String(20), server_default=ACTIVE)

    values: Mapped[list[VariantValue]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )
    components: Mapped[list[Component]] = relationship(
        foreign_keys="Component.variant_id",
        order_by="Component.position",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )


class VariantValue(Base):
    """The value that a variant takes of one option; never two of the same."""

    __tablename__ = "catalog_variant_value"
    __table_args__ = (
        ForeignKeyConstraint(
            ["option_id", "value_id"],
            ["catalog_option_value.option_id", "catalog_option_value.id"],
            ondelete="CASCADE",
        ),
        Index("ix_catalog_variant_value_value_id", "value_id"),
    )

    variant_id: Mapped[int] = _parent("catalog_variant.id", primary_key=True)
    option_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    value_id: Mapped[int] = mapped_column(BigInteger)

    value: Mapped[OptionValue] = relationship()


class Component(Base):
    """A part of a bundle, by SKU: so many of it in one. A part is never a bundle itself."""

    __tablename__ = "catalog_component"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_catalog_component_sku", "sku"),
    )

    variant_id: Mapped[int] = _parent("catalog_variant.id", primary_key=True)
    sku: Mapped[str] = mapped_column(
        String(255),
        ForeignKey("catalog_variant.sku", onupdate="CASCADE", ondelete="RESTRICT"),
        primary_key=True,
    )
    quantity: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer, server_default="0")


class Choice(Base):
    """What an option's value puts into a bundle: so many of that SKU, for `surcharge` minor units
    more. Every variant that takes the value has the part in its recipe and the surcharge in its
    price; the editor puts both together, and a save checks them."""

    __tablename__ = "catalog_choice"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("surcharge >= 0", name="surcharge"),
        Index("ix_catalog_choice_sku", "sku"),
    )

    value_id: Mapped[int] = _parent("catalog_option_value.id", primary_key=True)
    sku: Mapped[str] = mapped_column(
        String(255), ForeignKey("catalog_variant.sku", onupdate="CASCADE", ondelete="RESTRICT")
    )
    quantity: Mapped[int] = mapped_column(Integer)
    surcharge: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Collection(Base):
    """Products shown together under an address of their own, in an order of their own."""

    __tablename__ = "catalog_collection"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published')", name="status"),
        CheckConstraint(f"handle ~ '{HANDLE}'", name="handle"),
    )

    id: Mapped[int] = _key()
    handle: Mapped[str] = mapped_column(String(120), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(String(20), server_default=DRAFT)
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    seo_title: Mapped[str] = mapped_column(String(200), server_default="")
    seo_description: Mapped[str] = mapped_column(String(400), server_default="")
    updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime, server_default=func.now(), onupdate=func.now()
    )

    images: Mapped[list[Image]] = relationship(
        order_by="Image.position", cascade="all, delete-orphan", passive_deletes=True
    )


class CollectionProduct(Base):
    """A product's place in a collection."""

    __tablename__ = "catalog_collection_product"
    __table_args__ = (
        Index("ix_catalog_collection_product_product_id", "product_id"),
        Index("ix_catalog_collection_product_order", "collection_id", "position", "product_id"),
    )

    collection_id: Mapped[int] = _parent("catalog_collection.id", primary_key=True)
    product_id: Mapped[int] = _parent("catalog_product.id", primary_key=True)
    position: Mapped[int] = mapped_column(Integer, server_default="0")


class Image(Base):
    """A picture where it is shown: of a product, or of a collection.

    It shows the variants that have, of each option that `values` speak of, one of those values;
    every variant when there are none. `picture` is the kernel's id of what is shown. A picture
    that came with the demo has none: its files are `<stem>-<width>.<format>` for each of `widths`
    and `formats`, and `version` changes with their content, so that an address is good for ever.
    `width` and `height` are the picture's own.
    """

    __tablename__ = "catalog_image"
    __table_args__ = (
        CheckConstraint("num_nonnulls(product_id, collection_id) = 1", name="one_owner"),
        CheckConstraint("width > 0 AND height > 0", name="size"),
        CheckConstraint(
            "picture IS NOT NULL OR cardinality(widths) > 0 AND cardinality(formats) > 0",
            name="files",
        ),
        CheckConstraint("(picture IS NOT NULL) = (stem = '')", name="one_source"),
        Index("ix_catalog_image_product_id", "product_id", "position"),
        Index("ix_catalog_image_collection_id", "collection_id", "position"),
        Index("ix_catalog_image_picture", "picture"),
        Index(
            "uq_catalog_image_picture_of_product",
            "product_id",
            "picture",
            unique=True,
            postgresql_where=text("picture IS NOT NULL"),
        ),
    )

    id: Mapped[int] = _key()
    product_id: Mapped[int | None] = _parent("catalog_product.id", nullable=True)
    collection_id: Mapped[int | None] = _parent("catalog_collection.id", nullable=True)
    picture: Mapped[str | None] = mapped_column(String(64))
    stem: Mapped[str] = mapped_column(String(120), server_default="")
    version: Mapped[str] = mapped_column(String(16), server_default="")
    alt: Mapped[str] = mapped_column(String(300), server_default="")
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    widths: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
    formats: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    position: Mapped[int] = mapped_column(Integer, server_default="0")

    values: Mapped[list[OptionValue]] = relationship(
        secondary="catalog_image_value", passive_deletes=True
    )


class ImageValue(Base):
    """An option value that a picture shows; without any it shows every variant."""

    __tablename__ = "catalog_image_value"
    __table_args__ = (Index("ix_catalog_image_value_value_id", "value_id"),)

    image_id: Mapped[int] = _parent("catalog_image.id", primary_key=True)
    value_id: Mapped[int] = _parent("catalog_option_value.id", primary_key=True)


class ImageSource(Base):
    """The address that a picture of an imported product comes from. `image_id` is empty while it
    has not been fetched; `alt` is what the file says about it."""

    __tablename__ = "catalog_image_source"
    __table_args__ = (
        UniqueConstraint("product_id", "address", name="uq_catalog_image_source_address"),
        Index("ix_catalog_image_source_image_id", "image_id"),
    )

    id: Mapped[int] = _key()
    product_id: Mapped[int] = _parent("catalog_product.id")
    address: Mapped[str] = mapped_column(Text)
    alt: Mapped[str] = mapped_column(String(300), server_default="")
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    image_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("catalog_image.id", ondelete="CASCADE")
    )


class Import(Base):
    """A product file that staff uploaded, and what became of it: tried first, then imported by a
    job. `content` is emptied when there is nothing more to do with it."""

    __tablename__ = "catalog_import"
    __table_args__ = (
        CheckConstraint(
            "state IN ('trying', 'tried', 'importing', 'imported', 'refused')", name="state"
        ),
        Index("ix_catalog_import_created_at", "created_at"),
    )

    id: Mapped[int] = _key()
    name: Mapped[str] = mapped_column(String(255))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    with_stock: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    with_pictures: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    state: Mapped[str] = mapped_column(String(20), server_default="trying")
    doing: Mapped[str] = mapped_column(String(40), server_default="")  #: products, pictures
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    total: Mapped[int] = mapped_column(Integer, server_default="0")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    refusal: Mapped[str] = mapped_column(Text, server_default="")
    actor: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
