"""The attack, as data: who, with what, when, against what. The source modules only tell it.

On the first evening somebody in Iceland scans the shop's addresses. In the night they try the
shop's search for SQL injection, then use an access key that leaked from the build machine: they
look around, make themselves administrators, are kept from stopping CloudTrail, open a port, take
over a machine that then talks to their own host, and copy the customer exports. In the morning
alice.meyer notices and shuts the doors. The same names and addresses stand in every source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.demo.chance import END, fixed_hex, moment
from lake.demo.world import DEPLOYER, EXPORTS, PRODUCTION, host_named

if TYPE_CHECKING:
    import random

TAKEN = host_named("us-bastion")  # the machine they take over


@dataclass(frozen=True, slots=True)
class Story:
    """The identifiers that the attack leaves in the logs, the same for every seed."""

    account: str
    attacker_address: str
    scanner_addresses: tuple[str, ...]
    stolen_user: str
    stolen_access_key: str
    new_user: str
    new_access_key: str
    backdoor_role: str
    bucket: str
    bad_domain: str
    bad_domain_address: str
    instance: str
    instance_role_key: str
    security_group: str
    trail: str


SCAN = moment(1, 22, 40)
PROBE = moment(2, 1, 12)
FIRST_CALL = moment(2, 2, 3, 11)
ESCALATION = moment(2, 2, 24)
CONSOLE = moment(2, 2, 31)
BLINDING = moment(2, 2, 36)
OPEN_PORT = moment(2, 2, 41, 20)
SHELL = moment(2, 2, 44)
FIRST_BEACON = moment(2, 2, 46, 5)
EXFILTRATION = moment(2, 3, 5)
EXFILTRATION_END = moment(2, 3, 41)
CONTAINED = moment(2, 8, 15)
DNS_BLOCKED = moment(2, 8, 32)
QUARANTINED = moment(3, 9, 5)

STORY = Story(
    account=PRODUCTION.id,
    attacker_address="26.77.13.201",
    scanner_addresses=("30.99.4.18", "30.99.71.203", "30.99.150.9", "30.99.212.77"),
    stolen_user=DEPLOYER.name,
    stolen_access_key="AKIAHALDENCI7EXAMPLE",
    new_user="svc-backup",
    new_access_key="AKIAHALDENNEWEXAMPLE",
    backdoor_role="halden-break-glass",
    bucket=EXPORTS.name,
    bad_domain="telemetry.shadow-relay.example",
    bad_domain_address="28.45.9.77",
    instance=TAKEN.instance or "",
    instance_role_key="ASIAHALDENJMPEXAMPLE",
    security_group="sg-0" + fixed_hex("bastion security group", 16),
    trail="halden-org-trail",
)

ATTACKER = STORY.attacker_address
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ATTACKER_CLI = (
    "aws-cli/2.15.22 Python/3.11.8 Linux/6.6.15-amd64 exe/x86_64.kali.2024 prompt/off command/"
)
ATTACKER_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"
PROBE_AGENT = "sqlmap/1.8.2#stable (https://sqlmap.org)"
TRAVERSAL_AGENT = "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"

# fmt: off
SCANNED_PORTS = (
    21, 22, 23, 25, 53, 80, 81, 110, 111, 135, 139, 143, 161, 389, 443, 445, 465, 512, 513, 514,
    587, 631, 636, 873, 993, 995, 1080, 1099, 1433, 1521, 1723, 2049, 2082, 2083, 2181, 2222, 2375,
    2376, 2379, 3000, 3128, 3268, 3306, 3389, 3690, 4369, 4443, 4444, 4848, 5000, 5044, 5060, 5432,
    5601, 5672, 5800, 5900, 5901, 5984, 5985, 6000, 6379, 6443, 6667, 7001, 7077, 7474, 8000, 8008,
    8009, 8080, 8081, 8086, 8088, 8123, 8161, 8443, 8500, 8888, 9000, 9042, 9090, 9092, 9100, 9200,
    9300, 9418, 10000, 10250, 11211, 15672, 27017, 28015, 50000, 50070,
)
# fmt: on

SQL_INJECTIONS = (
    "1' OR '1'='1",
    "1' UNION SELECT NULL,NULL,NULL-- -",
    "1' UNION SELECT table_name,NULL,NULL FROM information_schema.tables-- -",
    "1' UNION SELECT email,password,NULL FROM customers-- -",
    "1' AND SLEEP(5)-- -",
    "1' AND (SELECT COUNT(*) FROM users)>0-- -",
    "1; DROP TABLE orders-- -",
    "1' AND EXTRACTVALUE(1,CONCAT(0x7e,VERSION()))-- -",
)
TRAVERSALS = (
    "/static/../../../../etc/passwd",
    "/images/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/download/....//....//....//etc/shadow",
    "/.git/config",
    "/.env",
    "/wp-config.php.bak",
    "/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh",
    "/admin/..;/manager/html",
)


def beacons(rng: random.Random) -> list[float]:
    """When the taken machine calls home: every ten minutes or so until it is quarantined."""
    times = []
    at = float(FIRST_BEACON)
    while at < min(QUARANTINED, END):
        times.append(round(at, 3))
        at += 600 + rng.uniform(-25, 25)
    return times


def ssh_from_anywhere(ipv6: dict[str, Any]) -> dict[str, Any]:
    """The bastion's port 22 for the whole world, as the calls that open and shut it write it."""
    anywhere = {
        "ipProtocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "groups": {},
        "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
        "ipv6Ranges": ipv6,
        "prefixListIds": {},
    }
    return {"groupId": STORY.security_group, "ipPermissions": {"items": [anywhere]}}
