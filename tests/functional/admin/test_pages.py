"""Every page of the admin answers, for those who may see it and nobody else."""


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
        "/admin/plugins",
    ):
        page = owner.get(path, status=200)
        assert page.html.find("h1"), path
        assert page.headers["Cache-Control"] == "no-store"
