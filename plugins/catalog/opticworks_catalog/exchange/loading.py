"""Importing a file: in batches of whole products, so that one that is cut off can go on.

A batch is one transaction; pictures are fetched afterwards, outside any. A try does the same in
one transaction that is undone at the end, so that it says what an import would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks_catalog import writing
from opticworks_catalog.exchange import columns as col
from opticworks_catalog.exchange import parsing, pictures
from opticworks_catalog.exchange.known import Known, read_known
from opticworks_catalog.exchange.merging import Merged, merge
from opticworks_catalog.exchange.parsing import Group
from opticworks_catalog.exchange.report import Report
from opticworks_catalog.exchange.sheet import Sheet, read_sheet
from opticworks_catalog.models import PUBLISHED, Collection, Product
from opticworks_catalog.writing import Change, Saved

BATCH = 50  #: products
REASON = "import"

#: Told how far an import is: what it does, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
Units = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to import. `actor` is who does it; `encoding` is empty to find it out."""

    actor: str
    dry_run: bool = False
    stock: bool = True
    pictures: bool = True
    encoding: str = ""


class _Undo(Exception):
    """Ends the transaction of a try."""


def load(
    shop: Any,
    content: bytes,
    wish: Wish,
    *,
    progress: Progress = lambda what, done, total: None,
    fetch: pictures.Fetch = kernel.fetch_picture,
) -> Report:
    """Import the file, or try to. Raises BadFile when nothing of it can be read."""
    sheet = read_sheet(content, wish.encoding)
    report = Report(dry_run=wish.dry_run, rows=len(sheet.rows))
    for note in sheet.notes:
        report.add(0, "", "note", note)
    groups = parsing.products(sheet, report)
    report.products = len(groups)
    with _units(shop, wish.dry_run) as unit:
        pending = _Import(shop, sheet, wish, report, unit).run(groups, progress)
    if wish.pictures:
        _fetch_pictures(shop, wish, report, pending, progress, pictures.Fetcher(fetch))
    shop.forget()
    return report


@contextmanager
def _units(shop: Any, dry_run: bool) -> Iterator[Units]:
    """Where transactions come from: each its own, or a single one that comes to nothing."""
    if not dry_run:
        yield lambda: shop.unit("catalog_import")
        return
    try:
        with shop.unit() as db:
            yield lambda: nullcontext(db)
            raise _Undo
    except _Undo:
        pass


@dataclass(slots=True)
class _Ready:
    """A product of a batch, on its way."""

    group: Group
    known: Known | None
    merged: Merged
    shots: list[pictures.Wanted] = field(default_factory=list)


def _tied(groups: Sequence[Group]) -> set[str]:
    """The handles of bundles and of what they may be made of; a SKU that the file doesn't say may
    be a part, too."""
    parts = {sku for group in groups for sku in group.parts}
    if not any(group.has_bundle for group in groups):
        return set()
    return {group.handle for group in groups if group.has_bundle or group.skus & {*parts, ""}}


