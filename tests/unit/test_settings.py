"""Settings written in the ini: what they mean, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from opticworks.config import ConfigError, read_config
from opticworks.contracts import ShopSettings
from opticworks.settings import service


def said(**ini: str) -> str:
    """The sentences about these settings of the shop."""
    try:
        service.validate(ShopSettings, ini, {})
    except ValidationError as error:
        return " ".join(service.sentences(error, "shop"))
    except service.BadText as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("ini", "sentence"),
    [
        ({"timezone": "Mars/Base"}, "shop.timezone: Mars/Base is no time zone"),
        ({"locale": "xx_YY"}, "shop.locale: xx_YY is no locale"),
        ({"currency": "ABC"}, "shop.currency: ABC is no currency"),
        ({"countries": "usa"}, "shop.countries: Write codes of two capital letters"),
        ({"countries": "US, UK"}, "shop.countries: UK is no country's code of two letters; you"),
        ({"countries": "QQ"}, "shop.countries: QQ is no country's code of two letters."),
        ({"email": "the shop"}, "shop.email: "),
        ({"nonsense": "1"}, "shop.nonsense: There is no such setting."),
        ({"origin": "Main St"}, "shop.origin: Write this as JSON"),
        ({"origin": "{broken"}, "origin: this is no complete JSON"),
    ],
)
def test_a_mistake_is_named_in_a_sentence(ini: dict[str, str], sentence: str) -> None:
    assert sentence in said(**ini)


@pytest.mark.parametrize("text", ["US, CA", "US\nCA", '["US", "CA"]', "US,CA,"])
def test_a_list_of_words_is_written_as_one_likes(text: str) -> None:
    settings = service.validate(ShopSettings, {"countries": text}, {})
    assert settings.countries == ("US", "CA")  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["plugin.catalog", "plugin..x", "plugin.catalog."])
def test_a_setting_of_no_plugin_is_refused_with_its_line(key: str, tmp_path: Path) -> None:
    settings = {"opticworks.mode": "test", "opticworks.var": str(tmp_path), key: "1"}
    with pytest.raises(ConfigError, match=key):
        read_config(settings, {})
