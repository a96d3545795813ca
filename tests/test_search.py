"""The search box: what each text finds, what cannot be read and what is said of it, and that no
text becomes SQL."""

from __future__ import annotations

import json

import pytest
import small_lake
from command import run_lake
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import UsageError
from lake.output import json_text
from lake.panels import panels_json, run_dashboard
from lake.query import Lake, open_lake
from lake.rowmodel import EVENTS
from lake.search import LONGEST, read_search


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = small_lake.make(tmp_path_factory.mktemp("small"))
    return open_lake(made.path, locked=True)


def found(lake: Lake, text: str, table: str) -> int:
    search = read_search(text)
    assert search is not None
    clause = search.clause(table)
    query = f"SELECT count(*) FROM {table} WHERE {clause.sql}"
    return int(lake.sql(query, dict(clause.params)).fetchall()[0][0])


# what is written, and the same in SQL over the small lake
ASKED = {
    "event.outcome:failure": "event.outcome = 'failure'",
    "event.outcome:(failure OR success)": "event.outcome IN ('failure', 'success')",
    "event.action:GetObject event.action:ConsoleLogin": "event.action IN ('GetObject', 'ConsoleLogin')",  # noqa: E501
    "event.action:GetObject AND event.action:ConsoleLogin": "false",
    "NOT event.outcome:failure": "event.outcome IS DISTINCT FROM 'failure'",
    "-event.outcome:failure": "event.outcome IS DISTINCT FROM 'failure'",
    "event.category:(iam OR authentication)": "list_has_any(event.category, ['iam', 'authentication'])",  # noqa: E501
    "source.ip:8.8.0.0/16": "source.ip LIKE '8.8.%'",
    "8.8.4.4/32": "list_contains(related.ip, '8.8.4.4')",
    "source.ip:2001:db8::/32": "false",
    "source.ip:*": "source.ip IS NOT NULL",
    "NOT source.ip:*": "source.ip IS NULL",
    "event.action:Get*": "event.action LIKE 'Get%'",
    "event.action:get*": "event.action LIKE 'get%'",
    "event.action:*Object": "event.action LIKE '%Object'",
    r"event.action:Get\*": "event.action = 'Get*'",
    'event.action:"Get*"': "event.action = 'Get*'",
    "consolelogin": "event.original ILIKE '%ConsoleLogin%'",
    r'"\"GetObject\""': """contains(event.original, '"GetObject"')""",
    "console*login": "event.original ILIKE '%console%login%'",
    "%_": "contains(event.original, '%_')",
    "event.hash:>=0": "event.hash >= 0",
    "event.hash:[0 TO 9000000000000000000]": "event.hash BETWEEN 0 AND 9000000000000000000",
    "event.hash:{* TO 5}": "event.hash < 5",
    "(event.outcome:failure OR event.action:GetObject) -user.name:bob": "(event.outcome = 'failure' OR event.action = 'GetObject') AND user.name IS DISTINCT FROM 'bob'",  # noqa: E501
    "region:us-* account:111111111111": "region LIKE 'us-%' AND account = '111111111111'",
    "native.eventName:GetObject": "native.eventName = 'GetObject'",
    "native.readOnly:true": "native.readOnly",
}


@pytest.mark.parametrize("text", ASKED)
def test_a_search_finds_what_its_sql_does(lake: Lake, text: str) -> None:
    (due,) = lake.sql(f"SELECT count(*) FROM cloudtrail WHERE {ASKED[text]}").fetchall()[0]
    assert found(lake, text, "cloudtrail") == due


def test_a_field_that_a_table_has_not_fits_no_row(lake: Lake) -> None:
    search = read_search("native.eventName:GetObject")
    assert search is not None
    assert search.missing(EVENTS) == ("native.eventName",)
    assert search.missing("cloudtrail") == ()
    assert found(lake, "native.eventName:GetObject", EVENTS) == 0
    rest = found(lake, "NOT native.eventName:GetObject", EVENTS)
    assert rest == found(lake, "*", EVENTS) > 0


def test_nothing_is_no_search() -> None:
    assert read_search(None) is read_search("") is read_search(" \n") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sourc.ip:1.2.3.4", "character 1: unknown field 'sourc.ip'. Did you mean source.ip"),
        ("arn:aws:s3", "unknown field 'arn'"),
        ("a (b", "character 3: this ( is not closed"),
        ("a)", "character 2: a ) that nothing opens"),
        ('"a', 'character 1: this " is not closed'),
        ("a OR", "character 5: the search ends where"),
        ("OR a", "character 1: AND and OR stand between two terms"),
        ("event.outcome:", "event.outcome: wants a value; event.outcome:* finds"),
        ("source.port:http", "character 13: source.port is of type INTEGER, and 'http' is none"),
        ("source.ip:>1.2.3.4", "addresses have no order; write a network"),
        ("source.port:[1 9]", "a range is written [1 TO 9]"),
        ("@timestamp:2024", "times are chosen with the time range"),
        ("(" * 60, "more than 40 parentheses"),
        ("a" * (LONGEST + 1), "longer than 4,000 characters"),
        ("a\0", "holds a character that no text has"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read_search(text)
    assert said in str(error.value)


FIELDS = (
    "event.outcome:",
    "source.ip:",
    "source.port:",
    "related.ip:",
    "native.readOnly:",
    "region:",
)
SIGNS = (
    "(",
    ")",
    '"',
    "\\",
    "*",
    "-",
    "[",
    "]",
    "{",
    "}",
    ">=",
    "<",
    "'",
    "--",
    ";",
    "%",
    "_",
    "#",
)
WORDS = ("NOT ", " AND ", " OR ", " TO ", " ", "10.0.0.0/8", "::1", "1", "true", "x", "$s_0")
PIECES = st.sampled_from(FIELDS) | st.sampled_from(SIGNS) | st.sampled_from(WORDS)


@given(st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=60)))
def test_any_text_is_a_search_or_told(lake: Lake, text: str) -> None:
    """None of it reaches the SQL, which DuckDB takes for every table."""
    try:
        search = read_search(text)
    except UsageError:
        return
    if search is None:
        return
    for table in (EVENTS, "cloudtrail"):
        clause = search.clause(table)
        assert "'" not in clause.sql.replace("ESCAPE '#'", "")
        assert ";" not in clause.sql
        query = f"SELECT count(*) FROM (FROM {table} LIMIT 3) WHERE {clause.sql}"
        lake.sql(query, dict(clause.params)).fetchall()


def test_the_command_gives_what_the_page_does(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filters, search = ["account is 111111111111"], "event.outcome:failure -alice"
    shown = run_dashboard(lake, "cloudtrail", filters=filters, search=search)
    words = ["--search", search, "--filter", filters[0], "--lake", str(lake.path)]
    code, out, _ = run_lake(["panels", "cloudtrail", *words], monkeypatch, capsys)
    assert code == 0
    assert json.loads(out) == json.loads(json_text(panels_json(shown)))
    assert shown != run_dashboard(lake, "cloudtrail", filters=filters)


def test_a_percent_sign_beside_a_star_is_itself() -> None:
    search = read_search("100%*")
    assert search is not None
    assert [value for _, value in search.params] == ["%100#%%%"]
