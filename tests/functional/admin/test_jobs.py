"""The queue as staff see it, and what they do about it."""

from datetime import timedelta

import pytest
import redis
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from opticworks.audit.models import AuditEntry
from opticworks.jobs import defer
from opticworks.jobs.failures import record_failure
from opticworks.jobs.testing import drain, waiting


@pytest.fixture
def owner(sign_in):
    return sign_in("owner")


def run(counter, statement, **params):
    with counter.shop.engine.begin() as connection:
        return connection.scalar(text(statement), params)


def fail(counter, job, secret="sk_live_51HhTbQ9x"):
    """As a worker leaves a job that gave up."""
    run(
        counter,
        "UPDATE procrastinate_jobs SET status = 'failed', attempts = 5 WHERE id = :id RETURNING id",
        id=job,
    )
    try:
        raise RuntimeError(f"the vendor refused api_key={secret} of bot@example.org")
    except RuntimeError as error:
        record_failure(counter.shop, job, error)


def bulk(owner):
    forms = owner.get("/admin/jobs?state=failed").forms.values()
    return next(form for form in forms if form.action == "/admin/jobs/do")


def oldest(counter):
    return run(counter, "SELECT min(id) FROM procrastinate_jobs")


def test_a_failed_job_shows_its_traceback_without_secrets_and_runs_again(counter, owner):
    counter.buy(("LAMP", 1))
    job = oldest(counter)
    fail(counter, job)
    page = owner.get("/admin/jobs?state=failed")
    assert "Failed 1" in page.text
    page = page.click(href=f"/admin/jobs/{job}$")
    assert "in fail" in page.html.find("pre").text
    assert "RuntimeError" in page.html.find("pre").text
    assert "[hidden]" in page.text
    assert "sk_live" not in page.text
    form = next(form for form in page.forms.values() if form.action == "/admin/jobs/do")
    assert "will run in a moment" in form.submit("do", value="again", status=303).follow().text
    assert "Nothing to run" in form.submit("do", value="again", status=303).follow().text
    with counter.shop.unit() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.subject == f"job {job}")).one()
    assert (entry.actor, entry.action) == ("owner@example.org", "job.replayed")
    drain(counter.shop)
    assert "Nothing got stuck" in owner.get("/admin/jobs?state=failed").text


def test_a_failed_statement_shows_nobodys_name(counter, owner):
    with counter.shop.unit() as db:
        job = defer(db, "notifications.send", message_id="m")
    fail(counter, job)
    values = {"name": "Hedwig", "none": 0}
    with pytest.raises(DBAPIError) as broken, counter.shop.unit() as db:
        db.execute(text("SELECT CAST(:name AS text), 1 / :none"), values)
    record_failure(counter.shop, job, broken.value)
    page = owner.get(f"/admin/jobs/{job}")
    assert "DivisionByZero" in page.text
    assert "Hedwig" not in page.text


def test_several_jobs_are_run_again_or_cancelled_at_once(counter, owner):
    with counter.shop.unit() as db:
        jobs = [defer(db, "notifications.send", message_id=f"m{n}") for n in range(4)]
    for job in jobs[:3]:
        fail(counter, job)
    form = bulk(owner)
    next(box for box in form.fields["id"] if box._value == str(jobs[0])).checked = True
    assert "The job will run" in form.submit("do", value="again", status=303).follow().text
    form = bulk(owner)
    answer = form.submit("do", value="cancel", status=303).follow()
    assert "Tick the jobs first" in answer.text
    fields = {"csrf_token": form["csrf_token"].value, "state": "failed", "all": "1"}
    answer = owner.post("/admin/jobs/do", fields | {"do": "cancel"}, status=303).follow()
    assert "2 jobs are cancelled" in answer.text
    cancelled = owner.get("/admin/jobs?state=cancelled")
    assert "Cancelled 2" in cancelled.text
    assert [args["message_id"] for _, args in waiting(counter.shop)] == ["m0", "m3"]
    owner.post("/admin/jobs/do", fields | {"do": "explode"}, status=404)


