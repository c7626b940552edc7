"""The catalogue as a file, and what single cells of it would say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks_catalog.exchange import bodies, cells, columns
from opticworks_catalog.exchange.known import Known, Shot, read_known
from opticworks_catalog.exchange.sheet import write_sheet
from opticworks_catalog.inputs import ProductInput, VariantInput
from opticworks_catalog.models import ACTIVE, ARCHIVED, PUBLISHED, Option, Product, Variant

BATCH = 200
STATUSES = {PUBLISHED: "active", ARCHIVED: "archived"}
NO_OPTIONS = ("Title", "Default Title")

Cells = dict[str, str]


def dump(db: Session, base_url: str) -> Iterator[str]:
    """The file in pieces: every product in the shop's order, archived ones too."""
    ids = list(db.scalars(select(Product.id).order_by(Product.position, Product.id)))
    header = _header(db)

    def rows() -> Iterator[Cells]:
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            found = read_known(db, batch, base_url)
            for key in batch:
                if key in found:
                    yield from product_rows(found[key])
            db.expunge_all()

    return write_sheet(header, rows())


def _header(db: Session) -> tuple[str, ...]:
    """The columns of the format, of a fourth option if there is one, and those that are kept."""
    counts = select(func.count()).select_from(Option).group_by(Option.product_id)
    most = max(db.scalars(counts), default=0)
    more = [
        name
        for number in range(4, most + 1)
        for name in (columns.option_name(number), columns.option_value(number))
    ]
    kept = {
        name
        for table in (Product, Variant)
        for name in db.scalars(select(func.jsonb_object_keys(table.extra)).distinct())
    }
    return (*columns.ORDER, *more, *sorted(kept - set(columns.ORDER) - set(more)))


def product_rows(known: Known) -> Iterator[Cells]:
    """The product's first variant and picture in its first row, the others in rows of their own."""
    product = known.product
    first: Cells = product_cells(product)
    for place, (variant, shot) in enumerate(
        zip_longest(product.variants, known.shots)
        if product.variants or known.shots
        else [(None, None)]
    ):
        row = {columns.HANDLE: product.handle, **(first if place == 0 else {})}
        if variant is not None:
            row |= variant_cells(known, variant)
        if shot is not None:
            row |= shot_cells(shot, place + 1)
        yield row


def product_cells(product: ProductInput) -> Cells:
    """What the first row says about the product itself."""
    extra = {**columns.USUAL, **(product.extra or {})}
    names = [option.name for option in product.options] or (
        [NO_OPTIONS[0]] if product.variants else []
    )
    return {
        **{name: value for name, value in extra.items() if not columns.belongs_to_variant(name)},
        columns.TITLE: product.title,
        columns.BODY: bodies.exported(product.description, extra.get(columns.BODY, "")),
        columns.VENDOR: product.vendor,
        columns.TYPE: product.product_type,
        columns.TAGS: ", ".join(product.tags),
        columns.PUBLISHED: "true" if product.status == PUBLISHED else "false",
        columns.STATUS: STATUSES.get(product.status, "draft"),
        **{columns.option_name(number): name for number, name in enumerate(names, 1)},
        columns.SEO_TITLE: product.seo_title,
        columns.SEO_DESCRIPTION: product.seo_description,
        columns.SUBTITLE: product.subtitle,
        columns.HIGHLIGHTS: "\n".join(product.highlights),
        columns.SPECS: cells.pairs_text(product.specs),
        columns.SWATCHES: cells.swatches_text(product.options),
        columns.CHOICES: cells.choices_text(product.options, product.currency),
        columns.COLLECTIONS: ", ".join(product.collections),
    }


def variant_cells(known: Known, variant: VariantInput) -> Cells:
    """What a row says about a variant and its stock."""
    currency = known.product.currency
    kept = variant.extra or {}
    usual = {k: v for k, v in columns.USUAL.items() if columns.belongs_to_variant(k)}
    tracked = variant.stock_policy != "untracked"
    level = known.levels.get(variant.sku)
    values = variant.values or (NO_OPTIONS[1],)
    before = variant.compare_at
    backorder = variant.stock_policy == "backorder"
    return {
        **usual,
        columns.VARIANT_IMAGE: known.picture_of(variant),
        **kept,
        **{columns.option_value(number): value for number, value in enumerate(values, 1)},
        columns.SKU: variant.sku,
        columns.GRAMS: str(variant.weight),
        columns.TRACKER: (kept.get(columns.TRACKER) or "shopify") if tracked else "",
        columns.QUANTITY: "" if variant.components else str(level.on_hand if level else 0),
        columns.POLICY: "continue" if backorder else "deny",
        columns.PRICE: cells.money_text(variant.price, currency),
        columns.COMPARE_AT: "" if before is None else cells.money_text(before, currency),
        columns.REQUIRES_SHIPPING: "true" if variant.requires_shipping else "false",
        columns.BARCODE: variant.barcode,
        columns.TAX_CODE: variant.tax_code,
        columns.COMPONENTS: cells.components_text(variant.components),
        columns.PERCENT_OFF: cells.percent_text(variant.percent_off),
        columns.SIZE: cells.size_text(variant.size),
        columns.HS_CODE: variant.hs_code,
        columns.ORIGIN: variant.origin_country,
        columns.BACKORDER_LIMIT: str(level.backorder_limit) if backorder and level else "",
        columns.VARIANT_STATUS: "" if variant.status == ACTIVE else variant.status,
    }


def shot_cells(shot: Shot, position: int) -> Mapping[str, str]:
    return {
        columns.IMAGE: shot.address,
        columns.IMAGE_POSITION: str(position),
        columns.IMAGE_ALT: shot.alt,
    }
