"""The panels of the flow logs and of threat hunting over a lake small enough to count by hand, and
what these pages have of their own: formats without the newer fields say so, panels show some rows
of one answer, the view over all tables counts no event twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flow_lake
import pytest
import small_lake
from flow_lake import CARD, DATABASE, GREATEST, INSTANCE, NAT, OTHER_SUBNET, SUBNET, WEB
from pinned import ask_of, has_rows, shows_its_sql
from small_lake import BOB, LONDON, SINGAPORE, A, B

from lake.dashboards.dashboards import find_dashboard, load_dashboard
from lake.dashboards.panels import panels_json, prepare, run_dashboard, run_panel
from lake.dashboards.scope import facet, view_of
from lake.filters.selection import Selection
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake

if TYPE_CHECKING:
    from pathlib import Path

    from lake.dashboards.scope import View
    from lake.query import Lake

TEN, ELEVEN = "2024-03-01T10:00:00Z", "2024-03-01T11:00:00Z"
AT_TRANSIT = "10.9.0.1"
CUSTOM = "VPCFlowLogsCustom - "
ACCEPTED = [[WEB, 54], [NAT, 40], [LONDON, 15]]
REJECTED = [[SINGAPORE, 3], [LONDON, 3]]
NO_SUBNET = "No accepted record here with its SYN alone tells a subnet"
NO_PLACE = (
    "No address that counts here has a place. There is none, all are private, or there was no "
    "GeoIP database when the logs were read"
)
DIRECTED = [[SINGAPORE, "ingress", 3], [LONDON, None, 3]]
RECEIVED = [
    [LONDON, "GB", 6000],
    [SINGAPORE, "SG", 3000],
    [WEB, None, 1800],
    [AT_TRANSIT, None, 700],
    [DATABASE, None, 400],
    [NAT, None, 300],
]

# Title -> all of its rows, or (which row, that row), counted by hand over `flow_lake`.
PINNED: dict[str, dict[str, Any]] = {
    "vpcflow": {
        "VPCFlowLogs - Figures": [
            ["Flow records", 10],
            ["Accepted", 6],
            ["Rejected", 3],
            ["Sources rejected", 2],
        ],
        "VPCFlowLogs - AWS Account(Bar)": [[A, 7], [B, 4]],
        "VPCFlowLogs - Region(Bar)": [["us-east-1", 7], ["eu-west-1", 4]],
        "VPCFlowLogs - Accept Packets(Line Chart)": [[TEN, 69], [ELEVEN, 40]],
        "VPCFlowLogs - Reject Packets(Line Chart)": [[TEN, 4], [ELEVEN, 2]],
        "VPCFlowLogs - Accept Src Packets(Pie)": ACCEPTED,
        "VPCFlowLogs - Accept Src Packets(Table)": ACCEPTED,
        "VPCFlowLogs - Reject Src Packets(Pie)": REJECTED,
        "VPCFlowLogs - Reject Src Packets(Table)": REJECTED,
        "VPCFlowLogs - Accept Src Packets(Geo)": [["GB", 15]],
        "VPCFlowLogs - Accept Src Count(Geo)": [["GB", 15]],
        "VPCFlowLogs - Reject Src Packets(Geo)": [["GB", 3], ["SG", 3]],
        "VPCFlowLogs - Reject Src Count(Geo)": [["GB", 3], ["SG", 3]],
        "VPCFlowLogs - Top 10 Chart Source IP": (4, [ELEVEN, NAT, 1]),
        f"{CUSTOM}Top10 traffic via Source IP(Vertical Bar)": [
            [WEB, 6100],
            [NAT, 4000],
            [LONDON, 1800],
            [SINGAPORE, 300],
        ],
        f"{CUSTOM}Top10 traffic via Destination IP(Vertical Bar)": RECEIVED,
        f"{CUSTOM}Traffic Destination via Country(Pie)": RECEIVED,
        f"{CUSTOM}Traffic Source via Country(Pie)": [["GB", LONDON, 1800], ["SG", SINGAPORE, 300]],
        f"{CUSTOM}Traffic through another resource in the same VPC(Metric)": [[1]],
        f"{CUSTOM}Through an internet gateway or a gateway VPC endpoint(Metric)": [[0]],
        f"{CUSTOM}Traffic through a virtual private gateway(Metric)": [[0]],
        f"{CUSTOM}Traffic through an intra-region VPC peering connection(Metric)": [[0]],
        f"{CUSTOM}Traffic through an inter-region VPC peering connection(Metric)": [[0]],
        f"{CUSTOM}Traffic through a local gateway(Metric)": [[0]],
        f"{CUSTOM}Traffic through a gateway VPC endpoint (Nitro-based instances only)(Metric)": [
            [0]
        ],
        f"{CUSTOM}Traffic through an internet gateway (Nitro-based instances only)(Metric)": [[1]],
        f"{CUSTOM}Packets via traffic path(Pie)": (
            1,
            ["an internet gateway (Nitro-based instances only)", 1],
        ),
        f"{CUSTOM}Accept Src Packets(Pie)": [
            [WEB, None, 30],
            [WEB, "egress", 24],
            [NAT, None, 40],
            [LONDON, "ingress", 15],
        ],
        f"{CUSTOM}Accept Src Packets(Table)": [[LONDON, "ingress", 10], [WEB, "egress", 4]],
        f"{CUSTOM}Reject Src Packets(Pie)": DIRECTED,
        f"{CUSTOM}Reject Src Packets(Table)": DIRECTED,
        f"{CUSTOM}Accept Packets via subnet_id(Pie) ": [
            [SUBNET, "ingress", 1],
            [OTHER_SUBNET, "egress", 1],
        ],
        f"{CUSTOM}Reject Packets via subnet_id(Pie) ": [[SUBNET, "ingress", 2]],
        f"{CUSTOM}Packets via interface_id(Data Table)": (
            0,
            ["use1-az1", INSTANCE, CARD, LONDON, 5555, WEB, 443, 2],
        ),
        "search - VPCFlowLogsCustom": (
            1,
            ["2024-03-01T11:05:00Z", SINGAPORE, 7777, WEB, 23, "REJECT", "ingress", 2, 200],
        ),
    },
    "hunting": {
        "All - Figures": [
            ["Failed or refused", 3],
            ["Alerts", 1],
            ["On a threat list", 0],
            ["Source addresses", 4],
            ["Users", 1],
        ],
        "All - Failures and Alerts over Time": [
            [TEN, "vpcflow", 2],
            [TEN, "guardduty", 1],
            [ELEVEN, "vpcflow", 1],
        ],
        "All - AWS Account": [[A, 11], [B, 4]],
        "All - AWS Region": [["us-east-1", 11], ["eu-west-1", 4]],
        "All - LogType": (2, ["guardduty", 1]),
        "GuardDuty - Type Table": [["Recon:EC2/Portscan", 1]],
        "All - Source IP": [[SINGAPORE, 5], [WEB, 4], [LONDON, 3], [NAT, 1]],
        "All - Source Countries": [["Singapore", 5], ["United Kingdom", 3]],
        "All - Source AS Organization": [["Example", 8]],
        "All - Destination IP table": (0, [WEB, 4]),
        "All - Destination Countries": [["United Kingdom", 2], ["Singapore", 1]],
        "All - Destination AS Organization": [["Example", 3]],
        "VPCFlowLogs - Action Table": [["ACCEPT", 6], ["REJECT", 3]],
        "VPCFlowLogs - Sent Size via VPC": (0, [WEB, 6100]),
        "VPCFlowLogs - Recieved Size via VPC": (3, [AT_TRANSIT, 700]),
        "S3Trail - Bucket Access Count": [["letters", 2], ["drafts", 1]],
        "S3Trail - Upload": [[SINGAPORE, 100]],
        "S3Trail - Download": [[SINGAPORE, 2001]],
        "search - _ECS Fields": (
            3,
            [
                "2024-03-01T10:32:00Z",
                A,
                "cloudtrail",
                "s3.amazonaws.com",
                "GetObject",
                None,
                SINGAPORE,
                "Singapore",
                None,
                BOB,
                "bob",
            ],
        ),
    },
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return flow_lake.make(tmp_path_factory.mktemp("flow"))


@pytest.fixture(scope="module")
def plain_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Flow logs of the default format and nothing else."""
    return flow_lake.make(tmp_path_factory.mktemp("plain"), custom=False)


