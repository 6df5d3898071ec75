"""Start the servers and Airflows of the fault tests, all on loopback, and print the table at the end."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from dataclasses import asdict

import httpx
import pytest
from standalone import define_connection, free_port

from tests.faults import postgres, redis
from tests.faults.cluster import Cluster
from tests.faults.proxy import Proxy
from tests.faults.run import Run, warm_up
from tests.faults.service import Service
from tests.faults.table import Row, table

#: The client's timeout for a request in seconds.
REQUEST_TIMEOUT = 5
#: The property of a test's report that holds its row of the table.
ROW = "row"
_ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config):
    config.stash[_ROWS] = []
    config.pluginmanager.register(_Rows(config.stash[_ROWS]))


class _Rows:
    """Collect the rows from the reports of the tests, which also come from the processes of pytest-xdist."""

    def __init__(self, rows):
        self.rows = rows

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.rows += [Row(**value) for name, value in report.user_properties if name == ROW]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Run all tests of an executor in one process, since they share an Airflow. The two executors run side by side."""
    for item in items:
        if executor := getattr(item, "callspec", None) and item.callspec.params.get("cluster"):
            item.add_marker(pytest.mark.xdist_group(executor))


@pytest.fixture(scope="session", autouse=True)
def a_kill_stops_everything():
    """Let SIGTERM end the tests like Ctrl-C, so that they stop the processes that they started."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


def pytest_terminal_summary(terminalreporter, config):
    if rows := config.stash[_ROWS]:
        terminalreporter.section("faults")
        for line in table(rows):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def key():
    return "key-of-the-fault-tests-91c4"


@pytest.fixture(scope="session")
def database_server(tmp_path_factory):
    if not (postgres.program("initdb") and postgres.program("postgres")):
        pytest.skip("PostgreSQL is not installed; install the package postgresql (Debian's name for it).")
    with postgres.running_postgres(tmp_path_factory.mktemp("postgres") / "postgres.log") as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    if not redis.program():
        pytest.skip("Redis is not installed; install the package redis-server (Debian's name for it).")
    with redis.running_redis(tmp_path_factory.mktemp("redis") / "redis.log") as url:
        yield url


@pytest.fixture(scope="session")
def service(tmp_path_factory, key):
    with Service(tmp_path_factory.mktemp("service"), key, free_port()) as service:
        yield service


@pytest.fixture(scope="session")
def proxy(service):
    with Proxy(service.url).running() as proxy:
        yield proxy


@pytest.fixture(scope="module", params=["LocalExecutor", "CeleryExecutor"])
def cluster(request, database_server, proxy, key, tmp_path_factory):
    executor = request.param
    broker = request.getfixturevalue("redis_url") if executor == "CeleryExecutor" else None
    database = postgres.create_database(database_server, executor)
    with Cluster(tmp_path_factory.mktemp(executor), database, broker) as cluster:
        # The first request makes the server import its API for tasks. On a busy machine that takes longer than a task
        # waits.
        httpx.get(f"{cluster.url}/execution/health", timeout=180).raise_for_status()
        define_connection(cluster, proxy.url, key, request_timeout=REQUEST_TIMEOUT)
        yield cluster


@pytest.fixture
def start(cluster, service, key, tmp_path, monkeypatch):
    """Start a run whose jobs stay unfinished until ``let_go`` of the service, so that all tasks wait for them."""
    connection = {"conn_type": "classify", "host": service.url, "password": key}
    monkeypatch.setenv("AIRFLOW_CONN_SERVICE", json.dumps(connection))
    document = tmp_path / "warm.txt"
    document.write_text("Dear Mrs. Brown,\n\nthank you.\n\nYours sincerely\nJohn Smith\n")

    with ExitStack() as stack:

        def start(fault):
            warm_up(service, "service", document)
            stack.enter_context(service.held())
            return Run(cluster, service.record, tmp_path / "documents", fault)

        yield start


@pytest.fixture
def note(request, cluster, record_property):
    """Add a run to the table."""
    executor = request.node.callspec.params["cluster"]

    def note(run, lost, doubled, documents=None):
        row = Row(executor, run.fault, documents or len(run.drawn), lost, doubled, run.seconds)
        record_property(ROW, asdict(row))

    return note


@pytest.fixture
def deferred(start):
    """Start a run and wait until all its tasks are deferred."""

    def deferred(fault):
        run = start(fault)
        run.wait_until_deferred()
        return run

    return deferred
