"""Every page of the admin answers, with its own title, never to be kept by a cache."""


def test_every_page_shows(counter, sign_in):
    number = counter.buy(("LAMP", 2), ("BULB", 1)).number
    owner = sign_in()
    for path in (
        "/admin",
        "/admin/orders",
        "/admin/orders?tab=awaiting",
        f"/admin/orders/{number}",
        f"/admin/orders/{number}/pay",
        f"/admin/orders/{number}/fulfil",
        f"/admin/orders/{number}/cancel",
        "/admin/messages",
        "/admin/jobs",
        "/admin/webhooks",
        "/admin/plugins",
    ):
        page = owner.get(path, status=200)
        assert len(page.html.find_all("h1")) == 1, path
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Robots-Tag"] == "noindex"
        assert not page.html.find_all(style=True), path
        assert not [script for script in page.html.find_all("script") if not script.get("src")]


def test_what_waits_is_counted_and_leads_to_the_list(counter, sign_in):
    counter.buy(("LAMP", 1))
    counter.buy(("LAMP", 1))
    owner = sign_in()
    task = owner.get("/admin").html.select_one('a[href="/admin/orders?tab=awaiting"]')
    assert task.select_one(".task-count").text == "2"
    assert len(owner.get(task["href"]).html.select("tbody tr")) == 2


def test_an_empty_shop_says_what_to_expect(counter, sign_in):
    owner = sign_in()
    assert "No orders yet" in owner.get("/admin/orders?tab=all").text
    assert "No messages here" in owner.get("/admin/messages").text
    assert "Nothing got stuck" in owner.get("/admin/jobs?state=failed").text
    assert "No webhooks here" in owner.get("/admin/webhooks").text


def test_the_plugins_page_tells_state_hooks_and_problems(make_shop):
    from opticworks.contracts import PluginInfo
    from opticworks.hookspecs import hookimpl
    from opticworks.plugins import Plugin, State
    from opticworks.testing.staff import sign_in

    class Needy:
        @hookimpl
        def plugin_info(self):
            return PluginInfo(
                code="needy",
                title="Needy gateway",
                version="2.1",
                category="payment",
                paths=("/needy-pay",),
            )

        @hookimpl
        def problems(self, settings):
            return ["The API key is missing. Enter it in the settings."]

    shop = make_shop(extra={"needy": Needy()}, mode="development")
    shop.plugins.found["not_there"] = Plugin("not_there", State.MISSING)
    html = sign_in(shop).get("/admin/plugins").html
    needy = html.find(id="plugin-needy").get_text(" ")
    for part in (
        "Needy gateway",
        "2.1",
        "Payment",
        "Blocked",
        "The API key is missing",
        "/needy-pay",
    ):
        assert part in needy, part
    missing = html.find(id="plugin-not_there").get_text(" ")
    assert "Not installed" in missing
    assert "pip install" in missing
