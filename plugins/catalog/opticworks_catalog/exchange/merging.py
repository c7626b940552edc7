"""A product of the file laid over what the shop has of it.

A column that the file doesn't have leaves what it would say as it is; so does a cell that says
what an export would write there. Variants and pictures that the file doesn't mention stay. What has
prices in a former currency of the shop gets new ones of a file that has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from opticworks_catalog.exchange import bodies, cells, columns, dumping
from opticworks_catalog.exchange.known import Known
from opticworks_catalog.exchange.parsing import Group
from opticworks_catalog.exchange.sheet import Row
from opticworks_catalog.inputs import (
    ChoiceInput,
    Components,
    OptionInput,
    ProductInput,
    VariantInput,
)
from opticworks_catalog.models import ACTIVE, ARCHIVED, DRAFT, PUBLISHED

T = TypeVar("T")

NO_PAIRS: tuple[tuple[str, str], ...] = ()
NO_PARTS: Components = ()
NO_LIMIT = 1_000_000  #: "continue selling" has no limit in the format; the shop's needs one
TEXTS = {
    columns.VENDOR: "vendor",
    columns.TYPE: "product_type",
    columns.SEO_TITLE: "seo_title",
    columns.SEO_DESCRIPTION: "seo_description",
    columns.SUBTITLE: "subtitle",
}
VARIANT_TEXTS = {
    columns.BARCODE: "barcode",
    columns.TAX_CODE: "tax_code",
    columns.HS_CODE: "hs_code",
    columns.ORIGIN: "origin_country",
}


@dataclass(slots=True)
class Merged:
    """The product to save, and what goes beside it. `lines` are those of its variants."""

    product: ProductInput
    lines: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    findings: list[tuple[int, str, str]] = field(default_factory=list)  #: line, kind, sentence
    wrong: list[tuple[int, str]] = field(default_factory=list)


def merge(
    group: Group, known: Known | None, header: Iterable[str], currency: str, *, stock: bool = True
) -> Merged:
    """What the shop will have of the product; `wrong` says why it can't."""
    return _Merge(group, known, frozenset(header), currency, stock).result()