def view(lake: Lake, name: str) -> View:
    return view_of(find_dashboard(name), Selection(), ask_of(lake))


def notes(lake: Lake, name: str) -> dict[str, str]:
    return {panel.title: panel.note for panel in run_dashboard(lake, name) if panel.note}


@pytest.mark.parametrize("name", PINNED)
def test_the_rows_of_every_panel(lake: Lake, name: str) -> None:
    found = {p["title"]: p for p in panels_json(run_dashboard(lake, name, interval="1 hour"))}
    has_rows(found, PINNED[name])
    assert set(found) == set(PINNED[name]), "a panel without a pinned row"


@pytest.mark.parametrize("name", PINNED)
def test_the_sql_that_is_shown_gives_the_rows_that_are_shown(lake: Lake, name: str) -> None:
    shows_its_sql(lake, view(lake, name))


@pytest.mark.parametrize(("name", "queries"), [("vpcflow", 12), ("hunting", 10)])
def test_panels_share_what_they_ask(lake: Lake, name: str, queries: int) -> None:
    shown = view(lake, name)
    assert len({prepare(shown, panel).sql for panel in shown.dashboard.panels}) == queries


def test_the_two_dashboards_of_the_original_are_one_page() -> None:
    page = find_dashboard("vpcflowlogs summary")
    assert find_dashboard("VPCFlowLogsCustom Summary with v5 custom formats") is page


