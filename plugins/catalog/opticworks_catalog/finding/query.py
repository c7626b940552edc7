"""What somebody who searches means: words, exact codes, and what a typo was meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from opticworks_catalog.finding import folding
from opticworks_catalog.finding.index import stems
from opticworks_catalog.finding.models import SearchEntry, SearchWord

MAX_LENGTH = 200  #: characters of a query that are read
MAX_WORDS = 10
CORRECTED_WORDS = 3  #: words of one query that are corrected
LOOKED_AT = 200  #: words with trigrams in common that a typo is compared with
MEANINGS = 4  #: words that one typo may have been meant for


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it is asked: `document` has to match (every word, or its beginning); `exact`
    ranks products that have the very words higher; `code` is the SKU it may be. `counted` matches
    what `document` does, and names whole words besides: PostgreSQL knows how many products have
    a word, but takes every beginning for a rare one and would look thousands up one by one."""

    text: str
    words: tuple[str, ...]
    document: str
    counted: str
    exact: str
    code: str
    phrase: str
    corrections: tuple[tuple[str, str], ...] = ()  #: (typed, meant)
    partial: bool = False  #: any word is enough

    def __bool__(self) -> bool:
        return bool(self.words)


def shown(text: str) -> str:
    """The query as pages repeat it: one line, not endless."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_LENGTH]


def read(db: Session, text: str, language: str) -> Query:
    """The query of what somebody typed; false when there is no word in it."""
    text = shown(text)
    words = tuple(dict.fromkeys(folding.words(text)))[:MAX_WORDS]
    short = stems(db, language, words)
    # "The" and "for" say nothing, unless there is nothing else.
    telling = tuple(word for word in words if short.get(word) != "") or words
    return _query(text, [_meant(word, short) for word in telling], telling)


def _meant(word: str, short: dict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((word, short.get(word) or word)))


def _query(
    text: str, meanings: Sequence[Sequence[str]], words: tuple[str, ...], joint: str = " & "
) -> Query:
    return Query(
        text=text,
        words=words,
        document=joint.join(_any(f"'{one}':*" for one in each) for each in meanings),
        counted=joint.join(_any(f"'{one}' | '{one}':*" for one in each) for each in meanings),
        exact=" | ".join(f"'{one}'" for each in meanings for one in each),
        code=folding.code(text),
        phrase=folding.fold(text),
    )


def _any(terms: Iterable[str]) -> str:
    return f"({' | '.join(terms)})"


def corrected(db: Session, query: Query, language: str) -> Query | None:
    """The query with words that no product has replaced by the nearest ones that some has;
    None when there is nothing to correct."""
    unknown = [word for word in _unknown(db, query.words) if folding.slips_allowed(word)]
    meant = {
        word: found
        for word in unknown[:CORRECTED_WORDS]
        if (found := _near(db, word, unfinished=word == query.words[-1]))
    }
    if not meant:
        return None
    short = stems(db, language, [*query.words, *(one for each in meant.values() for one in each)])
    meanings = [
        tuple(one for choice in meant.get(word, (word,)) for one in _meant(choice, short))
        for word in query.words
    ]
    corrections = tuple((word, found[0]) for word, found in meant.items())
    words = tuple(meant.get(word, (word,))[0] for word in query.words)
    return replace(_query(query.text, meanings, words), corrections=corrections, code="")


def partly(db: Session, query: Query, language: str) -> Query:
    """The query content with any of its words."""
    short = stems(db, language, query.words)
    meanings = [_meant(word, short) for word in query.words]
    found = _query(query.text, meanings, query.words, " | ")
    return replace(found, corrections=query.corrections, partial=True, code="")


def _unknown(db: Session, words: Sequence[str]) -> list[str]:
    """Words that no product has, nor one that begins with them; in their order."""
    word = func.unnest(cast(list(words), ARRAY(Text))).column_valued("word")
    beginning = cast(literal("'") + word + literal("':*"), TSQUERY)
    has = exists().where(SearchEntry.document.bool_op("@@")(beginning))
    unknown = set(db.scalars(select(word).where(~has)))
    return [word for word in words if word in unknown]


def _near(db: Session, typed: str, *, unfinished: bool) -> tuple[str, ...]:
    """Known words that were probably meant, best first."""
    grams = folding.grams(typed)
    marks = cast(grams, ARRAY(Text))
    pairs = (
        select(SearchWord.word, func.unnest(SearchWord.grams).label("gram"))
        .where(SearchWord.grams.overlap(marks))
        .subquery()
    )
    # Dice's coefficient: what two words have in common, of what both have.
    likeness = func.count() * 2.0 / (func.length(pairs.c.word) + 1 + len(grams))
    known = db.scalars(
        select(pairs.c.word)
        .where(pairs.c.gram == func.any(marks))
        .group_by(pairs.c.word)
        .order_by(likeness.desc(), pairs.c.word)
        .limit(LOOKED_AT)
    )
    return tuple(folding.closest(typed, known, unfinished=unfinished)[:MEANINGS])