def test_the_list_is_narrowed_by_state_task_and_words(counter, owner):
    later = counter.shop.now() + timedelta(days=999)
    with counter.shop.unit() as db:
        defer(db, "notifications.send", message_id="needle")
        defer(db, "checkout.expire", number="B-1", schedule_at=later)
    listed = owner.get("/admin/jobs").html.find(id="job-rows").text
    assert "notifications.send" in listed
    assert "checkout.expire" in listed
    for query, found in (
        ("?q=NEEDLE", "notifications.send"),
        ("?task=checkout.expire", "checkout.expire"),
        ("?state=scheduled", "checkout.expire"),
        ("?state=waiting", "notifications.send"),
    ):
        rows = owner.get(f"/admin/jobs{query}").html.find(id="job-rows")
        assert [row.a.text for row in rows.tbody.find_all("tr")] == [found], query
    assert "No jobs here" in owner.get("/admin/jobs?q=nowhere").text


def test_the_page_refreshes_itself_until_it_is_told_not_to(counter, owner):
    live = owner.get("/admin/jobs?state=failed")
    polled = live.html.find(attrs={"data-live": True})
    assert polled["hx-get"] == "/admin/jobs?state=failed"
    assert live.html.find(id=polled["hx-select"].removeprefix("#"))
    still = owner.get("/admin/jobs?state=failed&live=0")
    assert still.html.find(attrs={"data-live": True}) is None
    assert "htmx" not in still.text


def test_workers_and_jobs_that_wait_too_long_are_told(counter, owner):
    run(counter, "WITH gone AS (DELETE FROM procrastinate_workers RETURNING 1) SELECT 1")
    assert "No worker runs" in owner.get("/admin/jobs").text
    worker = run(counter, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    run(
        counter,
        "INSERT INTO job_worker (worker_id, host, pid, places) VALUES (:id, 'box-7', 41, 4)"
        " RETURNING 1",
        id=worker,
    )
    page = owner.get("/admin/jobs")
    assert "box-7" in page.text
    assert "At work" in page.text
    with counter.shop.unit() as db:
        defer(db, "notifications.send", message_id="m")
    assert "five minutes" not in owner.get("/admin/jobs").text
    run(counter, "UPDATE procrastinate_events SET at = now() - interval '1 hour' RETURNING 1")
    run(
        counter,
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour' RETURNING 1",
    )
    page = owner.get("/admin/jobs")
    assert "Silent" in page.text
    assert "five minutes" in page.text
    assert "Jobs that wait for a worker" in owner.get("/admin").text


def test_schedules_say_when_they_run_next_and_run_on_demand(counter, owner):
    page = owner.get("/admin/jobs/schedules")
    assert "checkout.sweep" in page.text
    form = next(
        f
        for f in page.forms.values()
        if f.fields.get("task", [None])[0] is not None and f["task"].value == "jobs.prune"
    )
    assert "jobs.prune runs in a moment" in form.submit(status=303).follow().text
    assert ("jobs.prune", {}) in waiting(counter.shop)
    assert "waits to be run already" in form.submit(status=303).follow().text
    fields = {"csrf_token": form["csrf_token"].value, "task": "notifications.send"}
    owner.post("/admin/jobs/schedules", fields, status=404)


def test_a_clerk_sees_no_jobs(sign_in):
    sign_in("clerk").get("/admin/jobs", status=403)


def test_the_loss_of_redis_loses_no_job(counter):
    """Nothing that must happen is in Redis: it is gone between the order and its mails."""
    number = counter.buy(("LAMP", 1)).number
    counter.shop.redis = redis.Redis(port=1, socket_connect_timeout=0.2)
    assert [name for name, _ in waiting(counter.shop)].count("notifications.dispatch") >= 1
    drain(counter.shop)
    assert any(str(number) in message.subject for message in counter.mailer.outbox)
