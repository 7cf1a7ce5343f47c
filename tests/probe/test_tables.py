"""docs/stores.md shows what the stores really do."""

import asyncio

import pytest

from tests.probe.probing import settings_of, verdicts
from vendor.dev.probe_tables import PAGE, edge_before, glossary, probed, shown, table, written
from vendor.dev.stack import Stack
from vendor.stores.probe.report import Report
from vendor.stores.probe.runner import CHECKS

TEXT = PAGE.read_text("utf-8")
BARE, BEHIND = "juicefs", "juicefs-edge"


def report_on(reports: dict[str, Report], name: str) -> Report:
    if name not in reports:
        pytest.skip(f"{name} is not on this machine")
    return reports[name]


@pytest.mark.parametrize("name", ["seaweedfs", BARE, BEHIND, "ministack"])
def test_the_page_shows_what_the_probe_says(name: str, reports: dict[str, Report]) -> None:
    report = report_on(reports, name)

    assert verdicts(report) == shown(TEXT, name), "run 'make probe-tables'"
    assert report.left_behind == ()


@pytest.mark.minio
def test_the_page_shows_what_the_probe_says_of_minio(minio_stack: Stack) -> None:
    settings = settings_of(minio_stack)
    assert verdicts(asyncio.run(probed(settings))) == shown(TEXT, "minio")
    with edge_before(minio_stack) as url:
        assert verdicts(asyncio.run(probed(settings, client=url))) == shown(TEXT, "minio-edge")


def test_the_page_explains_every_check() -> None:
    assert written(TEXT, "checks", glossary()) == TEXT, "run 'make probe-tables'"


def test_all_stores_pass_but_bare_juicefs(reports: dict[str, Report]) -> None:
    assert {name for name, report in reports.items() if not report.ok} == {BARE}


def test_behind_the_edge_the_failures_of_juicefs_turn_to_passes(reports: dict[str, Report]) -> None:
    bare, behind = verdicts(report_on(reports, BARE)), verdicts(report_on(reports, BEHIND))
    failing = {name for name, verdict in bare.items() if verdict == "FAIL"}

    assert {"make-service-account", "list-forged-header", "list-repeated-prefix", "forge-condition"} <= failing
    assert {name: behind[name] for name in failing} == dict.fromkeys(failing, "PASS")
    assert {name: behind[name] for name in behind if name not in failing} == {
        name: verdict for name, verdict in bare.items() if name not in failing
    }


def test_a_table_can_be_read_back(reports: dict[str, Report]) -> None:
    report = reports["seaweedfs"]
    page = written("a\n<!-- probe: x -->\nold\n<!-- end of probe: x -->\nb", "x", table(report))

    assert shown(page, "x") == verdicts(report)
    assert list(shown(page, "x")) == [check.name for check in CHECKS]
    with pytest.raises(ValueError, match="no table of y"):
        shown(page, "y")
    with pytest.raises(ValueError, match="0 places"):
        written(page, "y", [])
