"""Names of DNS questions: what the Public Suffix List makes of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lake.enrich.domains import LONGEST, split

LONG = f"{'x' * 60}." * 4 + "example.com"

NAMES = [
    # name, registered_domain, subdomain, top_level_domain
    ("www.Example.co.uk", "example.co.uk", "www", "co.uk"),
    ("a.b.EXAMPLE.com", "example.com", "a.b", "com"),
    ("example.com", "example.com", None, "com"),
    ("com", None, None, "com"),
    ("co.uk", None, None, "co.uk"),
    ("c2.duckdns.org", "c2.duckdns.org", None, "duckdns.org"),
    ("logs.s3.amazonaws.com", "logs.s3.amazonaws.com", None, "s3.amazonaws.com"),
    ("ip-10-0-0-1.ec2.internal", "ec2.internal", "ip-10-0-0-1", "internal"),
    ("_ldap._tcp.corp.local", "corp.local", "_ldap._tcp", "local"),
    ("wpad", None, None, "wpad"),
    ("7.113.0.203.IN-ADDR.arpa", "203.in-addr.arpa", "7.113.0", "in-addr.arpa"),
    ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn", "www", "xn--55qx5d.cn"),
    ("\u0130.\u0130x.example", "i\u0307x.example", "\u0130", "example"),
    (LONG[-LONGEST:], "example.com", LONG[-LONGEST:-12], "com"),
    # addresses, and what is no name
    ("203.0.113.7", None, None, None),
    (".", None, None, None),
    ("a..example.com", None, None, None),
    (".example.com", None, None, None),
    ("x" * LONGEST + ".com", None, None, None),
    ("", None, None, None),
    (None, None, None, None),
]


@pytest.mark.parametrize(("name", "registered", "before", "suffix"), NAMES)
def test_a_name_has_its_parts(
    name: str | None, registered: str | None, before: str | None, suffix: str | None
) -> None:
    found = split(pa.array([name], pa.string())).to_pylist()[0]
    assert found == {
        "registered_domain": registered,
        "subdomain": before,
        "top_level_domain": suffix,
    }


def test_parts_stand_in_the_order_of_the_names() -> None:
    names = pa.array(["b.example.net", None, "a.example.org"])
    assert split(names)["registered_domain"].to_pylist() == ["example.net", None, "example.org"]
