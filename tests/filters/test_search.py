"""The search box: what each text finds, what cannot be read and what is said of it, and that no
text becomes SQL."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import small_lake
from command import run_lake
from hypothesis import given
from hypothesis import strategies as st

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.notes import why_nothing
from lake.dashboards.panels import panels_json, run_dashboard
from lake.dashboards.scope import view_of
from lake.errors import UsageError
from lake.filters.fields import field_sql
from lake.filters.search import read_search
from lake.filters.search_text import LONGEST
from lake.filters.selection import Selection
from lake.ingest import IngestOptions, ingest
from lake.jsonvalues import json_text
from lake.query import Lake, open_lake
from lake.sources.rowmodel import EVENTS

if TYPE_CHECKING:
    from pathlib import Path


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
    "not event.outcome:failure": "event.outcome IS DISTINCT FROM 'failure'",
    "!event.outcome:failure": "event.outcome IS DISTINCT FROM 'failure'",
    "event.outcome : failure": "event.outcome = 'failure'",
    "event.action:GetObject or event.action:ConsoleLogin": "event.action IN ('GetObject', 'ConsoleLogin')",  # noqa: E501
    "event.outcome:success and not event.action:GetObject": "event.outcome = 'success' AND event.action <> 'GetObject'",  # noqa: E501
    '"not" GetObject': "event.original ILIKE '%not%' AND event.original ILIKE '%GetObject%'",
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
    "event.action:?etObject": "event.action LIKE '_etObject'",
    "event.action:Get?bject*": "event.action LIKE 'Get_bject%'",
    "event.action:GetObject?": "false",
    "event.action:?": "false",
    r"event.action:Get\?bject": "event.action = 'Get?bject'",
    'event.action:"?etObject"': "event.action = '?etObject'",
    "region:us-east-?": "region LIKE 'us-east-_'",
    "source.ip:8.8.?.4": "source.ip LIKE '8.8._.4'",
    "requestParameters.bucketName:l?gs": 'native.requestParameters LIKE \'%"bucketName":"logs"%\'',
    "console?ogin": "event.original ILIKE '%ConsoleLogin%'",
    "console??ogin": "false",
    r"console\?ogin": "event.original ILIKE '%console?ogin%'",
    '"console?ogin"': "event.original ILIKE '%console?ogin%'",
    "consolelogin": "event.original ILIKE '%ConsoleLogin%'",
    r'"\"GetObject\""': """contains(event.original, '"GetObject"')""",
    "console*login": "event.original ILIKE '%console%login%'",
    "%_": "contains(event.original, '%_')",
    "arn:aws:iam::1*:user/": "event.original LIKE '%arn:aws:iam::1%:user/%'",
    "event.hash:>=0": "event.hash >= 0",
    "event.hash:[0 TO 9000000000000000000]": "event.hash BETWEEN 0 AND 9000000000000000000",
    "event.hash:{* TO 5}": "event.hash < 5",
    "(event.outcome:failure OR event.action:GetObject) -user.name:bob": "(event.outcome = 'failure' OR event.action = 'GetObject') AND user.name IS DISTINCT FROM 'bob'",  # noqa: E501
    "region:us-* account:111111111111": "region LIKE 'us-%' AND account = '111111111111'",
    "native.eventName:GetObject": "native.eventName = 'GetObject'",
    "native.readOnly:true": "native.readOnly",
    # as Kibana and Lucene write it
    "event.hash >= 0": "event.hash >= 0",
    "event.hash>=0 and event.hash < 5": "event.hash BETWEEN 0 AND 4",
    "foo >= 5": "false",
    "_exists_:errorCode": "native.errorCode IS NOT NULL",
    "NOT _exists_:errorCode": "native.errorCode IS NULL",
    "+event.outcome:success +eventName:GetObject": "event.outcome = 'success' AND native.eventName = 'GetObject'",  # noqa: E501
    'source.ip:"8.8.0.0/16"': "source.ip LIKE '8.8.%'",
    # as a word processor, and a Japanese keyboard
    "event.action:\u201cGetObject\u201d": "event.action = 'GetObject'",
    "event.action\uff1aGetObject": "event.action = 'GetObject'",
    "error\uff1aGetObject": "false",
    r"event.action:Get\ Object": "event.action = 'Get Object'",
}


@pytest.mark.parametrize("text", ASKED)
def test_a_search_finds_what_its_sql_does(lake: Lake, text: str) -> None:
    (due,) = lake.sql(f"SELECT count(*) FROM cloudtrail WHERE {ASKED[text]}").fetchall()[0]
    assert found(lake, text, "cloudtrail") == due


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user.name:no body", 'A value with blanks is written user.name:"no body".'),
        ("user.name:no body user.id:x", 'A value with blanks is written user.name:"no body".'),
        ("errorMessage:*no body*", r"is written errorMessage:*no\ body*."),
        ('errorMessage:"*no body*"', r"stands without them: errorMessage:*no\ body*."),
        ("event.action:getobject", "A value counts whole and with its case; *"),
        ("source.port:5", "whatever the time."),
        ("nobody", "whatever the time."),
    ],
)
def test_what_could_have_been_meant_is_said_where_nothing_fits(
    lake: Lake, text: str, said: str
) -> None:
    view = view_of(find_dashboard("cloudtrail"), Selection(search=read_search(text)), lake.answer)
    told = str(why_nothing(view, lake.answer))
    assert told.startswith("No event fits the search, whatever the time.")
    assert said in told
    assert told.endswith(said) or "counts whole" in said


AS_FILTERS = {
    "event.outcome:failure": ["event.outcome is failure"],
    "event.outcome:(failure OR success)": ["event.outcome is failure,success"],
    "NOT source.ip:*": ["source.ip unset"],
    "event.outcome:success and not event.action:GetObject": [
        "event.outcome is success",
        "event.action not GetObject",
    ],
    "event.hash:[0 TO 9}": ["event.hash from 0", "event.hash below 9"],
    "event.hash:[0 TO 9]": [],
    "event.category:[a TO b}": [],  # of a list one item would have to keep both
    "event.action:Get*": [],
    "event.action:Get?bject": [],
    "GetObject": [],
    "NOT (event.outcome:success event.action:GetObject)": [],
    "native.readOnly:true": ["native.readOnly is true"],
}


@pytest.mark.parametrize("text", AS_FILTERS)
def test_a_search_that_is_filters(text: str) -> None:
    search = read_search(text)
    assert search is not None
    assert [one.url() for one in search.filters] == AS_FILTERS[text]


@pytest.mark.parametrize("text", [*ASKED, *AS_FILTERS])
def test_the_filters_of_a_search_take_the_same_rows(lake: Lake, text: str) -> None:
    search = read_search(text)
    assert search is not None
    clause = Selection(filters=search.filters).clause("cloudtrail")
    if search.filters:
        query = f"SELECT count(*) FROM cloudtrail WHERE {clause.sql}"
        ((rows,),) = lake.sql(query, dict(clause.params)).fetchall()
        assert rows == found(lake, text, "cloudtrail")


def test_a_field_that_a_table_has_not_fits_no_row(lake: Lake) -> None:
    search = read_search("native.eventName:GetObject")
    assert search is not None
    assert search.missing("vpcflow") == ("native.eventName",)
    assert search.missing("cloudtrail") == search.missing(EVENTS) == ()
    assert found(lake, "native.eventName:GetObject", "cloudtrail_insight") == 0
    rest = found(lake, "NOT native.eventName:GetObject", "cloudtrail_insight")
    assert rest == found(lake, "*", "cloudtrail_insight") > 0


LONG_IP = "2001:0DB8:0:0:0:0:0:1"
MAPPED = "::FFFF:81.2.69.142"
NETWORKS = [
    # name of the call, source address, user
    ("GetObject", LONG_IP, "bob"),
    ("PutObject", MAPPED, None),
    ("ListBuckets", "fe80::1%eth0", "alice"),
    ("ConsoleLogin", "192.0.2.7", None),
]
CALLS, PORTS = [name for name, _, _ in NETWORKS], [1, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Four CloudTrail calls, and five flows of ports 1 to 5 of which the last two were rejected."""
    folder = tmp_path_factory.mktemp("networks")
    calls = []
    for number, (name, address, user) in enumerate(NETWORKS):
        who = {"type": "IAMUser", "accountId": small_lake.A} | ({"userName": user} if user else {})
        more = {"sourceIPAddress": address, "userIdentity": who}
        service = "signin" if name == "ConsoleLogin" else "s3"
        calls.append(small_lake.event(number, f"10:0{number}:00", service, name, **more))
    (folder / "calls.json").write_text(json.dumps({"Records": calls}))
    flows = [
        f"2 {small_lake.B} eni 192.0.2.{n} 10.0.0.1 {n} 443 6 1 9 1709287200 1709287260 {did} OK"
        for n, did in enumerate(["ACCEPT"] * 3 + ["REJECT"] * 2, 1)
    ]
    head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes"
    text = "\n".join([f"{head} start end action log-status", *flows])
    (folder / "vpcflowlogs").mkdir()
    (folder / "vpcflowlogs" / "flows.log").write_text(f"{text}\n")
    ingest(folder / "lake", [str(folder)], IngestOptions(jobs=1))
    return open_lake(folder / "lake", locked=True)


