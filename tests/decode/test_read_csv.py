"""CSV and answers of queries with odd lines, columns and cells."""

from __future__ import annotations

import json

import pytest
from logs import FLOW_HEADER, compact, event, events, flows, pretty, read, trail
from query_results import answer, as_athena, as_lake, athena_answer, quoted_csv

HISTORY = "Event ID,Event time,Event source,Event name,Event type"
CALLS = "".join(
    f"id-{n},2024-02-01T10:00:0{n}Z,iam.amazonaws.com,GetUser,AwsApiCall\n" for n in range(3)
)


@pytest.mark.parametrize(
    ("header", "above"),
    [
        (HISTORY, 1),
        (HISTORY.replace("Event type", '"Event type'), 1),
        (f"\n \r\n{HISTORY}", 3),
        (f"\n{HISTORY}\r", 2),
    ],
)
def test_a_header_of_csv_takes_no_row_with_it(header: str, above: int) -> None:
    """One quote that is open, or a line above it, and every row was gone, or the header a row."""
    found = read(f"{header}\n{CALLS}".encode(), "event_history.csv")
    assert (found.status, found.rejects) == ("read", [])
    assert [row["event"]["id"] for row in found.rows] == ["id-0", "id-1", "id-2"]
    assert found.places == [above + n for n in (1, 2, 3)]
    assert found.originals == CALLS.splitlines()


@pytest.mark.parametrize("above", ["", "sep={}\r\n"])
@pytest.mark.parametrize("cut", [";", "\t", ","])
def test_a_table_as_excel_saves_it(cut: str, above: str) -> None:
    text = above.format(cut) + f"{HISTORY}\n{CALLS}".replace(",", cut)
    found = read(text.encode("utf-16"), "event_history.txt")
    assert (found.status, found.rejects) == ("read", [])
    assert [row["event"]["id"] for row in found.rows] == ["id-0", "id-1", "id-2"]
    assert found.originals == CALLS.replace(",", cut).splitlines()


def test_a_time_that_excel_rounded_is_none() -> None:
    """1.74877E+12 was read as a time that is hours off."""
    header = "timestamp,action,httpRequest.clientIp,terminatingRuleId,webaclId"
    row = "1.70678E+12,BLOCK,198.51.100.7,limit,acl"
    found = read(f"{header}\n{row}\n{row.replace('1.70678E+12', '1706781600123')}\n".encode())
    assert [(r.position, r.reason) for r in found.rejects] == [(2, "no valid time")]
    assert [row["@timestamp"].isoformat() for row in found.rows] == [
        "2024-02-01T10:00:00.123000+00:00"
    ]
    line = flows(1)[0].split()
    line[10] = line[11] = "1.70678E+09"
    found = read("\n".join([FLOW_HEADER, " ".join(line)]).replace(" ", ",").encode())
    assert [r.reason for r in found.rejects] == ["no valid time"]


@pytest.mark.parametrize("nothing", ["", "null", "NULL", "None", "nan", "NaN", "\\N", "NoError"])
def test_a_cell_with_a_word_for_nothing_is_empty(nothing: str) -> None:
    """An errorCode of None made a failure of every call."""
    header = "eventTime,eventSource,eventName,eventID,userAgent,errorCode"
    row = f"2024-02-01T10:00:00Z,iam.amazonaws.com,GetUser,id-1,{nothing},{nothing}"
    (found,) = read(f"{header}\n{row}\n".encode()).rows
    assert (found["event"]["outcome"], found["error"]["code"]) == ("success", None)
    assert found["native"]["userAgent"] is None


def test_a_table_as_pandas_writes_it() -> None:
    """`to_csv` puts the rows' numbers first, under no name; all rows were rejects."""
    rows = "".join(f"{n},{line}\n" for n, line in enumerate(CALLS.splitlines()))
    found = read(f",{HISTORY}\n{rows}".encode(), "a.csv")
    assert [row["event"]["id"] for row in found.rows] == ["id-0", "id-1", "id-2"]
    header, *lines = [line.replace(" ", ",") for line in [FLOW_HEADER, *flows(2)]]
    found = read(f",{header}\n0,{lines[0]}\n1,{lines[1]}\n".encode(), "a.csv")
    assert (found.status, found.bytes, found.rejects) == ("read", [1001, 1002], [])
    assert found.decoding.unknown_members == {}


