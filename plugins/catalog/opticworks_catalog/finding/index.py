"""Keeps the search index right: in the transaction of every change, or all of it anew.

Documents are put together here word by word, not by PostgreSQL's parser, so that a query that is
cut into words by the same functions can't miss what the parser would have cut differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks_catalog.finding import folding
from opticworks_catalog.finding.models import Facet, SearchEntry, SearchWord
from opticworks_catalog.models import ACTIVE, Option, OptionValue, Product, Variant

BATCH = 500  #: products in one go
MAX_WORDS = 2000  #: of a description; what comes later is not what one looks for
DEFAULT_LANGUAGE = "english"
#: PostgreSQL's dictionaries that shorten words, by the locale's language.
LANGUAGES = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch",
    "nn": "norwegian", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip


# What these products' values are called, where a variant can name it by a number. Rows are added
# in one order by everybody, so that two saves at once wait but never for each other.
_FACETS = text(
    """
    INSERT INTO catalog_facet (name, value, swatch, option_position, position)
    SELECT DISTINCT o.name, v.value, v.swatch, o.position, v.position
    FROM catalog_option_value v JOIN catalog_option o ON o.id = v.option_id
    WHERE o.product_id = ANY(:ids)
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT DO NOTHING
    """
)
_FACETS_OF_VARIANTS = text(
    """
    UPDATE catalog_variant variant SET facets = found.ids
    FROM (
        SELECT variant.id, coalesce(array_agg(f.id ORDER BY f.id) FILTER (WHERE f.id IS NOT NULL),
                                    '{}') AS ids
        FROM catalog_variant variant
        LEFT JOIN catalog_variant_value taken ON taken.variant_id = variant.id
        LEFT JOIN catalog_option_value v ON v.id = taken.value_id
        LEFT JOIN catalog_option o ON o.id = v.option_id
        LEFT JOIN catalog_facet f ON (f.name, f.value, f.swatch, f.option_position, f.position)
            = (o.name, v.value, v.swatch, o.position, v.position)
        WHERE variant.product_id = ANY(:ids)
        GROUP BY variant.id
    ) AS found
    WHERE found.id = variant.id AND variant.facets <> found.ids
    """
)


_LEXIZE = text(
    """
    SELECT word, ts_lexize(CAST(:dictionary AS regdictionary), word)
    FROM unnest(CAST(:words AS text[])) AS word
    """
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What a product is found by, from what matters most to what matters least."""

    title: str
    codes: tuple[str, ...]
    choices: tuple[str, ...]
    rest: str

    def words(self) -> Iterator[tuple[str, str]]:
        """(word, weight) in the order they are written."""
        parts = (
            ("A", (self.title,)),
            ("B", self.codes),
            ("C", self.choices),
            ("D", (self.rest,)),
        )
        for weight, texts in parts:
            for one in texts:
                for word in [*folding.words(one), *folding.compounds(one)][:MAX_WORDS]:
                    yield word, weight


def language_of(locale: str) -> str:
    """The language whose words are shortened in a shop of that locale; "simple" for none."""
    return LANGUAGES.get(locale.split("_")[0], "simple")


def stems(db: Session, language: str, words: Iterable[str]) -> dict[str, str]:
    """What the language shortens each word to: "sensors" to "sensor", a stop word to ""; a word
    that stays as it is is missing."""
    wanted = sorted(set(words))
    if language == "simple" or not wanted:
        return {}
    rows = db.execute(_LEXIZE, {"dictionary": f"{language}_stem", "words": wanted})
    short = {given: "".join(found[:1]) for given, found in rows if found is not None}
    return {given: stem for given, stem in short.items() if stem != given}


def refresh(db: Session, product_ids: Iterable[int], language: str = "") -> None:
    """Index these products anew, drafts too: whether one is shown is asked when searching.

    Without a language the index goes on in the one it is in.
    """
    language = language or db.scalar(select(SearchEntry.language).limit(1)) or DEFAULT_LANGUAGE
    ids = sorted(set(product_ids))
    for start in range(0, len(ids), BATCH):
        _refresh_batch(db, ids[start : start + BATCH], language)


