"""Real clients, unpatched: they read and write inside their lease, are denied beside it, and outlive their keys.

The fast ones always run, a few at a time; `make test-clients` runs all of them and writes docs/clients.md anew.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.clients.clients import CLIENTS, Client
from tests.clients.installing import PROGRAMS
from tests.clients.running import Result, run
from tests.clients.table import PAGE, RESULTS, names_in
from vendor.dev.stack import Stack

ALL = os.environ.get("CLIENTS") == "all"
AT_A_TIME = 3
"""Each of them mostly waits for its keys to run out."""


def name_of(client: Client) -> str:
    return f"{client.name}-{client.door}".replace(" ", "-").replace("`", "")


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, juicefs_stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Result]]]:
    """The runs of all clients that were chosen, by their names."""
    tests = [one for one in request.session.items if isinstance(one, pytest.Function) and one.module is request.module]
    told = [one.callspec.params["client"] for one in tests if "client" in one.fixturenames]
    chosen = [client for client in told if isinstance(client, Client)]
    with ThreadPoolExecutor(1 if ALL else AT_A_TIME) as pool:
        yield {
            name_of(client): pool.submit(run, client, juicefs_stack, tmp_path_factory.mktemp("client"))
            for client in sorted(chosen, key=lambda client: client.seconds, reverse=True)
        }


@pytest.mark.parametrize("client", [client for client in CLIENTS if client.fast or ALL], ids=name_of)
@pytest.mark.timeout(1200)
def test_a_client_lives_on_short_keys(client: Client, runs: Mapping[str, Future[Result]]) -> None:
    kept = RESULTS / f"{name_of(client)}.json"
    if ALL:
        kept.unlink(missing_ok=True)
    found = runs[name_of(client)].result()

    assert found.rounds >= 3, found
    assert found.denied
    assert found.renewals >= client.renewals, found
    assert found.failed == 1, "one ask for keys was refused on the way"
    if ALL:
        RESULTS.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([client.name, client.door, found.text()]))


def test_the_page_has_every_client() -> None:
    page = PAGE.read_text("utf-8")
    assert names_in(page) == [(client.name, client.door) for client in CLIENTS]
    assert (PROGRAMS / "node" / "provider.mjs").read_text("utf-8") in page
