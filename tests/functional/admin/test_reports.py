"""Reports: what is counted, when, in which zone and currency, and how it is drawn."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from opticworks.admin import reports
from opticworks.admin.plot import ceiling, plot
from opticworks.testing.shops import counted

NOW = datetime(2026, 3, 20, 15, 0, tzinfo=UTC)


def sold(counter, at, *lines):
    counter.shop.now = lambda: at
    number = counter.buy(*lines).number
    counter.shop.now = lambda: NOW
    return number


def rows(page):
    return [
        [cell.text for cell in row.select("td")] for row in page.html.select("details tbody tr")
    ]


@pytest.fixture
def report(counter, sign_in):
    """report("30") is the page of that range, looked at on 20 March 2026."""
    browser = sign_in("manager")

    def look(key=""):
        counter.shop.now = lambda: NOW
        counter.shop.forget()
        return browser.get(f"/admin/reports?range={key}", status=200)

    return look


def test_orders_are_counted_on_the_day_of_the_shops_zone_beside_the_period_before(counter, report):
    sold(counter, datetime(2026, 3, 20, 3, 30, tzinfo=UTC), ("LAMP", 1))  # still the 19th in NY
    sold(counter, datetime(2026, 3, 20, 5, 0, tzinfo=UTC), ("LAMP", 1), ("BULB", 2))
    sold(counter, datetime(2026, 3, 12, 12, 0, tzinfo=UTC), ("BULB", 1))  # eight days ago
    page = report("7")
    table = rows(page)
    assert len(table) == 7
    assert table[0][0] == "Friday, March 20, 2026"
    assert (table[0][3], table[1][3]) == ("1", "1")
    figures = [figure.get_text(" ").split() for figure in page.html.select(".report-figure")]
    assert figures[1][:2] == ["Orders", "2"]
    assert figures[1][-3:] == ["+100%", "from", "1"]
    best = [
        [cell.text for cell in row.select("td")]
        for row in page.html.select("tbody")[-1].select("tr")
    ]
    assert [row[1] for row in best] == ["2 sold", "2 sold"]
    assert len(page.html.select(".plot[role=img] > title")) == 2
    assert "1" in page.html.select(".plot-bar title")[-1].text
    (chosen,) = page.html.select(".report-range[aria-current]")
    assert chosen["href"] == "/admin/reports?range=7"


def test_a_shop_without_orders_shows_no_average_and_no_scale_of_cents(report):
    page = report("30")
    figures = [figure.get_text(" ", strip=True) for figure in page.html.select(".report-figure")]
    assert figures == [
        "Sales $0.00 Nothing in the period before",
        "Orders 0 Nothing in the period before",
        "Average order – Nothing in the period before",
    ]
    ticks = [text.text for text in page.html.select(".plot")[0].select("text") if "$" in text.text]
    assert ticks == ["$0", "$1", "$2", "$3", "$4"]


def test_orders_that_do_not_stand_and_other_currencies_are_left_out(counter, report):
    from opticworks.checkout import staff

    kept = sold(counter, NOW, ("LAMP", 1))
    gone = sold(counter, NOW, ("LAMP", 1))
    staff.cancel(counter.shop, gone, reason="customer", restock=True, actor="test")
    assert "Orders 1" in report("7").html.select(".report-figure")[1].get_text(" ")
    assert kept != gone


def test_a_report_is_a_few_statements_and_remembered(counter, report):
    sold(counter, NOW, ("LAMP", 1))
    report("90")
    with counted() as statements, counter.shop.unit() as db:
        reports.report(db, counter.shop.settings["shop"], "year", NOW)
    assert len([sql for sql in statements if "SELECT" in sql.upper()]) == 3


def test_ranges_are_links_and_anything_else_is_the_usual_one(report, sign_in):
    for key in ("7", "30", "90", "year"):
        assert (
            report(key).html.select_one(".report-range[aria-current]")["href"].endswith(f"={key}")
        )
    for key in ("", "x", "-1", "9999999999", "<script>"):
        assert report(key).html.select_one(".report-range[aria-current]")["href"].endswith("=30")
    sign_in("clerk").get("/admin/reports", status=403)


def test_an_empty_shop_has_a_report_too(report):
    page = report("year")
    assert "Nothing sold in this range" in page.text
    assert [row[0] for row in rows(page)] == ["March 2026", "February 2026", "January 2026"]


@pytest.mark.parametrize(
    ("key", "today", "expected"),
    [
        ("7", date(2026, 3, 20), ("2026-03-14", "2026-03-07", "2026-03-13")),
        ("year", date(2026, 3, 20), ("2026-01-01", "2025-01-01", "2025-03-20")),
        ("year", date(2028, 2, 29), ("2028-01-01", "2027-01-01", "2027-02-28")),
        ("year", date(2026, 1, 1), ("2026-01-01", "2025-01-01", "2025-01-01")),
    ],
)
def test_a_range_and_the_one_before(key, today, expected):
    found = reports.span(key, today)
    assert (str(found.first), str(found.before), str(found.before_last)) == expected


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 4), (3, 4), (5, 8), (9, 12), (11, 20), (99, 100), (101, 200), (4321, 5000)],
)
def test_the_scale_ends_at_a_round_number(value, top):
    assert ceiling(value) >= value
    assert ceiling(value) == top
    assert top % 4 == 0


def test_a_plot_of_one_value_and_of_none():
    one = plot([5], [0], titles=["a"], labels=["x"], written=str)
    assert one.line.count(",") == 1
    none = plot([], [], titles=[], labels=[], written=str)
    assert none.line == none.area == ""