@pytest.mark.parametrize("cut", [";", "\t", ","])
def test_messages_as_excel_saves_them(cut: str) -> None:
    rows = "".join(f'{n}{cut}"{line}"\n' for n, line in enumerate(flows(3)))
    found = read(f"timestamp{cut}message\n{rows}".encode(), "log-events-viewer-result.csv")
    assert (found.status, found.originals, found.rejects) == ("read", flows(3), [])


@pytest.mark.parametrize("column", ["Message", "Content"])
def test_messages_as_datadog_saves_them(column: str) -> None:
    rows = [{"Date": "2024-02-01T10:00:00.000Z", "Host": "h", column: line} for line in flows(2)]
    found = read(quoted_csv(rows), "extract.csv")
    assert (found.status, found.originals, found.rejects) == ("read", flows(2), [])


def test_a_quote_that_is_open_in_a_row_is_a_reject_with_what_it_takes() -> None:
    first, *rest = CALLS.splitlines(keepends=True)
    found = read("".join([HISTORY, "\n", first, '"', *rest]).encode(), "event_history.csv")
    assert [row["event"]["id"] for row in found.rows] == ["id-0"]
    assert [(r.position, r.reason) for r in found.rejects] == [(3, "1 columns, header has 5")]
    assert found.rejects[0].text == '"' + "".join(rest).rstrip("\n")


def test_a_column_for_what_is_within_a_member() -> None:
    """As Logs Insights names it, and in lower case; where there is none the column is told."""
    names = "eventTime,eventSource,eventName,useridentity.arn,userIdentity.no,requestParameters.a.b"
    row = "2024-02-01T10:00:00Z,iam.amazonaws.com,GetUser,arn:aws:iam::111122223333:user/ana,x,c"
    found = read(f"{names}\n{row}\n".encode(), "results.csv")
    (only,) = found.rows
    assert only["native"]["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/ana"
    assert json.loads(only["native"]["requestParameters"]) == {"a": {"b": "c"}}
    assert only["user"]["name"] == "ana"


RESOLVER = {
    "version": "1.100000",
    "account_id": "111122223333",
    "query_timestamp": "2024-02-01T10:00:00Z",
    "query_name": "example.com.",
    "query_type": "A",
    "rcode": "NOERROR",
    "answers": "[{rdata=192.0.2.1, type=A, class=IN}, {rdata=192.0.2.2, type=A, class=IN}]",
    "srcaddr": "10.0.0.9",
    "srcport": "4000",
    "srcids": "{instance=i-0aa, resolver_endpoint=null, resolver_network_interface=null}",
}


def test_a_table_of_resolver_queries_is_none_of_flows() -> None:
    (row,) = read(quoted_csv([RESOLVER]), "results.csv").rows
    assert row["event"]["dataset"] == "route53resolver"
    assert [one["data"] for one in row["dns"]["answers"]] == ["192.0.2.1", "192.0.2.2"]
    assert row["native"]["srcids"]["instance"] == "i-0aa"
    few = {name: RESOLVER[name] for name in ("query_timestamp", "query_name", "srcaddr")}
    (row,) = read(quoted_csv([few]), "results.csv").rows
    assert (row["event"]["dataset"], row["source"]["ip"]) == ("route53resolver", "10.0.0.9")


@pytest.mark.parametrize("lost", ["", ",packetsLostNoRoute"])
def test_a_table_of_transit_gateway_flows_is_none_of_interfaces(lost: str) -> None:
    head = f"@timestamp,srcAddr,dstAddr,{'tgwId,tgwAttachmentId,' if not lost else ''}bytes{lost}"
    cells = ["2024-02-01 10:00:00.000", "10.0.0.1", "10.0.0.2"]
    cells += ["7", "1"] if lost else ["tgw-1", "tgw-attach-1", "7"]
    (row,) = read(f"{head}\n{','.join(cells)}\n".encode(), "results.csv").rows
    assert (row["event"]["dataset"], row["source"]["ip"]) == ("tgwflow", "10.0.0.1")


WHOLE = [compact(one).decode() for one in events(3)]
FOUND = [
    {"AccessKeyId": "", "CloudTrailEvent": text, "EventId": f"id-{n}", "EventName": "GetUser"}
    for n, text in enumerate(WHOLE)
]
SELECTED = [{"eventTime": "2024-02-01 10:00:00.000", "eventJson": text} for text in WHOLE]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(quoted_csv(FOUND), id="Find-CTEvent"),
        pytest.param(
            b"#TYPE Amazon.CloudTrail.Model.Event\r\n" + quoted_csv(FOUND), id="Find-CTEvent 5"
        ),
        pytest.param(quoted_csv(SELECTED), id="CloudTrail Lake"),
        pytest.param(quoted_csv([{"eventJson": text} for text in WHOLE]), id="one column"),
        pytest.param(pretty(answer(SELECTED)), id="get-query-results"),
        pytest.param(b"\n".join(map(compact, SELECTED)), id="rows as JSON"),
    ],
)
def test_a_column_with_whole_events(data: bytes) -> None:
    """Nothing of an event is lost to the columns beside it, which have some of it again."""
    found = read(data, "results.csv" if data[:1] in b'"#' else "results.json")
    assert (found.status, found.rejects) == ("read", [])
    assert found.originals == WHOLE
    plain = read(trail(events(3)))
    for row, due in zip(found.rows, plain.rows, strict=True):
        assert row["native"] == due["native"]
        assert row["source"] == due["source"]