def test_the_default_format_says_what_it_does_not_tell(plain_lake: Lake) -> None:
    found = notes(plain_lake, "vpcflow")
    assert {title.removeprefix(CUSTOM): note.split(":")[0] for title, note in found.items()} == {
        "Packets via traffic path(Pie)": "No record here has a traffic path",
        "Accept Src Packets(Table)": "No accepted record here has the TCP flag SYN alone",
        "Accept Packets via subnet_id(Pie) ": NO_SUBNET,
        "Reject Packets via subnet_id(Pie) ": "No rejected record here tells a subnet",
        "Packets via interface_id(Data Table)": "No record here tells its zone and instance",
        "VPCFlowLogs - Accept Src Packets(Geo)": NO_PLACE,
        "VPCFlowLogs - Accept Src Count(Geo)": NO_PLACE,
    }


def test_a_panel_that_is_on_two_pages_has_one_unit() -> None:
    shared = "GuardDuty - Type Table"
    assert find_dashboard("hunting").panel(shared).unit == "log records"
    assert find_dashboard("guardduty").panel(shared).unit == "log records"


def test_what_is_not_shown_is_not_said_to_be_nowhere(lake: Lake) -> None:
    """Among rejected flows, which tell subnets and places, no accepted one does."""
    found = panels_json(run_dashboard(lake, "vpcflow", filters=["event.action is REJECT"]))
    notes = {p["title"].removeprefix(CUSTOM): str(p["note"]).split(":")[0] for p in found}
    assert notes["Accept Packets via subnet_id(Pie) "] == NO_SUBNET
    assert notes["VPCFlowLogs - Accept Src Packets(Geo)"] == NO_PLACE
    assert notes["VPCFlowLogs - Reject Src Packets(Geo)"] == "None"


def test_hunting_says_which_logs_are_not_there(plain_lake: Lake) -> None:
    found = notes(plain_lake, "hunting")
    assert found["GuardDuty - Type Table"] == "No finding of GuardDuty is among the selection."
    assert found["S3Trail - Upload"] == (
        "No call of S3 here tells how many bytes it moved: only data events do."
    )


