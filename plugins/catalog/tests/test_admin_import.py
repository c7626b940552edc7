"""Import and export on pages, as staff use them without scripts."""

from __future__ import annotations

from functools import partial

import pytest
from importing import REAL, cells, exported, table
from sqlalchemy import select, text
from test_import import LAMP, RED

from opticworks import kernel
from opticworks.audit.service import of_subject
from opticworks.jobs.testing import drain
from opticworks.testing.staff import sign_in
from opticworks_catalog import tasks, writing
from opticworks_catalog.admin import importing
from opticworks_catalog.exchange import jobs
from opticworks_catalog.models import Import

PATH = "/admin/catalog/import"


@pytest.fixture
def staff(empty_shop):
    """staff("manager") is a browser with somebody of that role signed in."""
    return partial(sign_in, empty_shop)


def upload(browser, content, name="lamps.csv", **ticked):
    page = browser.get(PATH)
    form = next(form for form in page.forms.values() if "file" in form.fields)
    form["file"] = (name, content if isinstance(content, bytes) else content.encode())
    form["pictures"] = False
    for box, value in ticked.items():
        form[box] = value
    return form.submit(status=303)


def said(page):
    return " ".join(page.html.main.get_text(" ", strip=True).split())


def test_hook_tasks(empty_shop):
    names = []

    class Jobs:
        def task(self, name):
            names.append(name)
            return lambda handler: handler

    tasks(jobs=Jobs())
    assert names == ["catalog.import"]


def test_a_file_is_checked_first_and_imported_on_a_second_click(empty_shop, staff):
    browser = staff("owner")
    bad = {**LAMP, "Handle": "bad", "Variant SKU": "BAD", "Variant Price": "abc"}
    page = upload(browser, table(LAMP, bad), name="C:\\fakepath\\=lamps.csv").follow()
    assert "Checking the file" in said(page)
    assert page.html.find("h1").get_text() == "=lamps.csv"
    assert drain(empty_shop) == ["catalog.import"]
    page = browser.get(page.request.path)
    assert "Would be: 1 new, 0 changed, 0 as they were, 1 not imported" in said(page)
    assert 'The price "abc" is not a number like 19.99.' in said(page)
    assert "Nothing has been changed yet." in said(page)
    with empty_shop.unit() as db:
        assert writing.find(db, ["desk-lamp"]) == {}
    form = next(form for form in page.forms.values() if form.action == page.request.path)
    page = form.submit(status=303).follow()
    assert "Importing" in said(page)
    form.submit(status=303)  # a second click starts nothing
    assert drain(empty_shop) == ["catalog.import"]
    page = browser.get(page.request.path)
    assert "1 new, 0 changed" in said(page)
    assert "Would be" not in said(page)
    with empty_shop.unit() as db:
        assert "desk-lamp" in writing.find(db, ["desk-lamp"])
        assert kernel.availability(db, ["LAMP"])["LAMP"].on_hand == 7
        row = db.scalars(select(Import)).one()
        assert (row.state, row.content, row.actor) == ("imported", None, "owner@example.org")
        (entry,) = of_subject(db, f"import:{row.id}")
        assert entry.actor == "owner@example.org"
    report = browser.get(f"{page.request.path}/report.csv")
    assert report.content_type == "text/csv"
    assert [row["Line"] for row in cells(report.text) if row["Result"] == "not imported"] == ["3"]
    listing = browser.get(PATH)
    assert "=lamps.csv" in said(listing)
    assert "Imported" in said(listing)


def test_a_file_that_can_not_be_read_is_said_on_its_page(empty_shop, staff):
    browser = staff("owner")
    page = upload(browser, b"Name,Price\r\nLamp,3\r\n").follow()
    drain(empty_shop)
    page = browser.get(page.request.path)
    assert "Can't be read" in said(page)
    assert 'The file has no column "Handle"' in said(page)
    assert page.html.select_one("main a.btn")["href"] == PATH
    assert upload(browser, b"").location.endswith(PATH)
    assert "Choose a CSV file" in browser.get(PATH).text
    browser.get(f"{PATH}/999999", status=404)
    browser.get(f"{page.request.path}/report.csv", status=404)


