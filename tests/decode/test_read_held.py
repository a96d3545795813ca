"""Records within lines of which no source knows one: cells under whatever name, `--output text` of
the AWS command line, what programs write before JSON."""

from __future__ import annotations

import json

import pytest
from logs import compact, event, events, flows, read
from query_results import quoted_csv

TEXTS = [json.dumps(one) for one in events(3)]
PRETTY = [json.dumps(one, indent=2) for one in events(3)]
TIME = "1706781700000"


def joined(*cells: str) -> str:
    return "\t".join(cells)


@pytest.mark.parametrize("records", [TEXTS, PRETTY, flows(3)], ids=["one line", "several", "flows"])
@pytest.mark.parametrize("name", ["VALUE", "Raw Log", "body"])
@pytest.mark.parametrize("beside", [{}, {"loaded_at": "2024-02-01", "n": "7"}])
def test_a_column_of_records_under_any_name(
    beside: dict[str, str], name: str, records: list[str]
) -> None:
    """As Snowflake downloads a VARIANT, or Google SecOps raw logs; it was unknown."""
    found = read(quoted_csv([beside | {name: one} for one in records]))
    assert (found.status, found.originals, found.rejects) == ("read", records, [])
    assert found.places[0] == 2


LINES = {
    "get-log-events": lambda t: joined("EVENTS", TIME, t, TIME),
    "filter-log-events": lambda t: joined("EVENTS", f"{3:056d}", TIME, "eni-1-all", t, TIME),
    "lookup-events": lambda t: joined("EVENTS", "AKIAEXAMPLE", t, "id", "GetUser", "false", "ana"),
    "Papertrail": lambda t: joined("11", "2024-02-01T10:00:00Z", "h", "Local0", "Info", "aws", t),
}


@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
@pytest.mark.parametrize("form", LINES)
def test_a_record_between_tabs(form: str, records: list[str]) -> None:
    """`aws logs get-log-events --output text` and the like, whose last line is a token."""
    lines = [LINES[form](one) for one in records]
    found = read("\n".join([*lines, "NEXTTOKEN\tb/1"]).encode())
    assert (found.status, found.originals, found.places) == ("read", records, [1, 2, 3])
    told = [(r.position, r.reason, r.text) for r in found.rejects]
    assert told == [(4, "a line that holds no record of a source", "NEXTTOKEN\tb/1")]


def test_messages_that_tabs_part() -> None:
    """`aws logs filter-log-events --query 'events[].message' --output text` prints one line."""
    found = read("\t".join(flows(3)).encode())
    assert (found.status, found.originals, found.rejects) == ("read", flows(3), [])
    assert len(set(found.hashes)) == 3


@pytest.mark.parametrize(
    "before",
    ["2024-02-01 10:00:00,123 - INFO - root - ", "[app] event received: ", "12345 "],
)
def test_what_a_program_wrote_before_json(before: str) -> None:
    found = read("".join(f"{before}{one}\n" for one in TEXTS).encode())
    assert (found.status, found.originals, found.rejects) == ("read", TEXTS, [])


def test_a_text_that_shows_a_record_is_no_log() -> None:
    shown = [
        "# How to read an event",
        "It looks like this:",
        "",
        f"e.g. {TEXTS[0]}",
        "",
        "Mind the time.",
        "x",
    ]
    assert read("\n".join(shown).encode()).status == "unknown"


def test_a_table_of_other_records_is_unknown() -> None:
    found = read(quoted_csv([{"id": "1", "what": compact({"a": 1}).decode()}]))
    assert found.status == "unknown"


def test_bars_between_cells() -> None:
    """As `psql -A` and bulk copies have them; drawn with blanks they are cut at those."""
    one = event(1)
    row = {n: one[n] for n in ("eventID", "eventName", "eventTime", "eventSource", "awsRegion")}
    found = read(f"{'|'.join(row)}\n{'|'.join(row.values())}\n".encode())
    assert (found.status, found.ids, found.rejects) == ("read", [1], [])
