"""What a shop may set about its catalogue; the defaults make a working one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CatalogSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    per_page: int = Field(24, title="Products on a page of a listing", ge=4, le=96)
    featured_collection: str = Field(
        "",
        title="Collection shown on the home page",
        description="Its handle. When empty, the first products of all are shown.",
        max_length=120,
    )
    featured_count: int = Field(4, title="Products shown on the home page", ge=0, le=24)
    related_count: int = Field(4, title="Related products on a product page", ge=0, le=12)
    return_days: int = Field(
        0,
        title="Days in which a product may be returned",
        description="Told to search engines. 0 says nothing.",
        ge=0,
        le=365,
    )