class _Import:
    def __init__(self, shop: Any, sheet: Sheet, wish: Wish, report: Report, unit: Units) -> None:
        self.shop, self.sheet, self.wish, self.report, self.unit = shop, sheet, wish, report, unit
        self.currency: str = shop.settings["shop"].currency
        self.pending: list[pictures.Pending] = []
        self.again: list[Group] = []  #: bundles whose parts have to come first
        self.told: set[str] = set()  #: collections that the report says were made

    def run(self, groups: Sequence[Group], progress: Progress) -> list[pictures.Pending]:
        """Every product, bundles after what they are made of; pictures still to be fetched."""
        with self.unit() as db:
            last = db.scalar(select(func.max(Product.position)))
        first = 0 if last is None else last + 1
        places = {group.handle: first + i for i, group in enumerate(groups)}
        done = 0
        # Bundles are tried with the parts that the file changes, which have to stay for that: so
        # those come last.
        tied = _tied(groups)
        loose = [group for group in groups if group.handle not in tied]
        bundles = [group for group in groups if group.handle in tied]
        bundles.sort(key=lambda group: group.has_bundle)
        for of_kind in (loose, bundles):
            for start in range(0, len(of_kind), BATCH):
                batch = of_kind[start : start + BATCH]
                with self.unit() as db:
                    if self.wish.dry_run and of_kind is loose:
                        self._try(db, batch, places)
                    else:
                        self._batch(db, batch, places)
                done += len(batch)
                progress("Products", done, len(groups))
        if self.again:
            left, self.again = self.again, []
            with self.unit() as db:
                self._batch(db, left, places, last_try=True)
        return self.pending

    def _try(self, db: Session, groups: Sequence[Group], places: dict[str, int]) -> None:
        """A batch of a try. What it does to products that are there is undone at once: they
        would be locked to the end of the file, and whoever edits one would wait for that."""
        there = writing.find(db, [group.handle for group in groups])
        self._batch(db, [group for group in groups if group.handle not in there], places)
        undone = db.begin_nested()
        self._batch(db, [group for group in groups if group.handle in there], places)
        undone.rollback()
        db.expire_all()

    def _batch(
        self,
        db: Session,
        groups: Sequence[Group],
        places: dict[str, int],
        *,
        last_try: bool = False,
    ) -> None:
        ids = writing.find(db, [group.handle for group in groups])
        known = read_known(db, list(ids.values()), self.shop.config.base_url)
        ready = [
            one
            for group in groups
            if (one := self._ready(group, known.get(ids.get(group.handle, 0))))
        ]
        self._collections(db, ready)
        answers = writing.save_all(
            db,
            [
                Change(
                    one.merged.product,
                    one.known.product_id if one.known else None,
                    places[one.group.handle],
                )
                for one in ready
            ],
        )
        saved: list[tuple[_Ready, Saved]] = []
        for one, answer in zip(ready, answers, strict=True):
            if isinstance(answer, Saved):
                saved.append((one, answer))
            elif not last_try and all(".components" in path for path in answer):
                self.again.append(one.group)
            else:
                self._refuse(one.group, _with_lines(one, answer))
        self._beside(db, saved)

    def _ready(self, group: Group, known: Known | None) -> _Ready | None:
        merged = merge(group, known, self.sheet.columns, self.currency, stock=self.wish.stock)
        if merged.wrong:
            self._refuse(group, merged.wrong)
            return None
        return _Ready(group, known, merged)

    def _refuse(self, group: Group, reasons: Sequence[tuple[int, str]]) -> None:
        self.report.skipped += 1
        for line, sentence in dict.fromkeys(reasons):
            self.report.add(line, group.handle, "skipped", sentence)

    def _collections(self, db: Session, ready: Sequence[_Ready]) -> None:
        """Collections that the file names and the shop doesn't have."""
        wanted = {
            handle: one.group
            for one in reversed(ready)
            for handle in one.merged.product.collections
        }
        if not wanted:
            return
        there = set(db.scalars(select(Collection.handle).where(Collection.handle.in_(wanted))))
        new = [handle for handle in reversed(wanted) if handle not in there]
        if not new:
            return
        last = db.scalar(select(func.max(Collection.position)))
        rows = [
            {
                "handle": handle,
                "title": handle.replace("-", " ").capitalize(),
                "status": PUBLISHED,
                "position": (-1 if last is None else last) + place,
            }
            for place, handle in enumerate(new, 1)
        ]
        db.execute(insert(Collection), rows)
        for handle in new:
            if handle in self.told:
                continue
            self.told.add(handle)
            group = wanted[handle]
            sentence = f"The collection {handle} was made for it."
            self.report.add(group.first.line, group.handle, "note", sentence)

    def _beside(self, db: Session, saved: Sequence[tuple[_Ready, Saved]]) -> None:
        """What goes with the products: stock, addresses of pictures; and the report of them."""
        counted = self._count(db, [one for one, _ in saved])
        keeper = pictures.Keeper(db)
        shown: dict[int, Any] = {}
        for one, answer in saved:
            for line, kind, sentence in one.merged.findings:
                self.report.add(line, one.group.handle, kind, sentence)
            changed = answer.changed or bool(counted & one.merged.lines.keys())
            if col.IMAGE in self.sheet.columns:
                has_alt = col.IMAGE_ALT in self.sheet.columns
                one.shots = pictures.wanted(one.group, self.report, has_alt=has_alt)
                changed |= keeper.add(answer.product_id, one.known, one.shots)
                shown[answer.product_id] = (one.merged.product, one.shots)
            self.report.created += answer.created
            self.report.changed += changed and not answer.created
            self.report.unchanged += not changed
        keeper.write()
        if shown:
            self.pending += pictures.pending(db, shown)

    def _count(self, db: Session, ready: Sequence[_Ready]) -> set[str]:
        """Set stock; the SKUs whose stock or limit is another now."""
        counts: dict[str, int] = {}
        moved: set[str] = set()
        for one in ready:
            levels = one.known.levels if one.known else {}
            for sku in sorted(one.merged.limits):
                moved |= self._limit(db, one, sku)
            for sku, wanted in one.merged.counts.items():
                level = levels.get(sku)
                limit = one.merged.limits.get(sku, level.backorder_limit if level else 0)
                if level is not None and wanted + limit < level.held:
                    sentence = (
                        f"Orders keep {level.held} of {sku}, so its stock can't become {wanted}."
                    )
                    self.report.add(one.merged.lines[sku], one.group.handle, "stock", sentence)
                else:
                    counts[sku] = wanted
        if not self.wish.dry_run:
            moved |= self._set(db, ready, counts)
        else:
            moved |= counts.keys()
        self.report.counted += len(counts.keys() & moved)
        return moved

    def _limit(self, db: Session, one: _Ready, sku: str) -> set[str]:
        if self.wish.dry_run:
            return {sku}
        try:
            with db.begin_nested():
                kernel.set_backorder_limit(db, sku, one.merged.limits[sku])
        except ValueError as error:
            self.report.add(one.merged.lines[sku], one.group.handle, "stock", str(error))
            return set()
        return {sku}

    def _set(self, db: Session, ready: Sequence[_Ready], counts: dict[str, int]) -> set[str]:
        actor = self.wish.actor
        try:
            with db.begin_nested():
                return set(kernel.count_stock(db, counts, reason=REASON, actor=actor))
        except ValueError:  # an order took some at this moment: each by itself
            pass
        lines = {sku: (one, line) for one in ready for sku, line in one.merged.lines.items()}
        moved: set[str] = set()
        for sku, wanted in sorted(counts.items()):
            one, line = lines[sku]
            try:
                with db.begin_nested():
                    moved |= kernel.count_stock(
                        db, {sku: wanted}, reason=REASON, actor=actor
                    ).keys()
            except ValueError as error:
                self.report.add(line, one.group.handle, "stock", str(error))
        return moved


