"""Pictures, and the store that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image with the widths it exists in. `srcset` maps a MIME type to a srcset string; `id`
    is the kernel's, empty for an image that the kernel doesn't keep."""

    src: str
    width: int
    height: int
    alt: str
    srcset: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def __hash__(self) -> int:
        return hash((self.src, self.alt))


@runtime_checkable
class ImageStore(Protocol):
    """Keeps pictures and gives their addresses in any of the widths and formats asked for.

    Raises ProviderError when the store can't be reached.
    """

    code: str
    title: str

    def put(self, content: bytes, content_type: str, key: str) -> str:
        """Keep a clean picture (upright, sRGB, no metadata), once per key; the store's own id."""
        ...

    def url(self, id: str, width: int, format: str) -> str:
        """A path or an https address that stays the same, for the formats avif, webp, jpg and
        png. Asks nobody."""
        ...

    def delete(self, id: str) -> None:
        """Throw it away; what is gone already is no error."""
        ...