@pytest.mark.parametrize(
    ("text", "calls", "flows"),
    [
        # two values of a list: side by side all must be there, in parentheses any
        ("event.type:user event.type:start", [], []),
        ("event.category:authentication event.type:start", ["ConsoleLogin"], []),
        ("event.category:network event.category:session", [], []),
        ("event.category:(network OR authentication)", ["ConsoleLogin"], PORTS),
        ("related.ip:192.0.2.1 related.ip:10.0.0.1", [], [1]),
        ("related.ip:(192.0.2.1 OR 192.0.2.7)", ["ConsoleLogin"], [1]),
        ("related.ip:10.0.0.1 NOT related.ip:192.0.2.0/30", [], [4, 5]),
        # what flow logs' rows keep under an ECS name alone, as the log calls it
        ("action:REJECT", [], [4, 5]),
        ("action:REJECT srcport:>4", [], [5]),
        ("action:ACCEPT dstport:443 -srcaddr:192.0.2.2", [], [1, 3]),
        ("bytes > 8 packets:<2", [], PORTS),
        ("bytes > 9", [], []),
        ("srcaddr:192.0.2.4/31", [], [4, 5]),
        # other spellings of an IPv6 address
        ("source.ip:2001:db8::1", ["GetObject"], []),
        ("source.ip:2001:0db8:0:0::0001", ["GetObject"], []),
        ("source.ip:2001:DB8::1", ["GetObject"], []),
        ("related.ip:2001:DB8:0::1", ["GetObject"], []),
        ("2001:db8::1", ["GetObject"], []),
        ("2001:db8:0::1/128", ["GetObject"], []),
        ('"2001:db8::1"', [], []),
        ('"2001:0db8:0:0:0:0:0:1"', ["GetObject"], []),
        ("source.ip:::ffff:81.2.69.142", ["PutObject"], []),
        ("source.ip:0::FFFF:5102:458e", ["PutObject"], []),
        ("::ffff:5102:458e", ["PutObject"], []),
        ("source.ip:fe80::1", ["ListBuckets"], []),
        ("source.ip:fe80:0::1%eth0", ["ListBuckets"], []),
        ("NOT source.ip:2001:DB8::0001", CALLS[1:], PORTS),
        ('source.ip:"2001:DB8::0001"', ["GetObject"], []),
        # a log's own field has its spelling
        (f"native.sourceIPAddress:{LONG_IP}", ["GetObject"], []),
        (f"source.address:{LONG_IP}", ["GetObject"], []),
        (f"NOT native.sourceIPAddress:{LONG_IP}", CALLS[1:], PORTS),
        (f"native.sourceIPAddress:({LONG_IP} OR 192.0.2.7)", CALLS[::3], []),
        ("native.sourceIPAddress:2001:0db8::/32", ["GetObject"], []),
        # ranges with one end
        ("source.port:{2 TO 4]", [], [3, 4]),
        ("source.port:[2 TO 4}", [], [2, 3]),
        ("source.port:{2 TO *]", [], [3, 4, 5]),
        ("source.port:[* TO 2}", [], [1]),
        ("source.port:[3 TO 3]", [], [3]),
        ("source.port:{3 TO 3]", [], []),
        ("source.port:[4 TO 2]", [], []),
        ("event.action:[A TO D}", ["ConsoleLogin"], [1, 2, 3]),
        # of a list, one item lies between both ends
        ("event.category:[j TO s]", [], PORTS),
        ("event.category:[o TO z]", [], []),
        ("event.category:{authentication TO o]", CALLS[:2], PORTS),
        ("event.category:[a TO *}", CALLS, PORTS),
        ("entity.user:{alice TO bob}", [], []),
        ("entity.user:[alice TO bob}", ["ListBuckets"], []),
        # NOT of NOT
        ("NOT NOT user.name:bob", ["GetObject"], []),
        ("--user.name:bob", ["GetObject"], []),
        ("NOT -user.name:bob", ["GetObject"], []),
        ("NOT NOT NOT user.name:bob", CALLS[1:], PORTS),
        ("NOT (NOT user.name:bob)", ["GetObject"], []),
        # rows without the field, under NOT
        ("NOT user.name:*", CALLS[1::2], PORTS),
        ("NOT (user.name:bob OR source.port:2)", CALLS[1:], [1, 3, 4, 5]),
        ("NOT (user.name:bob AND event.action:GetObject)", CALLS[1:], PORTS),
        ("NOT user.name:(bob OR alice)", CALLS[1::2], PORTS),
        ("NOT source.port:>2", CALLS, [1, 2]),
        ("NOT source.port:[2 TO 4}", CALLS, [1, 4, 5]),
        ("NOT user.name:b* event.action:*O*", ["PutObject"], []),
        # a field of one table alone
        ("native.log_status:OK", [], PORTS),
        ("native.log_status:OK OR user.name:alice", ["ListBuckets"], PORTS),
        ("NOT native.log_status:OK", CALLS, []),
        ("native.eventName:GetObject", ["GetObject"], []),
        # a field whose type differs from table to table: an order is that of the table's own
        ("native.version:>=2", [], PORTS),
        ("native.version:<10", [], PORTS),
        ("native.version:[1 TO 10}", [], PORTS),
        ("native.version:>a", [], []),
        ("native.version:2", [], PORTS),
    ],
)  # fmt: skip
def test_a_search_over_two_tables(
    networks: Lake, text: str, calls: list[str], flows: list[int]
) -> None:
    search = read_search(text)
    assert search is not None
    for table, column, due in (
        ("cloudtrail", "event.action", calls),
        ("vpcflow", "source.port", flows),
    ):
        clause = search.clause(table)
        query = f'SELECT {column} FROM {table} WHERE {clause.sql} ORDER BY "@timestamp", {column}'
        assert [row[0] for row in networks.sql(query, dict(clause.params)).fetchall()] == due


