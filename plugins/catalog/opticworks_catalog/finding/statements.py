"""The SQL of listings and search: which products, in which order, and how many of each kind.

A product is shown when one of its variants meets every filter at once: a shirt that is in stock
in white only is not among the black ones in stock. A count beside a filter says how many would
be shown with it, the filters of other groups kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, array

from opticworks import kernel
from opticworks_catalog import statements
from opticworks_catalog.finding.models import Facet, SearchEntry
from opticworks_catalog.models import (
    PUBLISHED,
    Collection,
    CollectionProduct,
    Component,
    Product,
    Variant,
)

Part = statements.Part

#: How much a word counts in the description, the options, the SKU and the title.
WEIGHTS = (0.05, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement has to look at; each is built once."""

    sort: str
    collection: bool = False
    query: bool = False
    stock: bool = False
    price: bool = False
    options: bool = False
    converted: bool = False  #: whether prices are shown otherwise than they were entered

    @property
    def narrowed(self) -> bool:
        return self.stock or self.price or self.options


@cache
def page(shape: Shape) -> Select[Any]:
    """A page of products with all that belongs to them, each row with the total."""
    matched = _matched(shape)
    lowest = func.min(_shown(shape))
    if shape.narrowed:
        offers = _offers(shape, matched, _asked() if shape.options else None)
        fitting = (
            select(offers.c.product_id, func.min(offers.c.price).label("lowest"))
            .where(offers.c.misses == 0)
            .group_by(offers.c.product_id)
            .cte("fitting")
        )
        chosen = select(matched).join(fitting, fitting.c.product_id == matched.c.id)
        price: ColumnElement[Any] = fitting.c.lowest
    else:
        # Looked up for each product where it is sorted by, and nowhere else.
        price = (
            select(lowest)
            .where(Variant.product_id == matched.c.id, *statements.sold())
            .correlate(matched)
            .scalar_subquery()
        )
        chosen = select(matched)
    placed = chosen.with_only_columns(
        matched.c.id,
        func.row_number().over(order_by=_order(shape, matched, price)).label("place"),
        func.count().over().label("total"),
    )
    limited = placed.order_by("place").limit(bindparam("limit")).offset(bindparam("offset"))
    return statements.with_details(limited)


@cache
def facets(shape: Shape) -> Select[Any]:
    """One row: the products in stock, the lowest and highest price, and options with counts."""
    asked = _asked() if shape.options else None
    offers = _offers(shape, _matched(shape, counting=True), asked, counting=True)
    others_met = offers.c.misses - offers.c.price_missed == 0
    ready = select(func.count(offers.c.product_id.distinct())).where(
        offers.c.ready, offers.c.misses - offers.c.stock_missed == 0
    )
    return select(
        ready.scalar_subquery().label("in_stock"),
        select(func.min(offers.c.price)).where(others_met).scalar_subquery().label("low"),
        select(func.max(offers.c.price)).where(others_met).scalar_subquery().label("high"),
        _option_counts(shape, offers, asked).label("options"),
    )


def _matched(shape: Shape, *, counting: bool = False) -> CTE:
    """The products that are shown at all: published, sold, in the collection, found. Where their
    variants are joined anyway, whether one is sold is seen there."""
    place = CollectionProduct.position if shape.collection else Product.position
    columns: list[Any] = [
        Product.id,
        place.label("position"),
        Product.published_at,
        Product.title,
    ]
    if shape.query and not counting:
        columns += [rank.label(name) for name, rank in _ranks().items()]
    found = select(*columns).where(Product.status == PUBLISHED)
    if not shape.narrowed and not counting:
        found = found.where(statements.sellable())
    if shape.collection:
        found = (
            found.join(CollectionProduct, CollectionProduct.product_id == Product.id)
            .join(Collection, Collection.id == CollectionProduct.collection_id)
            .where(Collection.handle == bindparam("collection"), Collection.status == PUBLISHED)
        )
    if shape.query:
        found = found.join(SearchEntry, SearchEntry.product_id == Product.id).where(
            or_(
                SearchEntry.document.bool_op("@@")(_tsquery("document")),
                SearchEntry.codes.contains(_code()),
            )
        )
    return found.cte("matched")


def _code() -> ColumnElement[Any]:
    return cast(array([bindparam("code", type_=Text)]), ARRAY(Text))