def test_a_page_without_its_logs_says_so(tmp_path: Path) -> None:
    lake = small_lake.make(tmp_path)
    assert set(notes(lake, "vpcflow").values()) == {
        "This lake has no logs of VPC Flow Logs. Read some with `lake ingest WHERE`."
    }
    assert notes(lake, "hunting")["VPCFlowLogs - Action Table"] == (
        "No flow log is among the selection."
    )


def test_the_view_over_all_tables_counts_no_event_twice(lake: Lake) -> None:
    shown = view(lake, "hunting")
    assert (shown.shown.events, shown.further) == (15, ())
    accounts = facet(shown.dashboard, Selection(), "account", ask_of(lake))
    assert accounts == [(A, 11), (B, 4)]


def test_rows_without_a_flow_are_not_counted_among_those_shown(lake: Lake) -> None:
    shown = view(lake, "vpcflow")
    panel = shown.dashboard.panel("search - VPCFlowLogsCustom")
    result = run_panel(shown, panel, ask_of(lake), limit=2)
    assert [key["_of"] for key in result.keys] == [9, 9]
    assert shown.shown.events == 10


def test_the_rest_of_a_list_is_its_last_row(tmp_path: Path) -> None:
    """Twelve addresses: ten are shown, the other two are one row."""
    folder = tmp_path / "logs" / "AWSLogs" / A / "vpcflowlogs/us-east-1/2024/03/01"
    lines = [
        flow_lake.flow(n, f"81.2.69.{n} 1000 {WEB} 443", 100 - n, "REJECT") for n in range(1, 13)
    ]
    many = flow_lake.ingest_lines(tmp_path, folder, lines)
    found = {p["title"]: p["rows"] for p in panels_json(run_dashboard(many, "vpcflow"))}
    assert found[f"{CUSTOM}Top10 traffic via Source IP(Vertical Bar)"][-1] == ["Other", 17700]
    assert found[f"{CUSTOM}Traffic Source via Country(Pie)"][-1] == ["GB", "Other", 17700]
    assert found[f"{CUSTOM}Reject Src Packets(Pie)"][-1] == ["Other", "ingress", 177]
    assert found["VPCFlowLogs - Reject Src Packets(Pie)"][-1] == ["81.2.69.10", 90]


def test_a_panel_shows_some_rows_of_its_query(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'title = "T"\nlabel = "T"\ntable = "vpcflow"\n[[panel]]\ntitle = "P"\nquery = "one"\n'
        'chart = "bar"\nonly = { "a" = "it\'s" }\ncolumns = { "n" = "n" }\nfirst = 1\n'
    )
    (tmp_path / "mine.sql").write_text(
        "-- name: one\n-- About it.\nSELECT * FROM (VALUES ('b', 1), ('it''s', 2), ('it''s', 3)) "
        "AS t(a, n), (SELECT count(*) AS _c FROM logs)\n"
    )
    dashboard = load_dashboard(tmp_path / "mine.toml")
    (tmp_path / "lake").mkdir()
    lake = small_lake.make(tmp_path / "lake")
    shown = view_of(dashboard, Selection(), ask_of(lake))
    result = run_panel(shown, dashboard.panels[0], ask_of(lake))
    assert (result.columns, result.rows) == (("n",), ((2,),))
    assert lake.cursor().execute(result.sql).fetchall() == [(2,)]


