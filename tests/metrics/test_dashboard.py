"""The Grafana dashboard and the page on metrics, against what a running gateway really says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from tests.support.gateways import api
from tests.support.scrape import scrape
from vendor.dev.stack import Stack

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/vendor.json").read_text("utf-8"))
PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
OF_PROMETHEUS = {"job", "instance"}
"""Labels that the scraper adds."""


@pytest.fixture(scope="module")
def real(seaweedfs_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of all samples with their labels, of gateways that have done something and have what there can be."""
    sink = tmp_path_factory.mktemp("sink")
    delivering = seaweedfs_stack.add_gateway("metrics-sink", VENDOR_AUDIT_FILE_DIR=str(sink))
    try:
        delivered = scrape(delivering.url).labels()
    finally:
        delivering.child.stop()
    with api(seaweedfs_stack, "alice") as alice:
        alice.lease()
        alice.refusal("GET", "/v1/tenants/nosuchtenant")
    return delivered | scrape(seaweedfs_stack.gateway.url).labels()


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str, str]]:
    """Title, query and legend of every target."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


def plain(query: str) -> str:
    """The query with Grafana's variables filled in."""
    return re.sub(r"\$\w+", ".*", query.replace("$__rate_interval", "5m"))


def selected(node: Any) -> Iterator[Any]:
    """Every selector in a parsed query."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from selected(argument)
    elif isinstance(node, promql_parser.BinaryExpr):
        yield from selected(node.lhs)
        yield from selected(node.rhs)
    elif isinstance(node, (promql_parser.AggregateExpr, promql_parser.ParenExpr)):
        yield from selected(node.expr)


@pytest.mark.parametrize(("title", "query", "legend"), list(queries()))
def test_a_query_asks_for_what_there_is(title: str, query: str, legend: str, real: dict[str, set[str]]) -> None:
    parsed = promql_parser.parse(plain(query))
    selectors = list(selected(parsed))
    assert selectors, title
    known: set[str] = set()
    for selector in selectors:
        name = selector.name
        assert name in real, f"{title}: there is no metric {name}"
        known |= real[name] | OF_PROMETHEUS
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= real[name] | OF_PROMETHEUS, f"{title}: {name} has no such labels"
    grouped = {label for found in re.findall(r"by \(([^)]*)\)", query) for label in found.split(", ")}
    assert grouped <= known, f"{title}: grouped by what is not there"
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    assert shown <= (grouped or known), f"{title}: the legend names what the query drops"
    assert all(given in query for given in ('job=~"$job"', 'instance=~"$instance"')), title


def test_variables_ask_for_what_there_is(real: dict[str, set[str]]) -> None:
    asked = [one["definition"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]

    assert [re.match(r"label_values\((\w+)", one)[1] for one in asked] == ["vendor_build_info"] * 2  # type: ignore[index]  # both match, or the test fails
    assert "vendor_build_info" in real


def test_the_dashboard_is_whole() -> None:
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identifiers) == len(set(identifiers))
    for panel in panels():
        assert panel["datasource"]["uid"] == "${source}", panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    assert "http" not in re.sub(r"vendor_http_\w+", "", json.dumps(panels())).replace("HTTP", "")


def test_the_page_names_every_metric_with_its_labels(real: dict[str, set[str]]) -> None:
    table = PAGE.partition("<!-- metrics -->")[2].partition("<!-- end of metrics -->")[0]
    told = {
        name: set(re.findall(r"`(\w+)`", labels)) for name, labels in re.findall(r"(?m)^\| `(\w+)` \|([^|]*)\|", table)
    }
    families: dict[str, set[str]] = {}
    for name, labels in real.items():
        if name.startswith("vendor_") and not name.endswith(("_bucket", "_sum")):
            histogram = name.endswith("_count") and f"{name.removesuffix('_count')}_bucket" in real
            families[name.removesuffix("_count") if histogram else name] = labels

    assert told == families


def test_every_metric_is_on_the_dashboard(real: dict[str, set[str]]) -> None:
    shown = " ".join(query for _, query, _ in queries()) + json.dumps(DASHBOARD["templating"])
    ours = {name for name in real if name.startswith("vendor_") and not name.endswith(("_sum", "_count"))}

    assert {name for name in ours if name not in shown} == set()
