"""SCAN forms: what a carrier scans in place of every parcel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opticworks.contracts import ManifestState, ProviderError
from opticworks_easypost_shipping.client import Api, understood


class Manifests:
    """The part of the provider that works on many shipments at once."""

    _api: Api

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