def _with_lines(one: _Ready, problems: dict[str, str]) -> list[tuple[int, str]]:
    """The problems of a save, each with the line of its variant."""
    skus = [variant.sku for variant in one.merged.product.variants]
    found = []
    for path, sentence in problems.items():
        parts = path.split(".")
        line = one.group.first.line
        if parts[0] == "variants" and len(parts) > 1:
            line = one.merged.lines.get(skus[int(parts[1])], line)
        elif "characters; there is room" in sentence:
            sentence = f"The {parts[0].replace('_', ' ')} is too long: {sentence}"
        found.append((line, sentence))
    return found


def _fetch_pictures(
    shop: Any,
    wish: Wish,
    report: Report,
    pending: Sequence[pictures.Pending],
    progress: Progress,
    fetcher: pictures.Fetcher,
) -> None:
    """Fetch what is missing; what can't be had is reported and the product stays."""
    total, done = len(pending), 0
    if total and not wish.dry_run:
        with shop.unit("catalog_import_again") as db:
            pending = pictures.shared(db, pending)
        done = total - len(pending)
    for one, content in fetcher.all(pending):
        why = content if isinstance(content, str) else ""
        if not isinstance(content, str) and not wish.dry_run:
            try:
                with shop.unit("catalog_import_picture") as db:
                    pictures.attach(db, one, content)
            except (kernel.BadPicture, LookupError) as error:
                why = str(error)
        if why:
            sentence = f"{one.address} was not fetched. {why}"
            report.add(one.line, one.handle, "picture", sentence)
        else:
            report.pictures += 1
        done += 1
        progress("Pictures", done, total)
