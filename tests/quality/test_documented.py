"""The page about the ledger says what the code does."""

from config.settings import ROOT
from workers.quality.countable import ABOUT_DATA, COUNTABLES
from workers.quality.report import Level, Report

TEXT = (ROOT / "docs" / "completeness.md").read_text()


def test_every_type_is_in_the_table_with_what_proves_it() -> None:
    for each in COUNTABLES:
        rows = [line for line in TEXT.splitlines() if line.endswith(f"| {each.how} |")]
        assert any(each.event_type in row.split("|")[1] for row in rows), each
    assert all(f"`{name}`" in TEXT for name in ABOUT_DATA)


def test_every_field_of_the_json_is_described() -> None:
    shown = Report(0, 1, 60, 2, []).shown()
    shape = TEXT.partition("## JSON")[2].partition("## What it costs")[0]
    assert [name for name in [*shown, *shown["total"]] if name not in shape] == []
    assert [level for level in Level.__args__ if level not in shape] == []  # type: ignore[attr-defined]