def test_a_row_without_its_event_is_refused_as_it_stands() -> None:
    without = {"eventTime": "2024-02-01 10:00:00.000", "eventJson": ""}
    found = read(quoted_csv([without, *SELECTED]), "results.csv")
    assert len(found.rows) == 3
    assert [(r.position, r.reason) for r in found.rejects] == [(1, "a row without an event")]
    rows = [*SELECTED, {"eventTime": "2024-02-01 10:00:00.000"}]
    found = read(compact(answer(rows)), "results.json")
    assert len(found.rows) == 3
    assert [r.reason for r in found.rejects] == ["a row of a query without eventJson"]


@pytest.mark.parametrize("header", ['timestamp,"message', "\ntimestamp,message"])
def test_a_header_over_messages_takes_no_row_with_it(header: str) -> None:
    rows = [f"170678160{n},{line}" for n, line in enumerate(flows(3))]
    found = read("\n".join([header, *rows, ""]).encode())
    assert (found.status, found.bytes, found.rejects) == ("read", [1001, 1002, 1003], [])


def test_a_row_without_a_message_is_refused_as_it_stands() -> None:
    rows = [f"1706781600,{flows(1)[0]},a", "1706781601", "1706781602,,b", "1706781603,GET /,c,d"]
    found = read("\n".join(["@timestamp,@message,@logStream", *rows, ""]).encode())
    assert found.bytes == [1001]
    assert [(r.position, r.reason, r.text) for r in found.rejects] == [
        (2, "a row without a message", rows[1]),
        (3, "a row without a message", rows[2]),
        (4, "4 columns, header has 3", rows[3]),
    ]


# -- what Athena and CloudTrail Lake make of an event ----------------------------------------------

LAKE = [as_lake(1), as_lake(2)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(quoted_csv([as_athena(1), as_athena(2)]), id="Athena"),
        pytest.param(quoted_csv(LAKE), id="CloudTrail Lake"),
        pytest.param(pretty(answer(LAKE)), id="get-query-results"),
        pytest.param(
            b"\n".join(compact(answer([row])) for row in LAKE), id="get-query-results by page"
        ),
        pytest.param(
            pretty(athena_answer([as_athena(1), as_athena(2)])), id="Athena's get-query-results"
        ),
        pytest.param(
            b"\n".join(compact(athena_answer([as_athena(n)], page=n)) for n in (1, 2)),
            id="Athena's get-query-results by page",
        ),
    ],
)
def test_a_result_of_a_query_has_the_events_of_the_trail(data: bytes) -> None:
    found, delivered = read(data, "results/q.csv"), read(trail(events(2)))
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2], [])
    assert found.hashes == delivered.hashes
    assert (found.decoding.unknown_members, found.decoding.lossy_members) == ({}, {})
    row, as_delivered = found.rows[0], delivered.rows[0]
    for name in ("user", "cloud", "source"):
        assert row[name] == as_delivered[name]
    for name in ("action", "outcome", "category", "type"):
        assert row["event"][name] == as_delivered["event"][name]
    native = row["native"]
    assert json.loads(native["requestParameters"]) == {"bucketName": "bucket-1"}
    assert native["responseElements"] is None
    assert native["resources"] == [
        {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}
        | {"ARNPrefix": None}
    ]
    assert row["tls"]["version"] == "1.3"


