"""Every question of docs/questions on the demo lake: it runs, and one fact of its answer is what
the raw logs say (counted in them with gzip, json and split, not with lake)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from docs.generate import questions

if TYPE_CHECKING:
    from lake.query import Lake

ATTACKER = "26.77.13.201"
KEY = "AKIAHALDENCI7EXAMPLE"


def at(day: int, hour: int, minute: int, second: int = 0, micros: int = 0) -> datetime:
    return datetime(2025, 3, 9 + day, hour, minute, second, micros, tzinfo=UTC)


FACTS: dict[str, tuple[Any, ...] | None] = {
    "01_stolen_key": (
        ATTACKER, "Iceland", "Hrafn Example Hosting", 479, 161, at(2, 2, 3, 11), at(2, 3, 40, 53),
    ),
    "02_resources_touched": ("s3", "halden-customer-exports", 260, 274, 14),
    "03_failed_sign_ins": (ATTACKER, "Iceland", "svc-backup", 3, at(2, 2, 31, 41), False),
    "04_open_security_group": (
        at(2, 2, 41, 20), "svc-backup", ATTACKER, "sg-0dc6965f713807e0f", "22", "22",
    ),
    "05_role_sessions": (
        "i-023a78e0392f7fea3", "halden-bastion", "ASIAHALDENJMPEXAMPLE", ATTACKER, "Iceland", 6, 3,
        at(2, 2, 51), at(2, 2, 52, 10),
    ),
    "06_new_countries": ("ci-deployer", "Iceland", at(2, 2, 3, 11), 318),
    "07_first_seen": ("cloudtrail", at(2, 2, 3, 11), at(2, 3, 42, 15), 493),
    "08_around_a_finding": (
        "cloudtrail", "SendSSHPublicKey", 1, 0, at(2, 2, 43, 52), at(2, 2, 43, 52),
    ),
    "09_findings_and_calls": (KEY, 7, 8.0, 533, 161),
    "10_rejected_ports": (23, "tcp", 404, 298),
    "11_bytes_out": ("28.45.9.77", "Seychelles", "Coral Example Relay", 1280.8, 1),
    "12_bytes_by_network": (64496, "Hrafn Example Hosting", 188, 1, 0.7),
    "13_scanners": (443, "tcp", 75, 75, ["10.10.0.21", "10.10.1.22"]),
    "14_ssh": (ATTACKER, "Iceland", "10.10.0.5", 32, at(2, 2, 44, 18), at(2, 3, 46, 30)),
    "15_bad_domain": (
        "i-023a78e0392f7fea3", "10.10.0.5", "QUERY", "28.45.9.77", 35,
        at(2, 2, 46, 5), at(2, 8, 26, 46),
    ),
    "16_exfiltration": (
        "ci-deployer", ATTACKER, "Iceland", 274, 18374.7, at(2, 2, 7, 11), at(2, 3, 40, 53),
    ),
    "17_waf_rules": (
        "halden-shop", "SQLi_QUERYARGUMENTS", 80, 1, "Iceland", at(2, 1, 12, 12, 287000),
    ),
    "18_user_agents": ("sqlmap/1.8.2#stable (https://sqlmap.org)", 80, 1, 100.0),
    "19_tls_versions": ("alb", "1.3", 4167, 318),
    "20_latency": ("/api/v1/profile", 150, 0.034, 0.146, 0.22),
    "21_changed_objects": None,  # the demo's were read once; tests/ingest/test_late.py asks it
    "22_many_names": ("shadow-relay.example", 91, 73, 272, 1),
    "23_events_twice": None,  # tests/ingest/test_query_rows_replaced.py asks it
}  # fmt: skip


@pytest.mark.parametrize(("name", "sql"), [(n, s) for n, _, s in questions()])
def test_the_answer_holds_what_the_raw_logs_say(demo_lake: Lake, name: str, sql: str) -> None:
    rows = demo_lake.sql(sql).fetchall()
    assert FACTS[name] in rows if FACTS[name] else rows == []


def test_every_question_has_a_comment_that_asks_it() -> None:
    found = questions()
    assert len(found) == 23
    assert all(q and q[0].isupper() and q[-1] in "?." for _, q, _ in found)
    assert sorted(FACTS) == [n for n, _, _ in found]
