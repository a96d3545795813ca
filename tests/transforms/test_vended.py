"""Lines as CloudWatch Logs delivers them as plain text and as W3C: names above them or not, fields
that end at tabs or blanks, in the documented order or in another.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateDelivery.html"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from logs import compact, read, subscription

ELB = "AWSLogs/123456789012/elasticloadbalancing/us-east-2/2025/11/20/"


@dataclass(frozen=True, slots=True)
class Log:
    """A line of a log, the names of its fields as they are documented, and one of its rows' leaves
    with what it has for a value."""

    source: str
    key: str
    names: str
    line: str
    leaf: str
    value: object

    def fields(self) -> dict[str, str]:
        """Name -> field as it stands between blanks."""
        return dict(
            zip(self.names.split(), re.findall(r'"[^ ].*?"(?= |$)|\S+', self.line), strict=True)
        )


ALB = Log(
    "alb",
    ELB + "123456789012_elasticloadbalancing_us-east-2_app.my-lb.50dc_20251120T1620Z_1.2.3.4_x.log",
    "type time elb client:port target:port request_processing_time target_processing_time response_processing_time elb_status_code target_status_code received_bytes sent_bytes request_line user_agent ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority request_creation_time actions_executed redirect_url error_reason target:port_list target_status_code_list classification classification_reason",  # noqa: E501
    'https 2025-11-20T16:16:31.662027Z app/my-lb/50dc 81.2.69.142:54321 - -1 -1 -1 503 - 199 184 "GET https://10.100.10.100:443/a%20b?c=d HTTP/1.1" "Mozilla/5.0 (X11)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-abcdefgh" "*" "arn:aws:acm:us-east-2:123456789012:certificate/x" 0 2025-11-20T16:16:31.661000Z "fixed-response" "-" "-" "-" "-" "-" "-"',  # noqa: E501
    "url.full",
    "https://10.100.10.100:443/a%20b?c=d",
)
NLB = Log(
    "nlb",
    ELB + "123456789012_elasticloadbalancing_us-east-2_net.my-lb.c6e7_202511200855Z_20sg8hgm.log",
    "type version time elb listener client:port destination:port connection_time tls_handshake_time received_bytes sent_bytes incoming_tls_alert chosen_cert_arn chosen_cert_serial tls_cipher tls_protocol_version tls_named_group domain_name alpn_fe_protocol alpn_be_protocol alpn_client_preference_list tls_connection_creation_time",  # noqa: E501
    'tls 2.0 2025-11-20T08:51:42 net/my-lb/c6e7 g3d4b5e8 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - arn:aws:acm:us-east-2:671290407336:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv12 x25519 my.example.com h2 h2 "h2","http/1.1" 2025-11-20T08:51:20',  # noqa: E501
    "tls.curve",
    "x25519",
)
FLOW = Log(
    "vpcflow",
    "AWSLogs/1/vpcflowlogs/us-east-1/1_vpcflowlogs_us-east-1_fl-1_20251120T1620Z_fe12.log",
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",  # noqa: E501
    "2 123456789010 eni-1235b8ca 172.31.16.139 203.0.113.21 20641 22 6 20 4249 1763627000 1763627060 ACCEPT OK",  # noqa: E501
    "network.bytes",
    4249,
)
LOGS = {log.source: log for log in (ALB, NLB, FLOW)}
FORMS = {
    "plain": ("", " "),
    "plain, tabs": ("", "\t"),
    "header": ("{blanks}\n", " "),
    "header, tabs": ("{tabs}\n", "\t"),
    "W3C": ("#Version: 1.0\n#Fields: {blanks}\n", " "),
    "W3C, tabs": ("#Version: 1.0\n#Fields: {blanks}\n", "\t"),
}
ORDERS = {
    "documented": lambda names: names,
    "turned": lambda names: [names[0], *names[:0:-1]],
    "underscores": lambda names: names,
}


def written(log: Log, head: str, cut: str, names: list[str], spelt: bool = False) -> bytes:
    """An object of two lines. Where a tab ends a field none is in quotes, but in a list."""
    fields = [log.fields()[name] for name in names]
    if cut == "\t":
        fields = [f.strip('"') if f.count('"') == 2 else f for f in fields]
    if spelt:
        names = [name.replace(":", "_") for name in names]
    top = head.format(blanks=" ".join(names), tabs="\t".join(names))
    return (top + 2 * (cut.join(fields) + "\n")).encode()


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what tells where its record lay and how it was written."""
    event = {n: v for n, v in row["event"].items() if n not in ("original", "hash", "ingested")}
    return row | {"event": event, "log": None}


@pytest.mark.parametrize("source", LOGS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("named", [True, False], ids=["key", "no key"])
def test_every_form_gives_the_same_rows(source: str, form: str, order: str, named: bool) -> None:
    log, (head, cut) = LOGS[source], FORMS[form]
    names = ORDERS[order](log.names.split())
    if order != "documented" and not head:
        return  # nothing tells it
    key = log.key if named else "object"
    found = read(written(log, head, cut, names, order == "underscores"), key)
    assert (found.status, found.rejects, len(found.rows)) == ("read", [], 2)
    (wanted, _) = read(f"{log.line}\n{log.line}".encode(), key).rows
    assert [told(row) for row in found.rows] == [told(wanted)] * 2
    first, last = log.leaf.split(".")
    assert found.rows[0][first][last] == log.value
    assert found.places == [head.count("\n") + 1, head.count("\n") + 2]


@pytest.mark.parametrize("cut", [" ", "\t"])
def test_chosen_fields(cut: str) -> None:
    names = ["type", "time", "elb", "client:port", "elb_status_code", "request_line"]
    found = read(written(ALB, FORMS["W3C"][0], cut, names), ALB.key)
    assert found.rejects == []
    assert [row["http"]["response"]["status_code"] for row in found.rows] == [503, 503]
    assert [row["source"]["port"] for row in found.rows] == [54321, 54321]


def test_names_come_again_where_files_were_put_together() -> None:
    names = ALB.names.split()
    one = written(ALB, FORMS["header"][0], " ", names)
    other = written(ALB, FORMS["header"][0], " ", ["type", *names[:0:-1]])
    found = read(one + other + one, ALB.key)
    assert (found.rejects, len(found.rows)) == ([], 6)
    assert {row["url"]["full"] for row in found.rows} == {ALB.value}


def test_a_line_whose_quotes_do_not_add_up_is_cut_by_its_header() -> None:
    """The source's pattern has the documented order, which may be another."""
    names = ALB.names.replace("received_bytes sent_bytes", "sent_bytes received_bytes").split()
    data = written(ALB, FORMS["W3C"][0], " ", names)
    found = read(data.replace(b'"Mozilla/5.0 (X11)"', b'"say "hi", you"'), ALB.key)
    assert found.rejects == []
    assert {row["user_agent"]["original"] for row in found.rows} == {'say "hi", you'}
    assert {row["source"]["bytes"] for row in found.rows} == {199}


def test_messages_of_a_log_group() -> None:
    line = written(NLB, "", "\t", NLB.names.split()).decode().split("\n")[0]
    found = read(compact(subscription([line, line])), "cw/object.json")
    assert (found.rejects, found.originals) == ([], [line, line])
    assert {row["native"]["listener"] for row in found.rows} == {"g3d4b5e8"}