class _Merge:
    def __init__(
        self,
        group: Group,
        known: Known | None,
        header: frozenset[str],
        currency: str,
        stock: bool,
    ) -> None:
        self.group, self.known, self.header, self.currency = group, known, header, currency
        self.stock = stock
        self.kept = [name for name in header if name not in columns.UNDERSTOOD]
        start = ProductInput(handle=group.handle, title="", currency=currency, status=PUBLISHED)
        self.before = known.product if known else replace(start, extra={})
        self.merged = Merged(replace(self.before, currency=currency))
        self.merged.wrong = list(group.wrong)
        #: Whether what the shop has of it is priced in another currency than the shop is now.
        self.reprices = bool(self.before.variants) and self.before.currency != currency

    def result(self) -> Merged:
        self._product()
        self._variants()
        if self.reprices and not self.merged.wrong:
            was = self.before.currency
            sentence = f"Its prices in {was} are replaced by those of the file, in {self.currency}."
            self._note(self.group.first, "repriced", sentence)
        return self.merged

    def _unpriced(self, line: int, *skus: str) -> None:
        shown = ", ".join(skus[:3]) + (" …" if len(skus) > 3 else "")
        sentence = (
            f"The shop has its prices in {self.before.currency}, not {self.currency}, and the file "
            f"has no new price for {shown}."
        )
        self.merged.wrong.append((line, sentence))

    # Reading a cell

    def _same(self, row: Row, column: str, said: Mapping[str, str]) -> bool:
        """Whether the file leaves it as it is: no such column, or what an export says."""
        if column not in self.header:
            return True
        return bool(said) and row.cells.get(column, "") == said.get(column, "")

    def _read(self, row: Row, default: T, read: Callable[..., T], *arguments: Any) -> T:
        try:
            return read(*arguments)
        except ValueError as error:
            self.merged.wrong.append((row.line, str(error)))
            return default

    def _note(self, row: Row, kind: str, sentence: str) -> None:
        self.merged.findings.append((row.line, kind, sentence))

    # The product

    def _product(self) -> None:
        row = self.group.first
        said = dumping.product_cells(self.before) if self.known else {}
        new: dict[str, Any] = {
            field: row.get(column)
            for column, field in TEXTS.items()
            if not self._same(row, column, said)
        }
        if row.get(columns.TITLE) and not self._same(row, columns.TITLE, said):
            new["title"] = row.get(columns.TITLE)
        if not self._same(row, columns.TAGS, said):
            new["tags"] = cells.tags(row.get(columns.TAGS))
        if not self._same(row, columns.HIGHLIGHTS, said):
            new["highlights"] = cells.lines(row.get(columns.HIGHLIGHTS))
        if not self._same(row, columns.SPECS, said):
            new["specs"] = self._read(row, NO_PAIRS, cells.pairs, row.get(columns.SPECS))
        if not self._same(row, columns.COLLECTIONS, said):
            names = cells.tags(row.get(columns.COLLECTIONS))
            new["collections"] = tuple(dict.fromkeys(filter(None, map(cells.handle, names))))
        if not all(self._same(row, name, said) for name in (columns.PUBLISHED, columns.STATUS)):
            new["status"] = self._read(row, DRAFT, self._status, row)
        extra = self._kept(row, self.before.extra or {}, of_variant=False)
        if not self._same(row, columns.BODY, said):
            new["description"], original = bodies.imported(row.get(columns.BODY))
            extra.pop(columns.BODY, None)
            if original:
                extra[columns.BODY] = original
        if self._read(row, False, self._is_gift_card, row):
            sentence = "It is a gift card, which this shop can't sell."
            self.merged.wrong.append((row.line, sentence))
        self.merged.product = replace(self.merged.product, **new, extra=extra)
        if not self.known and not row.get(columns.TITLE):
            self.merged.wrong.append((row.line, "It is new and has no title."))

    def _is_gift_card(self, row: Row) -> bool:
        cell = row.get(columns.GIFT_CARD)
        return bool(cell) and cells.yes(cell, columns.GIFT_CARD)

    def _status(self, row: Row) -> str:
        status = row.get(columns.STATUS).casefold() or "active"
        if status not in ("active", "draft", "archived"):
            shown = cells.shown(row.get(columns.STATUS))
            raise ValueError(f"Status says {shown} instead of active, draft or archived.")
        if status == "archived":
            return ARCHIVED
        published = row.get(columns.PUBLISHED)
        seen = cells.yes(published, columns.PUBLISHED) if published else True
        return PUBLISHED if seen and status == "active" else DRAFT

    def _kept(self, row: Row, before: Mapping[str, str], *, of_variant: bool) -> dict[str, str]:
        """Columns that mean nothing here, as the file has them now."""
        extra = dict(before)
        is_first = row is self.group.first
        for name in self.kept:
            its_own = columns.belongs_to_variant(name)
            value = row.cells.get(name, "")
            usual = value.strip().casefold() == columns.USUAL.get(name, "").casefold()
            if of_variant and is_first and not its_own:
                value = ""  # the product has it
            elif not of_variant and its_own:
                continue
            if value.strip() and not usual:
                extra[name] = value
            else:
                extra.pop(name, None)
        return extra

    # Its variants

    def _variants(self) -> None:
        rows = self.group.variants
        names = self._option_names(rows)
        stored = {variant.sku: variant for variant in self.before.variants}
        written: dict[str, VariantInput] = {}
        for row in rows:
            values = self._values(row, names)
            old = self._stored(row, values)
            sku = row.get(columns.SKU) or (old.sku if old else "")
            if values is None:
                values = old.values if old else ()
            if not sku:
                sku = self._made_up(row, values)
            if sku in written:
                if not row.get(columns.SKU):
                    line = self.merged.lines[sku]
                    sentence = f"It is the same variant as line {line}. Give it other options."
                    self.merged.wrong.append((row.line, sentence))
                continue
            self.merged.lines[sku] = row.line
            written[sku] = self._variant(row, sku, values, old)
        replaced = self._replaced(written, stored)
        left = [v for sku, v in stored.items() if sku not in written and sku not in replaced]
        variants = (*written.values(), *left)
        self.merged.product = replace(
            self.merged.product, variants=variants, options=self._options(names, variants)
        )
        self._check_left(names, left)

    def _option_names(self, rows: Sequence[Row]) -> tuple[str, ...] | None:
        """The names of the options; None when the file has nothing to say about them."""
        if columns.option_value(1) not in self.header or not rows:
            return None
        numbers = range(1, columns.MOST_OPTIONS + 1)
        names = [self.group.first.get(columns.option_name(n)) for n in numbers]
        while names and not names[-1]:
            names.pop()
        values = {row.get(columns.option_value(1)) for row in rows}
        if not names and self.known and values != {""}:
            return tuple(option.name for option in self.before.options)
        if not names or (
            names == [dumping.NO_OPTIONS[0]] and len(rows) == 1 and values <= {"", "Default Title"}
        ):
            return ()
        if "" in names:
            number = names.index("") + 1
            sentence = f"Option{number} Name is empty, though a later option has a name."
            self.merged.wrong.append((self.group.first.line, sentence))
        return tuple(names)

    def _values(self, row: Row, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is None:
            return None
        given = [row.get(columns.option_value(n)) for n in range(1, columns.MOST_OPTIONS + 1)]
        if not names:
            if given[0] not in ("", dumping.NO_OPTIONS[1]):
                sentence = "It has an Option1 Value, but Option1 Name is empty in its first row."
                self.merged.wrong.append((row.line, sentence))
            return ()
        for name, value in zip(names, given, strict=False):
            if not value:
                self.merged.wrong.append((row.line, f"It has no value for the option {name}."))
        for number, value in enumerate(given[len(names) :], len(names) + 1):
            if value:
                sentence = f"It has an Option{number} Value, but there is no Option{number} Name."
                self.merged.wrong.append((row.line, sentence))
        return tuple(given[: len(names)])

    def _stored(self, row: Row, values: tuple[str, ...] | None) -> VariantInput | None:
        """The variant of the shop that the row is about: by SKU, else by its options."""
        sku = row.get(columns.SKU)
        if sku:
            return next((v for v in self.before.variants if v.sku == sku), None)
        if values is None:
            return self.before.variants[0] if len(self.before.variants) == 1 else None
        return next((v for v in self.before.variants if v.values == values), None)

    def _made_up(self, row: Row, values: tuple[str, ...]) -> str:
        sku = cells.made_up_sku(self.group.handle, values)
        if sku in self.merged.lines:
            sku = cells.told_apart(sku, values)
        self._note(row, "sku", f"It has no SKU; {sku} was made of its handle and options.")
        return sku

    def _replaced(
        self, written: Mapping[str, VariantInput], stored: Mapping[str, VariantInput]
    ) -> set[str]:
        """Variants of the shop whose options now have another SKU in the file."""
        by_values = {v.values: sku for sku, v in written.items() if sku not in stored}
        found = {
            sku: by_values[v.values]
            for sku, v in stored.items()
            if sku not in written and v.values in by_values
        }
        for old, new in found.items():
            line = self.merged.lines[new]
            self.merged.findings.append((line, "note", f"The SKU {old} became {new}."))
        return set(found)

    def _options(
        self, names: tuple[str, ...] | None, variants: Sequence[VariantInput]
    ) -> tuple[OptionInput, ...]:
        """The options with every value in use; what the shop has keeps its order and colour."""
        before = self.before.options
        if names is None:
            names = tuple(option.name for option in before)
        colours, choices = self._swatches(), self._choices()
        by_name = {option.name: option for option in before}
        options = []
        for i, name in enumerate(names):
            same_place = before[i] if len(before) == len(names) else None
            old = by_name.get(name) or same_place
            used = dict.fromkeys(v.values[i] for v in variants if len(v.values) > i)
            had = dict(old.values) if old else {}
            unused = self._unused(old)
            ordered = [value for value in had if value in used or value in unused]
            ordered += [value for value in used if value not in had]
            values = tuple(
                (
                    value,
                    colours.get(f"{name} / {value}", "")
                    if colours is not None
                    else had.get(value, ""),
                )
                for value in ordered
                if value
            )
            options.append(
                OptionInput(name=name, values=values, choices=_brings(name, values, old, choices))
            )
        return tuple(options)

    def _unused(self, option: OptionInput | None) -> set[str]:
        """Values that no variant of the shop takes, and that stay all the same."""
        if option is None:
            return set()
        place = self.before.options.index(option)
        taken = {v.values[place] for v in self.before.variants}
        return {value for value, _ in option.values} - taken

    def _swatches(self) -> dict[str, str] | None:
        """Colours by "Option / Value"; None when the file leaves them as they are."""
        row = self.group.first
        said = dumping.product_cells(self.before) if self.known else {}
        if self._same(row, columns.SWATCHES, said):
            return None
        pairs = self._read(row, NO_PAIRS, cells.pairs, row.get(columns.SWATCHES))
        return {name: colour.lower() for name, colour in pairs}

    def _choices(self) -> dict[str, tuple[str, int, int]] | None:
        """What values bring into a bundle, by "Option / Value"; None when it stays as it is."""
        row = self.group.first
        said = dumping.product_cells(self.before) if self.known else {}
        if self.reprices and columns.CHOICES not in self.header and self._surcharges():
            sentence = (
                f"The shop has in {self.before.currency} what its choices cost more. Add the "
                f"column {columns.CHOICES!r} to the file."
            )
            self.merged.wrong.append((row.line, sentence))
        if self._same(row, columns.CHOICES, said if not self.reprices else {}):
            return None
        nothing: dict[str, tuple[str, int, int]] = {}
        text = row.get(columns.CHOICES)
        return self._read(row, nothing, cells.choices, text, self.currency)

    def _surcharges(self) -> bool:
        return any(choice.surcharge for each in self.before.options for choice in each.choices)

    def _check_left(self, names: tuple[str, ...] | None, left: Sequence[VariantInput]) -> None:
        if names is not None and left and len(left[0].values) != len(names):
            skus = ", ".join(variant.sku for variant in left[:3])
            sentence = (
                f"Its options are others than in the shop, and the file doesn't have the variants "
                f"{skus}. Add them to the file, or remove them from the shop first."
            )
            self.merged.wrong.append((self.group.first.line, sentence))
        elif self.reprices and left:
            self._unpriced(self.group.first.line, *(variant.sku for variant in left))

    def _variant(
        self, row: Row, sku: str, values: tuple[str, ...], old: VariantInput | None
    ) -> VariantInput:
        said = dumping.variant_cells(self.known, old) if self.known and old else {}
        variant = old or VariantInput(sku=sku, price=0, extra={})
        new: dict[str, Any] = {
            field: row.get(column)
            for column, field in VARIANT_TEXTS.items()
            if not self._same(row, column, said)
        }
        if not self._same(row, columns.GRAMS, said):
            new["weight"] = self._read(row, 0, cells.grams, row.get(columns.GRAMS) or "0")
        if not self._same(row, columns.SIZE, said):
            new["size"] = self._read(row, None, cells.size, row.get(columns.SIZE))
        if not self._same(row, columns.COMPONENTS, said):
            parts = row.get(columns.COMPONENTS)
            new["components"] = self._read(row, NO_PARTS, cells.components, parts)
        if not self._same(row, columns.PERCENT_OFF, said):
            new["percent_off"] = self._read(row, None, cells.percent, row.get(columns.PERCENT_OFF))
        shipped = row.get(columns.REQUIRES_SHIPPING)
        if shipped:
            name = columns.REQUIRES_SHIPPING
            new["requires_shipping"] = self._read(row, True, cells.yes, shipped, name)
        if not self._same(row, columns.VARIANT_STATUS, said):
            new["status"] = row.get(columns.VARIANT_STATUS).casefold() or ACTIVE
        percent_off = new.get("percent_off", variant.percent_off)
        if percent_off is None or old is None or old.percent_off is None:
            new |= self._prices(row, old)
        new["stock_policy"], tracker = self._policy(row, variant, said)
        new["extra"] = self._variant_extra(row, variant, said, tracker)
        variant = replace(variant, sku=sku, values=values, **new)
        if self.stock:
            self._count(row, variant, new=old is None)
        return variant

    def _prices(self, row: Row, old: VariantInput | None) -> dict[str, Any]:
        new: dict[str, Any] = {}
        cell = row.get(columns.PRICE)
        if cell:
            new["price"] = self._read(row, 0, cells.money, cell, self.currency)
        elif old is None:
            self.merged.wrong.append((row.line, "It is new and has no price."))
        elif self.reprices:
            self._unpriced(row.line, old.sku)
        before = row.get(columns.COMPARE_AT)
        if columns.COMPARE_AT in self.header or self.reprices:
            new["compare_at"] = (
                self._read(row, None, cells.money, before, self.currency) if before else None
            )
        price = new.get("price", old.price if old else 0)
        was = new.get("compare_at", old.compare_at if old else None)
        if was is not None and was <= price and not self.merged.wrong:
            new["compare_at"] = None
            if was > 0:
                sentence = "Its price before is not higher than its price, so it isn't shown."
                self._note(row, "note", sentence)
        return new

    def _policy(
        self, row: Row, variant: VariantInput, said: Mapping[str, str]
    ) -> tuple[str, str | None]:
        """The stock policy, and who counts if it isn't the shop; None: as it is."""
        same = (self._same(row, name, said) for name in (columns.TRACKER, columns.POLICY))
        if all(same):
            return variant.stock_policy, None
        tracker = row.get(columns.TRACKER)
        if columns.TRACKER not in self.header:
            counted = variant.stock_policy != "untracked"
            tracker = "shopify" if counted else ""
        if not tracker:
            return "untracked", ""
        policy = row.get(columns.POLICY).casefold()
        if columns.POLICY not in self.header:
            policy = "continue" if variant.stock_policy == "backorder" else "deny"
        if policy not in ("", "deny", "continue", *cells.YES, *cells.NO):
            shown = cells.shown(policy)
            sentence = f"{columns.POLICY} says {shown} instead of deny or continue."
            self.merged.wrong.append((row.line, sentence))
        other = "" if tracker.casefold() == "shopify" else tracker
        return ("backorder" if policy in ("continue", *cells.YES) else "deny"), other

    def _variant_extra(
        self, row: Row, variant: VariantInput, said: Mapping[str, str], tracker: str | None
    ) -> dict[str, str]:
        extra = self._kept(row, variant.extra or {}, of_variant=True)
        if not self._same(row, columns.VARIANT_IMAGE, said):
            extra[columns.VARIANT_IMAGE] = row.get(columns.VARIANT_IMAGE)
        if tracker is not None:
            extra[columns.TRACKER] = tracker
        return {name: value for name, value in extra.items() if value}

    def _count(self, row: Row, variant: VariantInput, *, new: bool) -> None:
        """How many there are, and how many may be sold beyond that."""
        cell = row.get(columns.QUANTITY)
        if variant.components:
            if cell:
                sentence = "A bundle's stock is that of its parts; its own quantity is not used."
                self._note(row, "ignored", sentence)
            return
        level = self.known.levels.get(variant.sku) if self.known else None
        if cell:
            wanted = self._read(row, 0, cells.whole, cell, "quantity")
            if wanted < 0:
                self._note(row, "note", f"There can't be {wanted} of it; it was counted as 0.")
                wanted = 0
            if wanted != (level.on_hand if level else 0):
                self.merged.counts[variant.sku] = wanted
        if variant.stock_policy == "backorder":
            self._limit(row, variant.sku, level.backorder_limit if level else 0)
        elif variant.stock_policy == "untracked" and new:
            self._note(row, "uncounted", "Its stock is not counted; it can always be bought.")

    def _limit(self, row: Row, sku: str, now: int) -> None:
        cell = row.get(columns.BACKORDER_LIMIT)
        wanted = self._read(row, now, cells.whole, cell, "backorder limit") if cell else now
        wanted = wanted if cell else now or NO_LIMIT
        if wanted < 0:
            self.merged.wrong.append((row.line, "A backorder limit can't be below zero."))
        elif wanted != now:
            self.merged.limits[sku] = wanted


def _brings(
    name: str,
    values: Sequence[tuple[str, str]],
    old: OptionInput | None,
    choices: Mapping[str, tuple[str, int, int]] | None,
) -> tuple[ChoiceInput, ...]:
    """What those values bring: as the file says, or as it was."""
    if choices is None:
        had = {choice.value: choice for choice in (old.choices if old else ())}
        return tuple(had[value] for value, _ in values if value in had)
    return tuple(
        ChoiceInput(value=value, sku=sku, quantity=quantity, surcharge=surcharge)
        for value, _ in values
        if f"{name} / {value}" in choices
        for sku, quantity, surcharge in [choices[f"{name} / {value}"]]
    )
