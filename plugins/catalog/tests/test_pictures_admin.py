"""Staff put pictures on products: with forms alone, and with the script's requests."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from webtest import Upload

from opticworks.audit.models import AuditEntry
from opticworks.testing.pictures import a_picture
from opticworks_catalog.models import Collection, Image, OptionValue, Product


@pytest.fixture
def path(shop):
    with shop.unit() as db:
        id = db.scalar(select(Product.id).where(Product.handle == "rs-1-sensor"))
    return f"/admin/catalog/products/{id}/pictures"


def cards(page):
    return [card["data-picture"] for card in page.html.select("[data-picture]")]


def alts(page):
    return [one.get_text(strip=True) for one in page.html.select(".picture-alt")]


def upload(page, *files):
    form = next(form for form in page.forms.values() if "files" in form.fields)
    csrf = form["csrf_token"].value
    return page.test_app.post(
        form.action,
        {"csrf_token": csrf, "back": "panel"},
        upload_files=[("files", name, content) for name, content in files],
        expect_errors=True,
    )


def said(page):
    return [one.get_text(" ", strip=True) for one in page.html.select(".notice p")]


def form_of(page, action):
    return next(form for form in page.forms.values() if form.action.endswith(action))


def audited(shop):
    with shop.unit() as db:
        entries = db.execute(select(AuditEntry.action, AuditEntry.data))
        return {action: data for action, data in entries if action.startswith("catalog.")}


def test_several_files_are_added_and_each_refusal_is_said(shop, staff, path):
    page = staff("manager").get(path)
    before = cards(page)
    page = upload(
        page,
        ("front.png", a_picture()),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"),
        ("back.png", a_picture(colour=(1, 2, 3))),
    ).follow()
    assert len(cards(page)) == len(before) + 2
    assert said(page)[0] == "2 pictures are added."
    assert said(page)[1].startswith("drawing.svg: This is an SVG drawing")
    assert alts(page)[-2:] == ["RS-1 Presence Sensor"] * 2
    assert audited(shop)["catalog.pictures_added"] == {"files": ["front.png", "back.png"]}
    notes = [(f"{n}.txt", b"Dear diary") for n in range(8)]
    page = upload(page, *notes).follow()
    assert [text.partition(":")[0] for text in said(page)] == [name for name, _ in notes]


def test_nothing_chosen_and_too_much_are_answered_with_a_sentence(staff, path):
    page = staff("manager").get(path)
    assert said(upload(page).follow()) == ["Choose one or more files first."]
    many = [(f"{n}.png", b"x") for n in range(21)]
    assert said(upload(page, *many).follow())[0].startswith("These are 21 files; 20 at once")
    big = upload(page, ("big.png", a_picture() + b"\0" * 20_000_000))
    assert said(big.follow())[0].startswith("big.png: This file is larger than 20 MB, the most")
    huge = upload(page, ("huge.png", b"\0" * 101_000_000))
    assert huge.status_int == 413
    assert "this page takes at most 100 MB" in huge.text


def test_the_script_gets_answers_it_can_show(staff, path):
    browser = staff("manager")
    page = browser.get(path)
    csrf = form_of(page, "/order")["csrf_token"].value
    answer = browser.post(
        path,
        {"csrf_token": csrf, "files": Upload("a.png", a_picture())},
        headers={"X-Requested-With": "pictures"},
    )
    assert answer.json == {"done": "1 picture is added.", "problems": []}
    answer = browser.post(
        path,
        {"csrf_token": csrf, "files": Upload("a.txt", b"Dear diary")},
        headers={"X-Requested-With": "pictures"},
    )
    assert answer.json["done"] == ""
    assert answer.json["problems"][0].startswith("a.txt: This is a text file")


def test_pictures_move_one_place_and_as_they_were_dragged(shop, staff, path):
    page = staff("manager").get(path)
    first, second, *rest = cards(page)
    form = form_of(page, "/order")
    page = form.submit("move", value=f"{second}:-1").follow()
    assert cards(page) == [second, first, *rest]
    form = form_of(page, "/order")
    page = page.test_app.post(
        form.action,
        {"csrf_token": form["csrf_token"].value, "ids": ",".join([*rest, first]), "back": "panel"},
    ).follow()
    assert cards(page) == [*rest, first, second]
    assert "catalog.pictures_ordered" in audited(shop)


@pytest.mark.parametrize("move", ["99999999:1", "x:1", "²:1", "1:7", "1:", f"{'9' * 30}:1"])
def test_an_order_of_what_is_not_there_changes_nothing(staff, path, move):
    page = staff("manager").get(path)
    form = form_of(page, "/order")
    posted = {"csrf_token": form["csrf_token"].value, "move": move, "back": "panel"}
    answer = page.test_app.post(form.action, posted).follow()
    assert said(answer) == ["This picture was removed meanwhile."]
    assert cards(answer) == cards(page)


def test_words_and_variants_are_saved_and_an_empty_alt_is_the_title(shop, staff, path):
    page = staff("manager").get(path)
    last = cards(page)[-1]
    with shop.unit() as db:
        graphite = db.scalar(
            select(OptionValue.id)
            .join(Image, Image.id == int(last))
            .where(OptionValue.value == "Graphite")
            .order_by(OptionValue.id)
            .limit(1)
        )
    form = form_of(page, f"/{last}")
    csrf = form["csrf_token"].value
    page = page.test_app.post(
        form.action,
        {"csrf_token": csrf, "alt": "  Held in\na hand ", "value": [graphite, "999999"]},
    )
    page = page.test_app.get(path)
    assert alts(page)[-1] == "Held in a hand"
    assert page.html.select(".picture-of")[-1].get_text(strip=True) == "Graphite"
    form = form_of(page, f"/{last}")
    form["alt"] = " "
    form.submit()
    assert alts(page.test_app.get(path))[-1] == "RS-1 Presence Sensor"


def test_a_picture_is_removed_after_a_question(shop, staff, path):
    page = staff("manager").get(path)
    first, *rest = cards(page)
    question = page.click(href=f"/{first}/delete$")
    assert "Orders and mails that show it keep it." in question.text
    form_of(question, f"/{first}/delete").submit(status=303)
    browser = question.test_app
    page = browser.get(path)
    assert cards(page) == rest
    assert "catalog.picture_removed" in audited(shop)
    browser.get(f"{path}/{first}/delete", status=404)


def test_a_collection_has_pictures_too(shop, staff):
    with shop.unit() as db:
        id = db.scalar(select(Collection.id).where(Collection.handle == "modules"))
    browser = staff("manager")
    page = browser.get(f"/admin/catalog/collections/{id}/pictures")
    page = upload(page, ("new.png", a_picture())).follow()
    *_, new = cards(page)
    form_of(page, "/order").submit("move", value=f"{new}:-1")
    social = browser.get("/collections/modules").html.find("meta", property="og:image")["content"]
    assert "/media/" in social


def test_foreign_and_unknown_things_are_not_found(staff, path, shop):
    browser = staff("manager")
    with shop.unit() as db:
        mine = db.scalar(select(Image.id).where(Image.collection_id.is_not(None)).limit(1))
    for address in (
        "/admin/catalog/products/999999/pictures",
        "/admin/catalog/products/999999999999999999/pictures",
        f"{path}/{mine}/delete",
        f"{path}/999999999999999999/delete",
    ):
        browser.get(address, status=404)


def test_clerks_may_not_and_a_form_without_its_token_does_nothing(shop, staff, path):
    staff("clerk").get(path, status=403)
    with shop.unit() as db:
        before = db.scalar(select(func.count()).select_from(Image))
    browser = staff("owner")
    browser.post(path, {"files": Upload("a.png", a_picture())}, status=400)
    with shop.unit() as db:
        assert db.scalar(select(func.count()).select_from(Image)) == before
