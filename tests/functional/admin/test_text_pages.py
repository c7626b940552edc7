"""Text pages: written, previewed, arranged, renamed and deleted by staff, without script."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from opticworks.audit import service as audit
from opticworks.pages.service import put_page, to_html
from opticworks.testing.shops import Browser


@pytest.fixture
def counter(make_shop):
    shop = make_shop()
    with shop.unit() as db:
        put_page(db, "about", title="About", body="# Hello", group="Company", position=1)
        put_page(db, "jobs", title="Jobs", body="Work", group="Company", position=2)
        put_page(db, "privacy", title="Privacy", body="None", group="Legal", position=3)
        put_page(db, "landing", title="Landing", body="Sale", position=4)
    return SimpleNamespace(shop=shop)


@pytest.fixture
def staff(sign_in):
    return sign_in("manager")


@pytest.fixture
def customer(counter):
    return Browser(counter.shop)


def editor(browser, slug):
    return browser.get(f"/admin/pages/{slug}", status=200).forms[1]


def footer(customer):
    customer.shop.forget()
    links = customer.get("/").html.select(".footer-groups a")
    return [link.text for link in links]


def test_a_page_is_written_and_in_the_shop(staff, customer, counter):
    form = editor(staff, "new")
    form["title"], form["body"] = "Über uns & mehr", "Hello <script>alert(1)</script> **you**"
    form["group"], form["description"] = "Company", "Who we are."
    form["seo_title"] = "Who makes it"
    page = form.submit("_none", status=303).follow()
    assert "is in the shop" in page.text
    page = customer.get("/pages/uber-uns-mehr")
    assert page.html.title.text == "Who makes it | OpticWorks"
    assert page.html.select_one("meta[name=description]")["content"] == "Who we are."
    assert page.html.select_one("article strong").text == "you"
    assert not page.html.select("article script")
    assert footer(customer) == ["About", "Jobs", "Über uns & mehr", "Privacy"]
    with counter.shop.unit() as db:
        (entry,) = audit.of_subject(db, "page uber-uns-mehr")
    assert (entry.actor, entry.action) == ("manager@example.org", "page.created")


def test_a_preview_shows_what_was_typed_and_saves_nothing(staff, customer):
    form = editor(staff, "about")
    form["body"] = "# Changed\n\n<b>x</b> <img src=x onerror=alert(1)> | *so*"
    page = form.submit("_action", value="preview", status=200)
    preview = page.html.select_one("#preview")
    assert preview.select_one("em").text == "so"
    assert not preview.select("img, b")
    assert page.forms[1]["body"].value.startswith("# Changed")
    assert "Changed" not in customer.get("/pages/about").text
    page.forms[1].submit("_none", status=303)
    assert "Changed" in customer.get("/pages/about").text


def test_a_former_address_is_one_hop_away_for_ever(staff, customer):
    for old, new in (("about", "about-us"), ("about-us", "who-we-are"), ("jobs", "work")):
        form = editor(staff, old)
        form["slug"] = new
        page = form.submit("_none", status=303).follow()
        assert f"Links to /pages/{old} lead to it." in page.text
    for old in ("about", "about-us"):
        answer = customer.get(f"/pages/{old}", status=301)
        assert answer.location == "http://localhost/pages/who-we-are"
    form = editor(staff, "who-we-are")
    form["slug"] = "about"
    form.submit("_none", status=303)
    customer.get("/pages/about", status=200)
    assert customer.get("/pages/who-we-are", status=301).location.endswith("/pages/about")
    assert customer.get("/pages/about-us", status=301).location.endswith("/pages/about")


def test_a_new_page_takes_a_former_address(staff, customer):
    form = editor(staff, "about")
    form["slug"] = "us"
    form.submit("_none", status=303)
    form = editor(staff, "new")
    form["title"] = "About"
    form.submit("_none", status=303)
    assert customer.get("/pages/about", status=200).html.h1.text == "About"


def test_addresses_are_checked(staff):
    for slug, sentence in (
        ("jobs", "There is a page at /pages/jobs already."),
        ("Big Words", "Write it like shipping-and-returns."),
        ("new", "is an address of the editor"),
        ("../x", "Write it like"),
        ("x" * 81, "Use at most 80 characters."),
    ):
        form = editor(staff, "about")
        form["slug"].force_value(slug)
        assert sentence in form.submit("_none", status=422).html.text
    form = editor(staff, "new")
    form["title"] = "谢谢"
    assert "No address can be made" in form.submit("_none", status=422).text


def test_the_second_of_two_is_told(sign_in, customer):
    ada, bob = sign_in("owner", "ada@example.org"), sign_in("owner", "bob@example.org")
    first, second = editor(ada, "about"), editor(bob, "about")
    first["body"], second["body"] = "By Ada", "By Bob"
    first.submit("_none", status=303)
    page = second.submit("_none", status=409)
    assert "ada@example.org saved this page" in page.html.text
    assert page.html.select_one("#theirs").text.strip() == "By Ada"
    assert "By Ada" in customer.get("/pages/about").text
    page.forms[1].submit("_none", status=303)
    assert "By Bob" in customer.get("/pages/about").text


def test_pages_and_groups_are_arranged_by_buttons(staff, customer):
    def press(label):
        page = staff.get("/admin/pages")
        button = page.html.find("button", attrs={"aria-label": label})
        form = button.find_parent("form")
        fields = {tag["name"]: tag["value"] for tag in form.find_all("input")}
        staff.post(form["action"], {**fields, "by": button["value"]}, status=303)

    assert footer(customer) == ["About", "Jobs", "Privacy"]
    press("Move Jobs up")
    assert footer(customer) == ["Jobs", "About", "Privacy"]
    press("Move Legal up")
    assert footer(customer) == ["Privacy", "Jobs", "About"]
    press("Move Company down")  # the last already
    assert footer(customer) == ["Privacy", "Jobs", "About"]


def test_a_page_is_deleted_after_a_question(staff, customer):
    page = staff.get("/admin/pages/about/delete")
    assert "Do you want to delete About?" in " ".join(page.html.text.split())
    page.forms[1].submit(status=303)
    customer.get("/pages/about", status=404)
    staff.get("/admin/pages/about", status=404)


def test_hostile_forms_change_nothing(staff, sign_in, customer):
    sign_in("clerk").get("/admin/pages", status=403)
    sign_in("clerk").post("/admin/pages/about", {}, status="4*")
    token = editor(staff, "about")["csrf_token"].value
    for fields in ({}, {"title": ""}, {"title": "x" * 999}, {"title": "a", "slug": "A B"}):
        staff.post("/admin/pages/about", {"csrf_token": token, **fields}, status=422)
    for version in ("", "0", "99", "²", "9" * 30):
        fields = {"csrf_token": token, "title": "a", "_version": version}
        staff.post("/admin/pages/about", fields, status=409)
    for fields in ({"by": "up"}, {"slug": "nobody", "by": "up"}, {"slug": "about", "by": "x"}):
        staff.post("/admin/pages/move", {"csrf_token": token, **fields}, status=303)
    staff.post("/admin/pages/about", {"title": "a"}, status=400)
    staff.post("/admin/pages/about/delete", {"csrf_token": "x"}, status=400)
    assert customer.get("/pages/about").html.select_one("article h1").text == "About"


@pytest.mark.parametrize("slug", ["jobs\r\nX-Evil: 1", "é ü#", "\t"])
def test_no_name_of_a_page_becomes_a_header(staff, slug):
    forms = staff.get("/admin/pages").forms.values()
    form = next(form for form in forms if form.action == "/admin/pages/move")
    fields = {"csrf_token": form["csrf_token"].value, "slug": slug, "by": "up"}
    answer = staff.post("/admin/pages/move", fields, status=303)
    assert "X-Evil" not in answer.headers
    assert answer.headers["Location"].isascii()


@pytest.mark.parametrize(
    ("text", "below", "tags"),
    [
        ("# One\n\n## Two", 1, ["h2", "h3"]),
        ("One\n===\n\n### Three", 1, ["h2", "h4"]),
        ("## Two\n\n### Three", 1, ["h2", "h3"]),
        ("# One\n\n###### Six", 1, ["h2", "h6"]),
        ("# One", 0, ["h1"]),
    ],
)
def test_headings_come_under_those_that_the_page_has(text, below, tags):
    html = to_html(text, below=below)
    assert re.findall(r"<(h[1-6])>", html) == tags
    assert re.findall(r"</(h[1-6])>", html) == tags
