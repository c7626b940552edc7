"""Jobs are rows of the caller's transaction: there with the commit, gone with the rollback."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import procrastinate
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from opticworks.contracts import ProviderError
from opticworks.jobs import Permanent, Registry, Retry, defer, failed, replay, schema
from opticworks.jobs.testing import drain, run_task, waiting


def test_a_job_exists_when_its_transaction_commits(shop):
    with shop.unit() as db:
        defer(db, "watched.note", word="hello")
    assert waiting(shop) == [("watched.note", {"word": "hello"})]


def test_a_job_is_gone_when_its_transaction_rolls_back(shop):
    def change_the_mind():
        with shop.unit() as db:
            defer(db, "watched.note", word="hello")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_the_mind()
    assert waiting(shop) == []


def test_nobody_sees_a_job_before_the_commit(shop):
    with Session(shop.engine) as session:
        defer(session, "watched.note", word="hello")
        assert waiting(shop) == []
        session.commit()
    assert len(waiting(shop)) == 1


def test_a_job_deferred_as_the_first_statement_waits_for_the_commit(shop):
    with Session(shop.engine) as session:
        defer(session, "watched.note", queueing_lock="one", word="hello")
        session.rollback()
    assert waiting(shop) == []


def test_a_duplicate_queueing_lock_leaves_the_callers_transaction_alone(shop):
    with shop.unit() as db:
        db.execute(text("INSERT INTO note (word) VALUES ('before')"))
        assert defer(db, "watched.note", queueing_lock="one", word="a") is not None
        assert defer(db, "watched.note", queueing_lock="one", word="b") is None
        db.execute(text("INSERT INTO note (word) VALUES ('after')"))
    assert shop.notes() == ["before", "after"]
    assert waiting(shop) == [("watched.note", {"word": "a"})]


def test_a_queueing_lock_is_free_again_once_its_job_ran(shop):
    for word in ("a", "b"):
        with shop.unit() as db:
            assert defer(db, "watched.note", queueing_lock="one", word=word) is not None
        drain(shop)
    assert shop.notes() == ["a", "b"]


def test_drain_also_runs_the_jobs_that_jobs_defer(shop):
    with shop.unit() as db:
        defer(db, "watched.chain", left=2)
        defer(db, "watched.note", word="between")
    assert drain(shop) == ["watched.chain", "watched.note", "watched.chain", "watched.chain"]
    assert shop.notes() == ["chain 2", "between", "chain 1", "chain 0"]


def test_a_higher_priority_runs_first(shop):
    with shop.unit() as db:
        defer(db, "watched.note", word="later")
        defer(db, "watched.note", priority=5, word="first")
    drain(shop)
    assert shop.notes() == ["first", "later"]


def test_a_scheduled_job_waits_for_its_time(shop):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with shop.unit() as db:
        defer(db, "watched.note", schedule_at=tomorrow, word="hello")
    assert drain(shop) == []
    assert drain(shop, now=tomorrow) == ["watched.note"]


def test_the_shops_clock_shows_the_time_that_drain_is_given(shop):
    seen = []
    registry = Registry()
    registry.task("clock.read")(lambda shop: seen.append(shop.now()))
    later = datetime(2031, 1, 1, tzinfo=UTC)
    with shop.unit() as db:
        defer(db, "clock.read")
    drain(shop, now=later, registry=registry)
    assert seen == [later]
    assert shop.now() < later


def test_arguments_that_are_not_json_are_refused_before_anything_is_written(shop):
    with shop.unit() as db:
        with pytest.raises(TypeError, match=r"watched\.note must be JSON"):
            defer(db, "watched.note", word=datetime.now(UTC))
        with pytest.raises(ValueError, match="without a zone"):
            defer(db, "watched.note", schedule_at=datetime(2030, 1, 1), word="a")
        db.execute(text("SELECT 1"))
    assert waiting(shop) == []


def test_a_failing_job_rests_longer_each_time_and_then_is_dead(shop):
    with shop.unit() as db:
        job = defer(db, "watched.fail")
    start = datetime.now(UTC)
    for seconds in (0, 9, 11, 29, 32):
        drain(shop, now=start + timedelta(seconds=seconds), errors=False)
    assert shop.notes() == ["tried"] * 3
    with shop.unit() as db:
        (dead,) = failed(db)
    assert (dead.id, dead.task, dead.tries) == (job, "watched.fail", 3)
    assert dead.error == "RuntimeError: the thing is broken"
    assert dead.at is not None


def test_a_dead_job_can_be_replayed_with_all_its_tries(shop):
    with shop.unit() as db:
        job = defer(db, "watched.refuse")
    drain(shop, errors=False)
    with shop.unit() as db:
        assert replay(db, job) is True
        assert replay(db, job) is False
        assert failed(db) == []
    with pytest.raises(Permanent):
        drain(shop)
    with shop.unit() as db:
        assert [dead.tries for dead in failed(db)] == [1]


def test_replaying_a_job_whose_queueing_lock_waits_again_does_nothing(shop):
    with shop.unit() as db:
        job = defer(db, "watched.refuse", queueing_lock="one")
    drain(shop, errors=False)
    with shop.unit() as db:
        defer(db, "watched.refuse", queueing_lock="one")
        assert replay(db, job) is False
        assert [dead.id for dead in failed(db)] == [job]


@pytest.mark.parametrize(("retryable", "dead"), [(False, 1), (True, 0)])
def test_a_provider_error_that_no_retry_mends_is_dead_at_once(shop, retryable, dead):
    with shop.unit() as db:
        defer(db, "watched.provider", retryable=retryable)
    with pytest.raises(ProviderError):
        drain(shop)
    with shop.unit() as db:
        assert len(failed(db)) == dead


def test_a_job_of_an_unknown_task_is_named(shop):
    with shop.unit() as db:
        defer(db, "nobody.knows")
    with pytest.raises(LookupError, match=r"nobody\.knows"):
        drain(shop)


def test_two_tasks_of_one_name_and_nameless_tasks_are_errors():
    registry = Registry()
    registry.task("a.b", schedule="0 3 * * *")(print)
    assert registry["a.b"].schedule == "0 3 * * *"
    with pytest.raises(ValueError, match="Two tasks"):
        registry.task("a.b")(print)
    with pytest.raises(ValueError, match="named like"):
        registry.task("expire")(print)


def test_rests_double_up_to_their_cap():
    retry = Retry(tries=20, base=5, cap=60)
    assert [retry.delay(n).total_seconds() for n in (1, 2, 3, 4, 5, 19)] == [5, 10, 20, 40, 60, 60]
    assert retry.rest(20) is None


def test_the_installed_procrastinate_has_the_schema_that_was_migrated():
    installed = Path(procrastinate.__file__).parent / "sql" / "schema.sql"
    assert schema.SQL.read_text() == installed.read_text()


def test_removing_the_queue_leaves_nothing_of_it(shop):
    with shop.engine.begin() as connection:
        schema.remove(connection)
        assert inspect(connection).get_table_names() == ["note"]
        left = text(
            r"SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%'"
            r" UNION SELECT typname FROM pg_type WHERE typname LIKE '%procrastinate%'"
        )
        assert connection.scalars(left).all() == []
        schema.install(connection)


def test_jobs_that_ended_well_are_removed_after_a_week_and_dead_ones_stay(shop):
    with shop.unit() as db:
        for word in ("old", "new"):
            defer(db, "watched.note", word=word)
        defer(db, "watched.refuse")
    drain(shop, errors=False)
    with shop.unit() as db:
        db.execute(
            text(
                "UPDATE procrastinate_events SET at = at - interval '8 days' WHERE job_id IN"
                " (SELECT id FROM procrastinate_jobs WHERE args->>'word' IS DISTINCT FROM 'new')"
            )
        )
    run_task(shop, "jobs.prune")
    with shop.unit() as db:
        left = db.execute(text("SELECT task_name, args->>'word' FROM procrastinate_jobs"))
        assert sorted(map(tuple, left)) == [("watched.note", "new"), ("watched.refuse", None)]
