"""Many labels as one file, and the SCAN form that a carrier scans in place of every parcel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opticworks.contracts import ManifestState, ProviderError
from opticworks_easypost_shipping.client import Api, understood


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Labels that EasyPost puts together by itself; `file` once it is ready."""

    ref: str
    state: Literal["working", "ready", "failed"]
    shipments: int
    file: str | bytes = ""


class Batches:
    """The part of the provider that works on many shipments at once."""

    _api: Api

    def start_batch(self, refs: Sequence[str]) -> str:
        """The ref of a batch of bought shipments; `batch` then follows it."""
        given = [{"id": ref} for ref in refs]
        return str(self._api.act(lambda client: client.batch.create(shipments=given)).id)

    def batch(self, ref: str) -> Batch:
        """How far the batch is. Each call moves it on: ask again until it is ready."""
        found = self._api.read(lambda client: client.batch.retrieve(ref))
        if found.state == "purchased":
            found = self._api.act(lambda client: client.batch.label(ref, file_format="PDF"))
        failed = str(found.state).endswith("failed")
        url = found.get("label_url")
        return Batch(
            ref=ref,
            state="failed" if failed else "ready" if url else "working",
            shipments=int(found.num_shipments),
            file=self._api.file(url) if url else "",
        )

    @understood
    def manifest(self, refs: Sequence[str], key: str) -> ManifestState:
        """A SCAN form of bought shipments. All leave from one place on one day, and none is on
        a form already; EasyPost refuses others."""
        if not refs:
            raise ProviderError("There is no parcel to put on the form.", retryable=False)
        given = [{"id": ref} for ref in refs]
        return self._form(self._api.act(lambda client: client.scan_form.create(shipments=given)))

    @understood
    def find_manifest(self, refs: Sequence[str]) -> ManifestState | None:
        """The form that the first of these shipments is on: all were asked for together."""
        shipment = self._api.read(lambda client: client.shipment.retrieve(refs[0]))
        form = shipment.get("scan_form")
        return self.fetch_manifest(form.id) if form else None

    @understood
    def fetch_manifest(self, ref: str) -> ManifestState:
        return self._form(self._api.read(lambda client: client.scan_form.retrieve(ref)))

    def _form(self, found: Any) -> ManifestState:
        url = found.get("form_url")
        failed = found.status == "failed"
        return ManifestState(
            ref=found.id,
            state="failed" if failed else "ready" if url else "working",
            file=self._api.file(url) if url else "",
            message=str(found.get("message") or ""),
        )
