"""What the catalogue puts into the shop's pages."""

from __future__ import annotations

from opticworks_catalog import slot


def fragments(shop, name):
    with shop.unit() as db:
        return list(slot(name=name, context={}, ctx=shop.ctx(db)))


def test_hook_slot(shop):
    (navigation,) = fragments(shop, "header.navigation")
    assert navigation.template == "catalog/navigation.pt"
    assert [link.url for link in navigation.data["collections"]] == [
        "/collections/sensors",
        "/collections/modules",
        "/collections/accessories",
        "/collections/bundles",
    ]
    assert fragments(shop, "cart.below") == []


def test_the_home_page_features_the_first_products(shop):
    (featured,) = fragments(shop, "home.featured")
    titles = [card.title for card in featured.data["cards"]]
    assert titles[0] == "RS-1 Presence Sensor"
    assert len(titles) == 4
    assert len(featured.data["collections"]) == 4


def test_the_home_page_features_the_collection_that_is_set(make_shop):
    from opticworks import demo

    shop = make_shop(
        plugins=("catalog",),
        settings={"catalog": {"featured_collection": "bundles", "featured_count": "1"}},
    )
    demo.load(shop)
    (featured,) = fragments(shop, "home.featured")
    assert [card.url for card in featured.data["cards"]] == ["/products/whole-home-bundle"]