def test_a_field_of_another_table_is_missing_here() -> None:
    search = read_search("native.log_status:OK user.name:alice")
    assert search is not None
    assert search.missing("cloudtrail") == ("native.log_status",)
    assert search.missing("vpcflow") == ()
    assert search.missing(EVENTS) == ()


def test_a_flow_logs_own_name_is_not_missing_there() -> None:
    search = read_search("action:REJECT dstport:22 bytes:>9")
    assert search is not None
    assert search.missing("cloudtrail") == ("native.action",)
    assert search.missing("vpcflow") == search.missing(EVENTS) == ()


def test_nothing_is_no_search() -> None:
    assert read_search(None) is read_search("") is read_search(" \n") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sourc.ip:1.2.3.4", "character 1: unknown field 'sourc.ip'. Did you mean source.ip"),
        ("https://example.com", "unknown field 'https'"),
        ("eventname:x", "unknown field 'eventname'. Did you mean native.eventName? "),
        ("eventName.keyword:x", "Did you mean native.eventName? "),
        ("cs-uri-stem:x", "Did you mean url.path? "),
        ("received_bytes:1", "Did you mean http.request.bytes or source.bytes? "),
        ("source.ip:10.0.0.999", "character 11: 10.0.0.999 is no address"),
        ('source.ip:"10.0.0.0/33"', "10.0.0.0/33 is no network"),
        ("_exists_:sourc.ip", "character 10: unknown field 'sourc.ip'"),
        ('@timestamp >= "2024"', "times are chosen with the time range"),
        ("source.ip:10.0.0.0/33", "10.0.0.0/33 is no network"),
        ("related.ip:2001:db8::/200", "2001:db8::/200 is no network"),
        ("a (b", "character 3: this ( is not closed"),
        ("a)", "character 2: a ) that nothing opens"),
        ('"a', 'character 1: this " is not closed'),
        ("a OR", "character 5: the search ends where"),
        ("OR a", "character 1: AND and OR stand between two terms"),
        ("event.outcome:", "event.outcome: wants a value; event.outcome:* finds"),
        ("source.port:http", "character 13: source.port is of type INTEGER, and 'http' is none"),
        ("native.time_taken:<inf", "native.time_taken is of type DOUBLE, and 'inf' is none"),
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
    "requestParameters.",
    "native.resources.a-b.0:",
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