def reindex(db: Session, language: str) -> int:
    """Make the whole index anew, in that language; how many products it holds."""
    db.execute(delete(SearchEntry))
    db.execute(delete(SearchWord))
    db.execute(delete(Facet))
    ids = list(db.scalars(select(Product.id)))
    refresh(db, ids, language)
    return len(ids)


def _refresh_batch(db: Session, ids: Sequence[int], language: str) -> None:
    db.flush()
    texts = _texts(db, ids)
    words = {product_id: list(one.words()) for product_id, one in texts.items()}
    every = {word for pairs in words.values() for word, _ in pairs}
    short = stems(db, language, every)
    rows = [
        {
            "product_id": product_id,
            "language": language,
            "title": folding.fold(one.title),
            "codes": sorted({folding.code(each) for each in one.codes} - {""}),
            "document": _document(words[product_id], short),
        }
        for product_id, one in texts.items()
    ]
    if rows:
        statement = upsert(SearchEntry)
        db.execute(
            statement.on_conflict_do_update(
                index_elements=[SearchEntry.product_id],
                set_={
                    name: statement.excluded[name]
                    for name in ("language", "title", "codes", "document")
                },
            ),
            rows,
        )
    _learn(db, every)
    db.execute(_FACETS, {"ids": list(ids)})
    db.execute(_FACETS_OF_VARIANTS, {"ids": list(ids)})


def _document(words: Sequence[tuple[str, str]], short: dict[str, str]) -> str:
    """PostgreSQL's own way to write a tsvector: each word and its stem at the same place."""
    parts = []
    for place, (word, weight) in enumerate(words, 1):
        for lexeme in {word, short.get(word) or word}:
            parts.append(f"'{lexeme}':{min(place, 16383)}{weight}")
    return " ".join(parts)


def _learn(db: Session, words: Iterable[str]) -> None:
    """Remember words that a typo may have been meant for. Words of products that are gone stay
    until the next reindex: a correction counts only if it finds something."""
    known = sorted(word for word in words if len(word) > 2 and not word.isdecimal())
    for start in range(0, len(known), 5000):
        rows = [
            {"word": word, "grams": folding.grams(word)} for word in known[start : start + 5000]
        ]
        db.execute(upsert(SearchWord).on_conflict_do_nothing(), rows)


def _texts(db: Session, ids: Sequence[int]) -> dict[int, Texts]:
    codes: dict[int, list[str]] = {}
    for variant in db.execute(
        select(Variant.product_id, Variant.sku, Variant.barcode)
        .where(Variant.product_id.in_(ids), Variant.status == ACTIVE)
        .order_by(Variant.position)
    ):
        codes.setdefault(variant.product_id, []).extend(filter(None, variant[1:]))
    choices: dict[int, list[str]] = {}
    for option in db.execute(
        select(Option.product_id, Option.name, OptionValue.value)
        .join(OptionValue, OptionValue.option_id == Option.id)
        .where(Option.product_id.in_(ids))
        .order_by(Option.position, OptionValue.position)
    ):
        choices.setdefault(option.product_id, []).extend(option[1:])
    return {
        row.id: Texts(
            title=row.title,
            codes=tuple(dict.fromkeys(codes.get(row.id, ()))),
            choices=tuple(
                dict.fromkeys((row.vendor, row.product_type, *row.tags, *choices.get(row.id, ())))
            ),
            rest=_rest(row),
        )
        for row in db.execute(_ABOUT.where(Product.id.in_(ids)))
    }


_ABOUT = select(
    Product.id,
    Product.title,
    Product.subtitle,
    Product.description,
    Product.highlights,
    Product.specs,
    Product.vendor,
    Product.product_type,
    Product.tags,
)


def _rest(row: Any) -> str:
    specs = (" ".join(pair) for pair in row.specs)
    return "\n".join((row.subtitle, *row.highlights, *specs, row.description))