def test_notes_do_not_bury_what_was_not_imported(empty_shop, staff, monkeypatch):
    monkeypatch.setattr(importing, "SHOWN", 2)
    manager = staff("manager")
    lamps = [{**LAMP, "Handle": f"lamp-{i}", "Variant SKU": ""} for i in range(4)]
    odd = [{**LAMP, "Handle": f"Lamp {i}", "Variant SKU": f"L{i}"} for i in range(5, 8)]
    bad = {**LAMP, "Handle": "lamp-8", "Variant SKU": "L8", "Variant Price": "abc"}
    page = upload(manager, table(*lamps, *odd, bad)).follow()
    drain(empty_shop)
    shown = said(manager.get(page.request.path))
    assert shown.count("variants have no SKU in the file") == 1
    assert "was made of its handle" not in shown
    assert "lamp-8 Not imported" in shown
    assert "2 more are in the report." in shown


def test_what_no_database_can_keep_is_said_of_its_row(empty_shop, staff):
    browser = staff("owner")
    page = upload(browser, table(LAMP) + "\0\r\n").follow()
    drain(empty_shop)
    page = browser.get(page.request.path)
    assert "Would be: 1 new, 0 changed" in said(page)
    assert '3 Not imported No handle can be made of "\N{REPLACEMENT CHARACTER}".' in said(page)


def test_a_job_that_is_cut_off_does_the_rest(empty_shop, staff, monkeypatch):
    browser = staff("owner")
    rows = [{**RED, "Handle": f"lamp-{i}", "Variant SKU": f"L{i}"} for i in range(120)]
    page = upload(browser, table(*rows)).follow()
    drain(empty_shop)
    page = browser.get(page.request.path)
    next(form for form in page.forms.values() if form.action == page.request.path).submit()

    class Cut(Exception):
        pass

    class Notes:
        def __init__(self, shop, import_id):
            pass

        def __call__(self, what, done, total):
            raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_Notes", Notes)
        with pytest.raises(Cut):
            drain(empty_shop)
    with empty_shop.unit() as db:
        (import_id,) = db.scalars(select(Import.id))
        assert len(writing.find(db, [f"lamp-{i}" for i in range(120)])) == 50
    jobs.run(empty_shop, import_id)
    assert "70 new, 0 changed, 50 as they were" in said(browser.get(page.request.path))
    jobs.run(empty_shop, import_id)


def test_an_import_whose_job_died_says_so_and_goes_on(empty_shop, staff):
    browser = staff("owner")
    page = upload(browser, REAL["apparel"]).follow()
    path = page.request.path
    assert "It stopped" not in said(page)
    for left in ("Nothing was changed", "Going on does what is left"):
        with empty_shop.unit() as db:
            db.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))
        page = browser.get(path)
        assert "It stopped before the end" in said(page)
        assert left in said(page)
        assert "Stopped" in said(browser.get(PATH))
        form_of = lambda page: next(f for f in page.forms.values() if f.action == path)  # noqa: E731
        form_of(page).submit(status=303)
        drain(empty_shop)
        page = browser.get(path)
        if left == "Nothing was changed":
            form_of(page).submit(status=303)  # what was checked is imported
    assert "Imported" in said(page)


def test_who_may_not_edit_products_can_not_import(empty_shop, staff):
    clerk = staff("clerk")
    clerk.get(PATH, status=403)
    clerk.post(PATH, status=403)


def test_the_catalogue_is_exported_by_a_click(empty_shop, staff):
    browser = staff("owner")
    upload(browser, REAL["apparel"])
    with empty_shop.unit() as db:
        db.scalars(select(Import)).one().state = "importing"
    drain(empty_shop)
    answer = browser.get("/admin/catalog/export.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="products-')
    assert answer.body.decode() == exported(empty_shop)
    assert len(cells(answer.text)) == 22
