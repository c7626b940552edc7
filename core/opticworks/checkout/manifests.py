"""Forms that a carrier scans in place of every parcel (SCAN forms), made once.

A manifest and its parcels are written down before the vendor is asked. The job that asks looks
first whether the parcels are on a form already: one that was made, and whose answer was lost, is
found again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.audit import service as audit
from opticworks.checkout import shipping_jobs
from opticworks.checkout.purchase import label_providers, turn
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.jobs import defer, task
from opticworks.media.recognise import BadPicture
from opticworks.shipping.models import Manifest, Parcel
from opticworks.shop import Shop

WORKING = timedelta(seconds=10)  #: until a form that is being made is asked for again
SHOWN = 20
#: What a carrier reports before it has the parcel: one that it scanned needs no form, and one
#: such parcel has a whole form refused.
UNSCANNED = Parcel.tracking.in_(("", "unknown", "pre_transit"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Parcels of one carrier that are on no form yet."""

    provider: str
    title: str  #: of the provider
    carrier: str
    parcels: Sequence[Parcel]


def providers(shop: Shop) -> dict[str, c.ManifestProvider]:
    """The enabled providers that make such forms, by code."""
    known = label_providers(shop).items()
    return {code: each for code, each in known if isinstance(each, c.ManifestProvider)}


def waiting(shop: Shop, db: Session, since: datetime) -> list[Waiting]:
    """What could be put on a form, by provider and carrier: labelled parcels that are still here,
    and those that were handed over since then and that the carrier has not scanned yet."""
    known = providers(shop)
    rows = db.scalars(
        select(Parcel)
        .where(
            Parcel.provider.in_(known),
            Parcel.manifest_id.is_(None),
            UNSCANNED,
            or_(
                Parcel.status == "bought",
                (Parcel.status == "shipped") & (Parcel.shipped_at >= since),
            ),
        )
        .order_by(Parcel.provider, Parcel.carrier, Parcel.bought_at)
    ).all()
    groups: dict[tuple[str, str], list[Parcel]] = {}
    for parcel in rows:
        groups.setdefault((parcel.provider, parcel.carrier), []).append(parcel)
    return [
        Waiting(provider, known[provider].title, carrier, parcels)
        for (provider, carrier), parcels in groups.items()
    ]


def newest(db: Session) -> Sequence[Manifest]:
    return db.scalars(select(Manifest).order_by(Manifest.created_at.desc()).limit(SHOWN)).all()


def begin(
    shop: Shop, parcel_ids: Sequence[uuid.UUID], *, actor: str, manifest_id: uuid.UUID
) -> None:
    """Have a form made of these parcels by a job. With the `manifest_id` of the form that was
    shown, a second click makes none. Raises Refused."""
    known = providers(shop)
    with shop.unit("manifest_begin") as db:
        if db.get(Manifest, manifest_id) is not None:
            return
        parcels = db.scalars(
            select(Parcel)
            .where(
                Parcel.id.in_(parcel_ids),
                Parcel.manifest_id.is_(None),
                UNSCANNED,
                Parcel.status.in_(("bought", "shipped")),
            )
            .order_by(Parcel.id)
            .with_for_update()
        ).all()
        ends = {(parcel.provider, parcel.carrier) for parcel in parcels}
        if not parcels:
            raise Refused(
                "These parcels are on a form already, were given back, or are on their way."
            )
        if len(ends) > 1 or parcels[0].provider not in known:
            raise Refused(
                "A form is for the parcels of one carrier, of a provider that makes forms."
            )
        ((provider, carrier),) = ends
        db.add(Manifest(id=manifest_id, provider=provider, carrier=carrier, actor=actor))
        db.flush()
        for parcel in parcels:
            parcel.manifest_id = manifest_id
        defer(db, "shipping.manifest", manifest=str(manifest_id))
        about = f"{len(parcels)} × {carrier}"
        audit.record(db, actor, "manifest.made", "shipping", about=about)


@task("shipping.manifest")
def make(shop: Shop, manifest: str) -> None:
    """Have the vendor make the form, unless it did already, and keep its file."""
    manifest_id = uuid.UUID(manifest)
    with turn(shop, manifest_id):
        with shop.unit() as db:
            begun = db.get(Manifest, manifest_id)
            refs = db.scalars(
                select(Parcel.ref).where(Parcel.manifest_id == manifest_id).order_by(Parcel.id)
            ).all()
        if begun is None or begun.status in ("ready", "failed"):
            return
        provider = providers(shop).get(begun.provider)
        if provider is None:
            raise c.ProviderError(f"The provider {begun.provider!r} is not enabled any more.")
        refused = ""
        state: c.ManifestState | None = None
        try:
            with outside("manifest_ask"):
                if begun.ref:
                    state = provider.fetch_manifest(begun.ref)
                else:
                    state = provider.find_manifest(refs) or provider.manifest(refs, manifest)
        except c.ProviderError as error:
            if error.retryable:
                raise
            refused = str(error)
        content = _content(shop, state)
        with shop.unit("manifest_store") as db:
            _store(shop, db, manifest_id, state, content, refused)


def _content(shop: Shop, state: c.ManifestState | None) -> bytes | None:
    if state is None or not state.file:
        return None
    if isinstance(state.file, bytes):
        return state.file
    try:
        return shipping_jobs.fetch_file(shop, state.file)
    except (BadPicture, OSError) as error:
        raise c.ProviderError(f"The form could not be fetched: {error}") from None


def _store(
    shop: Shop,
    db: Session,
    manifest_id: uuid.UUID,
    state: c.ManifestState | None,
    content: bytes | None,
    refused: str,
) -> None:
    row = db.get_one(Manifest, manifest_id, with_for_update=True)
    if state is None or state.state == "failed":
        row.status = "failed"
        row.sentence = (refused or (state.message if state else ""))[:500] or "No reason was given."
        # Its parcels can be put on another one.
        free = update(Parcel).where(Parcel.manifest_id == manifest_id).values(manifest_id=None)
        db.execute(free)
        return
    row.ref, row.content = state.ref, content
    row.status = "ready" if content is not None else "working"
    if content is None:
        at = shop.now() + WORKING
        defer(db, "shipping.manifest", schedule_at=at, manifest=str(manifest_id))
