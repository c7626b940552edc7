"""Many labels as one file, and the SCAN form that a carrier scans in place of every parcel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opticworks.contracts import ProviderError
from opticworks_easypost_shipping.client import Api


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Labels that EasyPost puts together by itself; `file` once it is ready."""

    ref: str
    state: Literal["working", "ready", "failed"]
    shipments: int
    file: str | bytes = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanForm:
    """One barcode for all parcels that are handed over together."""

    ref: str
    state: Literal["working", "ready", "failed"]
    tracking_numbers: tuple[str, ...] = ()
    file: str | bytes = ""
    message: str = ""


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

    def scan_form(self, refs: Sequence[str]) -> ScanForm:
        """A SCAN form of bought shipments. All leave from one place on one day, and none is on
        a form already; EasyPost refuses others."""
        if not refs:
            raise ProviderError("There is no parcel to put on the form.", retryable=False)
        given = [{"id": ref} for ref in refs]
        return self._form(self._api.act(lambda client: client.scan_form.create(shipments=given)))

    def fetch_scan_form(self, ref: str) -> ScanForm:
        return self._form(self._api.read(lambda client: client.scan_form.retrieve(ref)))

    def _form(self, found: Any) -> ScanForm:
        url = found.get("form_url")
        failed = found.status == "failed"
        return ScanForm(
            ref=found.id,
            state="failed" if failed else "ready" if url else "working",
            tracking_numbers=tuple(found.tracking_codes or ()),
            file=self._api.file(url) if url else "",
            message=str(found.get("message") or ""),
        )