OUR_TEXTS = r"""'(#|ARRAY|NULL|\$(\[\*\])?|\\u|"[\w@-]+"|(/[\w@-]+)+)'"""
"""What stands in quotes in a search's SQL: signs of ours, and names of members of JSON."""


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
        assert "'" not in re.sub(OUR_TEXTS, "", clause.sql)
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


# -- what is within JSON --------------------------------------------------------------------------

WITHIN = {
    # requestParameters of an event -> what is written and finds it
    '{"bucketName": "logs", "key": "a/b"}': (
        "requestParameters.bucketName:logs",
        "native.requestParameters.bucketName:l*s requestParameters.key:a/b",
        "requestParameters.bucketName:(other OR logs)",
        "requestParameters.bucketName:other requestParameters.bucketName:logs",
    ),
    '{"items": [{"id": "i-1", "ports": [22, 443]}, {"id": "i-2"}]}': (
        "requestParameters.items.id:i-2",
        "requestParameters.items.ports:443",
        "requestParameters.items.ports:>=443",
        "requestParameters.items.ports:[100 TO 500]",
    ),
    '{"size": 1000, "at": "2024-02-29T10:00:00Z", "of": {"it": true}}': (
        "requestParameters.size:>999",
        "requestParameters.size:[* TO 1e3]",
        'requestParameters.at:>"2024-02-28"',
        "requestParameters.of.it:true",
        "requestParameters.of:*",
    ),
    '{"\\u0062ucketName": "escaped"}': ("requestParameters.bucketName:escaped",),
    '{"from": "10.1.2.3", "x-y": {"0": "zero"}}': (
        "requestParameters.from:10.1.2.3",
        "requestParameters.x-y.0:zero",
    ),
    '{"address": "10.1.2.3"}': ("requestParameters.address:10.0.0.0/8",),
    '{"rules": [{"cidrIp": "0.0.0.0/0"}]}': ("requestParameters.rules.cidrIp:0.0.0.0/0",),
    '{"rules": [{"cidrIp": "10.20.0.0/16"}]}': ("requestParameters.rules.cidrIp:10.20.0.0/16",),
    '[{"top": 1}, {"top": 2}]': ("requestParameters.top:2",),
    '{"gone": null, "here": ""}': ("requestParameters.here:*",),
    "null": ("NOT requestParameters:*",),
}