def test_identities_of_a_trails_records_are_as_they_were() -> None:
    """As the time's own text gave them, before other spellings of it were to give the same."""
    times = ["1999-12-31T23:59:59Z", "2024-02-01T10:00:01Z"]
    records = [event(1), event(2, eventTime=times[0]), event(3, recipientAccountId=None)]
    assert read(trail(records)).hashes == [
        8698509669149320585,
        6840587973352960410,
        1686390795772827358,
    ]
    others = [event(1), event(1, eventTime=1706781601), event(1, eventTime=f"{times[1][:-1]}.000Z")]
    assert set(read(trail(others)).hashes) == {8698509669149320585}


def test_a_cell_that_cannot_be_told_is_counted_and_stays_in_the_original() -> None:
    odd = as_athena(1) | {"useridentity": "{type=IAMUser, type=Root}"}
    found = read(quoted_csv([odd, as_athena(2)]), "results/q.csv")
    assert (found.ids, found.rejects) == ([1, 2], [])
    assert found.decoding.lossy_members == {"userIdentity": 1}
    assert found.rows[0]["user"]["name"] is None
    assert "{type=IAMUser, type=Root}" in found.originals[0]
    assert found.rows[1]["user"]["name"] == "ana"


def test_what_is_no_row_of_an_answer_is_refused_as_it_stands() -> None:
    given = answer(LAKE)
    given["QueryResultRows"][0] = [{"eventID": ["x"]}]
    found = read(compact(given))
    assert found.ids == [2]
    assert [(r.position, r.reason, r.text) for r in found.rejects] == [
        (1, "no row of an answer", '[{"eventID":["x"]}]')
    ]


def test_rows_of_an_answer_of_athena_that_are_none_are_refused() -> None:
    """Without what it says of its columns, the first row names them."""
    given = athena_answer([as_athena(1), as_athena(2)])
    del given["ResultSet"]["ResultSetMetadata"]
    del given["ResultSet"]["Rows"][1]["Data"][0]
    found = read(compact(given))
    assert (found.ids, [r.reason for r in found.rejects]) == ([2], ["no row of an answer"])
    given["ResultSet"] |= {"Rows": "none"}
    assert read(compact(given)).status == "unknown"


def test_rows_of_lines_in_an_answer_of_athena() -> None:
    names = ["version", "account", "interfaceid", "sourceaddress", "destinationaddress"]
    rows = [dict(zip(names, line.split(), strict=False)) for line in flows(2)]
    asked = [row | {"endtime": "1706781660", "action": ""} for row in rows]
    found = read(compact(athena_answer(asked)))
    assert (found.status, found.rejects, len(found.rows)) == ("read", [], 2)
    assert found.rows[0]["source"]["ip"] == rows[0]["sourceaddress"]
    assert found.rows[0]["event"]["action"] is None


def test_an_answer_of_other_columns_is_unknown() -> None:
    found = read(compact(answer([{"eventName": "GetUser", "n": "7"}])))
    assert (found.status, found.rows) == ("unknown", [])


def test_of_two_columns_for_a_member_the_one_with_something_counts() -> None:
    data = (
        "Event ID,Event time,Event source,Event name,User name,userIdentity,Username\n"
        "id-1,2024-02-01T10:00:00Z,iam.amazonaws.com,GetUser,,{username=bob},eve\n"
        "id-2,2024-02-01T10:00:00Z,iam.amazonaws.com,GetUser,bob,{username=eve},\n"
    )
    assert [row["user"]["name"] for row in read(data.encode()).rows] == ["bob", "bob"]