def _tsquery(name: str) -> ColumnElement[Any]:
    return cast(bindparam(name, type_=Text), TSQUERY)


def _ranks() -> dict[str, ColumnElement[Any]]:
    """An exact SKU first, then the exact title, a title's beginning, and words by weight."""
    phrase = bindparam("phrase", type_=Text)
    weights = cast(list(WEIGHTS), ARRAY(Float(24)))
    return {
        "is_code": SearchEntry.codes.contains(_code()),
        "is_title": SearchEntry.title == phrase,
        "begins": func.starts_with(SearchEntry.title, phrase),
        "rank": func.ts_rank(weights, SearchEntry.document, _tsquery("document"))
        + func.ts_rank(weights, SearchEntry.document, _tsquery("exact")),
    }


def _order(shape: Shape, matched: CTE, price: ColumnElement[Any]) -> tuple[Any, ...]:
    by_rank: tuple[Any, ...] = ()
    if shape.query:
        by_rank = (
            matched.c.is_code.desc(),
            matched.c.is_title.desc(),
            matched.c.begins.desc(),
            matched.c.rank.desc(),
        )
    first: dict[str, tuple[Any, ...]] = {
        "price": (price,),
        "-price": (price.desc(),),
        "newest": (matched.c.published_at.desc(),),
        "title": (func.lower(matched.c.title),),
    }
    return (*first.get(shape.sort, ()), *by_rank, matched.c.position, matched.c.id)


def _offers(shape: Shape, matched: CTE, asked: _Asked | None, *, counting: bool = False) -> CTE:
    """Each variant of what matched, with the groups of filters that it misses."""
    no = literal(0, Integer)
    price = _shown(shape)
    in_range = price.between(bindparam("low"), bindparam("high"))
    ready = _ready() if shape.stock or counting else literal(True)
    options_met = _options_met(asked) if asked is not None else no
    facts = (
        select(
            Variant.product_id,
            *([Variant.facets] if counting else []),
            price.label("price"),
            ready.label("ready"),
            (case((in_range, 0), else_=1) if shape.price else no).label("price_missed"),
            options_met.label("options_met"),
        )
        .join(matched, matched.c.id == Variant.product_id)
        .where(*statements.sold())
        .cte("facts")
        .prefix_with("MATERIALIZED")  # else the stock is looked up row by row
    )
    stock_missed = case((facts.c.ready, 0), else_=1) if shape.stock else no
    missed = facts.c.price_missed + stock_missed
    if shape.options:
        missed += bindparam("option_count", type_=Integer) - facts.c.options_met
    return select(facts, stock_missed.label("stock_missed"), missed.label("misses")).cte("offers")


def _shown(shape: Shape) -> Any:
    """A variant's price as pages show it: multiplied with the factor of its tax code and rounded
    half up. A bundle without a code of its own goes by its parts, whose shares of a price are as
    what they cost alone."""
    if not shape.converted:
        return Variant.price
    whole = select(func.sum(Part.price * Component.quantity * _factor(Part.tax_code)))
    weight = func.sum(Part.price * Component.quantity)
    of_parts = (
        whole.with_only_columns(whole.selected_columns[0] / func.nullif(weight, 0))
        .select_from(Component)
        .join(Part, Part.sku == Component.sku)
        .where(Component.variant_id == Variant.id)
        .correlate(Variant)
        .scalar_subquery()
    )
    own = _factor(Variant.tax_code)
    factor = case((Variant.tax_code != "", own), else_=func.coalesce(of_parts, own))
    return cast(func.floor(Variant.price * factor + literal(0.5, Numeric)), BigInteger)


def _factor(tax_code: Any) -> ColumnElement[Any]:
    """The factor of a tax code; of one that has none, that of every other."""
    known = (
        func.unnest(
            bindparam("factor_codes", type_=ARRAY(Text)),
            bindparam("factors", type_=ARRAY(Numeric)),
        )
        .table_valued("code", "factor", name="known")
        .render_derived()
    )
    return (
        select(known.c.factor)
        .where(known.c.code.in_([func.lower(func.trim(tax_code)), ""]))
        .order_by(known.c.code.desc())
        .limit(1)
        .scalar_subquery()
    )