@pytest.fixture(scope="module")
def within(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """An event for each of these, of which `requestID` is the place in the list."""
    folder = tmp_path_factory.mktemp("within")
    calls = []
    for number, text in enumerate(WITHIN):
        call = small_lake.event(number, f"10:{number:02}:00", "s3", "GetObject")
        whole = json.dumps(call | {"requestID": str(number), "requestParameters": "HERE"})
        calls.append(whole.replace('"HERE"', text))
    (folder / "calls.json").write_text(f'{{"Records": [{", ".join(calls)}]}}')
    ingest(folder / "lake", [str(folder)], IngestOptions(jobs=1))
    return open_lake(folder / "lake", locked=True)


@pytest.mark.parametrize(
    ("number", "text"),
    [(number, text) for number, texts in enumerate(WITHIN.values()) for text in texts],
)
def test_what_is_within_json_is_found(within: Lake, number: int, text: str) -> None:
    search = read_search(text)
    assert search is not None
    clause = search.clause("cloudtrail")
    query = f"SELECT native.requestID FROM cloudtrail WHERE {clause.sql}"
    assert within.sql(query, dict(clause.params)).fetchall() == [(str(number),)]


@pytest.mark.parametrize(
    "text",
    [
        "requestParameters.gone:*",
        "requestParameters.items.id:i-3",
        "requestParameters.size:>1000",
        "requestParameters.id:i-1",
        "requestParameters.bucketname:logs",
    ],
)
def test_what_is_not_within_json_is_not_found(within: Lake, text: str) -> None:
    assert found(within, text, "cloudtrail") == 0
    assert found(within, f"NOT {text}", "cloudtrail") == len(WITHIN)


def test_a_list_of_structures_is_looked_into(tmp_path: Path) -> None:
    arn = "arn:aws:s3:::logs"
    call = small_lake.event(1, "10:00:00", "s3", "GetObject", resources=[{"ARN": arn}])
    (tmp_path / "calls.json").write_text(json.dumps({"Records": [call]}))
    ingest(tmp_path / "lake", [str(tmp_path)], IngestOptions(jobs=1))
    lake = open_lake(tmp_path / "lake")
    assert found(lake, f'native.resources.ARN:"{arn}"', "cloudtrail") == 1
    assert found(lake, "resources.ARN:*other", "cloudtrail") == 0
    shown = run_dashboard(lake, "cloudtrail", filters=[f"resources.ARN is {arn}"])
    assert panels_json(shown)
    with pytest.raises(UsageError, match=r"unknown field 'resources\.x'y'"):
        run_dashboard(lake, "cloudtrail", filters=["resources.x'y is 1"])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab[{", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)


def texts_at(value: Any, members: list[str]) -> list[str]:  # noqa: ANN401  JSON
    """The texts of what is at a place, arrays on the way looked into, as a reader would."""
    items = value if isinstance(value, list) else [value]
    if not members:
        return [
            item if isinstance(item, str) else json.dumps(item, separators=(",", ":"))
            for item in items
            if item is not None
        ]
    below = [item[members[0]] for item in items if isinstance(item, dict) and members[0] in item]
    return [text for one in below for text in texts_at(one, members[1:])]


@given(st.lists(JSON_VALUES, min_size=1, max_size=5), st.lists(st.sampled_from("ab"), min_size=1))
def test_members_are_those_at_their_place(values: list[Any], members: list[str]) -> None:
    field = ".".join(["native", "requestParameters", *members[:3]])
    due = [texts_at(value, members[:3]) or None for value in values]
    given_ = [json.dumps(value, separators=(",", ":")) for value in values]
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (n INTEGER, native STRUCT(requestParameters JSON))")
        con.executemany(
            "INSERT INTO t VALUES (?, {'requestParameters': ?})", list(enumerate(given_))
        )
        shown = con.sql(f"SELECT {field_sql(field)} FROM t ORDER BY n").fetchall()
    assert [found for (found,) in shown] == due


def test_a_percent_sign_beside_a_star_is_itself() -> None:
    search = read_search("100%*")
    assert search is not None
    assert [value for _, value in search.params] == ["%100#%%%"]