def test_sums_greater_than_any_counter_are_told(tmp_path: Path) -> None:
    """What a record claims, however much it is, costs no page."""
    lake = flow_lake.of_the_greatest_counters(tmp_path)
    found: dict[str, list[list[Any]]] = {}
    for name in ("vpcflow", "hunting"):
        found |= {p["title"]: p["rows"] for p in panels_json(run_dashboard(lake, name))}
    both = 2 * GREATEST
    assert found["VPCFlowLogs - Sent Size via VPC"] == [[LONDON, both]]
    assert found["VPCFlowLogs - Recieved Size via VPC"] == [[WEB, both]]
    assert found["VPCFlowLogs - Reject Src Packets(Geo)"] == [["GB", both]]
    assert found["VPCFlowLogs - Reject Packets(Line Chart)"] == [["2024-03-01T10:01:00Z", both]]
    assert found[f"{CUSTOM}Traffic Source via Country(Pie)"] == [["GB", LONDON, both]]
    assert found[f"{CUSTOM}Traffic Destination via Country(Pie)"] == [[WEB, None, both]]
    assert found[f"{CUSTOM}Reject Src Packets(Pie)"] == [[LONDON, "ingress", both]]
    assert found["S3Trail - Upload"] == [[SINGAPORE, both]]
    entity = run_dashboard(lake, "entity", filters=[f"entity.address is {LONDON}"])
    found |= {p["title"]: p["rows"] for p in panels_json(entity)}
    assert found["Entity - Destination Port"] == [[22, "tcp", 2, both]]


PLACES = [
    ("vpcflow", "VPCFlowLogs - AWS Account(Bar)", 5),
    ("hunting", "All - AWS Account", 5),
    ("overview", "Overview - Events by Account", 10),
]


@pytest.mark.parametrize(("name", "title", "shown"), PLACES)
def test_rows_of_no_known_account_take_no_accounts_place(
    tmp_path: Path, name: str, title: str, shown: int
) -> None:
    """Twelve accounts, and more rows of none: they come last, as on the other pages."""
    lines = ["version account-id srcaddr start end action log-status"]
    for n in range(1, 13):
        lines += [f"2 {n:012} 192.0.2.{n} 1709287200 1709287260 ACCEPT OK"] * n
    lines += ["2 - 192.0.2.99 1709287200 1709287260 ACCEPT OK"] * 20
    (tmp_path / "flows.log").write_text("\n".join(lines) + "\n")
    ingest(tmp_path / "lakehouse", [str(tmp_path / "flows.log")], IngestOptions(jobs=1))
    found = run_dashboard(open_lake(tmp_path / "lakehouse"), name)
    rows = next(result.rows for result in found if result.title == title)
    most = [(f"{n:012}", n) for n in range(12, 12 - shown, -1)]
    assert rows == (*most, ("unknown", 20))


def test_an_address_whose_country_changed(tmp_path: Path) -> None:
    """By address its flows are one sum, by country they are two: between both ingests a database
    told the address another country. Each list's ten are told from the rest by their whole sums."""
    days = tmp_path / "logs/AWSLogs" / A / "vpcflowlogs/us-east-1/2024/03"
    many = [f"81.2.69.{n}" for n in range(1, 13)]
    lines = [flow_lake.flow(n, f"{ip} 1000 {WEB} 443", 50) for n, ip in enumerate(many)]
    flow_lake.ingest_lines(tmp_path, days / "01", lines)
    lines = [flow_lake.flow(20, f"{ip} 1000 {WEB} 443", n) for n, ip in enumerate(many[10:], 9)]
    other = small_lake.geoip(tmp_path, {"81.2.69.0/24": ("SE", "Sweden")})
    lake = flow_lake.ingest_lines(tmp_path, days / "02", lines, other)
    found = {p["title"]: p["rows"] for p in panels_json(run_dashboard(lake, "vpcflow"))}
    last, second = many[11], many[10]
    assert found[f"{CUSTOM}Top10 traffic via Source IP(Vertical Bar)"][:3] == [
        [last, 6000],
        [second, 5900],
        [many[0], 5000],
    ]
    assert found["VPCFlowLogs - Accept Src Packets(Pie)"][:2] == [[last, 60], [second, 59]]
    assert found["VPCFlowLogs - Accept Src Packets(Geo)"] == [["GB", 600], ["SE", 19]]
    countries = found[f"{CUSTOM}Traffic Source via Country(Pie)"]
    assert [row for row in countries if row[0] == "SE"] == [["SE", last, 1000], ["SE", second, 900]]
    assert [row for row in countries if row[0] == "GB"][-1] == ["GB", "Other", 10_000]