def _ready() -> ColumnElement[bool]:
    """Whether one can be bought now: of a bundle, every part in its quantity."""
    own, parts = kernel.stock_levels(), kernel.stock_levels()
    part, part_product = statements.Part, statements.PartProduct
    has_stock = exists().where(own.c.sku == Variant.sku, own.c.free > 0)
    enough = or_(
        part.stock_policy == "untracked", func.coalesce(parts.c.free, 0) >= Component.quantity
    )
    missing = (
        select(literal(1))
        .select_from(Component)
        .join(part, part.sku == Component.sku)
        .join(part_product, part_product.id == part.product_id)
        .outerjoin(parts, parts.c.sku == Component.sku)
        .where(
            Component.variant_id == Variant.id,
            ~and_(statements.on_sale(part, part_product), enough),
        )
        .correlate(Variant)
        .exists()
    )
    is_bundle = exists().where(Component.variant_id == Variant.id).correlate(Variant)
    return case(
        (is_bundle, ~missing),
        else_=or_(Variant.stock_policy == "untracked", has_stock.correlate(Variant)),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """The option values that were chosen, as the facets that variants name: an option's together
    (`ids`), and every single one."""

    options: CTE
    values: CTE


def _asked() -> _Asked:
    given = (
        func.unnest(
            bindparam("option_names", type_=ARRAY(Text)),
            bindparam("option_values", type_=ARRAY(Text)),
        )
        .table_valued("name", "value", name="given")
        .render_derived()
    )
    values = (
        select(Facet.id, Facet.name)
        .join(given, and_(given.c.name == Facet.name, given.c.value == Facet.value))
        .cte("asked_values")
    )
    options = (
        select(values.c.name, func.array_agg(values.c.id).label("ids"))
        .group_by(values.c.name)
        .cte("asked")
    )
    return _Asked(options, values)


def _options_met(asked: _Asked) -> Any:
    """Of how many of the options that were chosen the variant has one of the values."""
    return (
        select(func.count())
        .select_from(asked.options)
        .where(asked.options.c.ids.bool_op("&&")(Variant.facets))
        .correlate(Variant)
        .scalar_subquery()
    )


def _option_counts(shape: Shape, offers: CTE, asked: _Asked | None) -> Any:
    """`[{name, value, swatch, count}, …]` in the order of the products' own options.

    A product is counted once for each of its values: with a variant that meets every filter, or,
    for a value that was not chosen of an option that was, every filter but that one.
    """
    every = select(
        func.unnest(offers.c.facets).label("facet"), offers.c.product_id, offers.c.misses
    )
    # What was chosen is shown also when nothing is left of it.
    each = (every if shape.options else every.where(offers.c.misses == 0)).subquery("each")
    of_products = (
        select(
            each.c.facet,
            func.bool_or(each.c.misses == 0).label("meets"),
            func.bool_or(each.c.misses == 1).label("nearly"),
        )
        .group_by(each.c.facet, each.c.product_id)
        .subquery("of_products")
    )
    by_facet = (
        select(
            of_products.c.facet,
            func.count().filter(of_products.c.meets).label("meet"),
            func.count().filter(of_products.c.nearly).label("nearly"),
        )
        .group_by(of_products.c.facet)
        .subquery("by_facet")
    )
    count: ColumnElement[Any] = by_facet.c.meet
    if asked is not None:
        is_asked = Facet.name.in_(select(asked.options.c.name))
        is_chosen = Facet.id.in_(select(asked.values.c.id))
        count = case((and_(is_asked, ~is_chosen), by_facet.c.nearly), else_=by_facet.c.meet)
    counted = (
        select(
            Facet.name,
            Facet.value,
            func.max(Facet.swatch).label("swatch"),
            func.min(Facet.option_position).label("option_position"),
            func.min(Facet.position).label("position"),
            cast(func.sum(count), Integer).label("count"),
        )
        .join(by_facet, by_facet.c.facet == Facet.id)
        .group_by(Facet.name, Facet.value)
        .subquery("counted")
    )
    return select(
        statements.list_of(
            statements.object_of(
                name=counted.c.name,
                value=counted.c.value,
                swatch=counted.c.swatch,
                count=counted.c["count"],
            ),
            counted.c.option_position,
            counted.c.name,
            counted.c.position,
            counted.c.value,
        )
    ).scalar_subquery()
