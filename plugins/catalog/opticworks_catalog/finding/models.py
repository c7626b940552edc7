"""The search index and the addresses that were; both are kept beside the catalogue's own tables."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.plugin import UTCDateTime
from opticworks_catalog.models import Base


class SearchEntry(Base):
    """What a product is found by. A projection: `opticworks catalog reindex` makes it anew.

    `document` holds folded words with weights (A title, B SKU and barcode, C options, kind and
    collections, D description), as they are and as the shop's language shortens them. `codes`
    are SKUs and barcodes in one piece.
    """

    __tablename__ = "catalog_search"
    __table_args__ = (
        Index("ix_catalog_search_document", "document", postgresql_using="gin"),
        Index("ix_catalog_search_codes", "codes", postgresql_using="gin"),
    )

    product_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("catalog_product.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(Text)  #: folded
    codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    document: Mapped[str] = mapped_column(TSVECTOR)


class SearchWord(Base):
    """A word that some product is found by, with its trigrams: what a typo is compared with."""

    __tablename__ = "catalog_search_word"
    __table_args__ = (Index("ix_catalog_search_word_grams", "grams", postgresql_using="gin"),)

    word: Mapped[str] = mapped_column(String(60), primary_key=True)
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Facet(Base):
    """A value that listings are narrowed by, as some product shows it; variants name it by id.

    Rows are only added: what differs in its colour or place is another one, and a count adds them
    up by name and value. A product has one of them for each of its values.
    """

    __tablename__ = "catalog_facet"
    __table_args__ = (
        UniqueConstraint(
            *("name", "value", "swatch", "option_position", "position"),
            name="uq_catalog_facet_name",
        ),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    value: Mapped[str] = mapped_column(String(255))
    swatch: Mapped[str] = mapped_column(String(7))
    option_position: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)


class FormerHandle(Base):
    """A handle that was once a product's or a collection's, and where its address leads now.

    It names the thing, not the thing's handle: however often that changes, one redirect leads
    there. Without a target the address is gone for good (410).
    """

    __tablename__ = "catalog_former_handle"
    __table_args__ = (
        CheckConstraint("kind IN ('product', 'collection')", name="kind"),
        CheckConstraint("num_nonnulls(product_id, collection_id) <= 1", name="one_target"),
        Index("ix_catalog_former_handle_product_id", "product_id"),
        Index("ix_catalog_former_handle_collection_id", "collection_id"),
    )

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    handle: Mapped[str] = mapped_column(String(255), primary_key=True)
    product_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("catalog_product.id", ondelete="SET NULL")
    )
    collection_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("catalog_collection.id", ondelete="SET NULL")
    )
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.now())
