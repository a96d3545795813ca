"""What counts as an address, how it is written, and which ones are public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.enrich.address import parse

TEXTS = [
    ("81.2.69.142", "81.2.69.142"),
    (" 81.2.69.142\t", "81.2.69.142"),
    ("[81.2.69.142]", "81.2.69.142"),
    ("0.0.0.0", "0.0.0.0"),  # noqa: S104
    ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("[2001:218::1]", "2001:218::1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),  # RFC 5952 4.2.2: one group is not cut
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),  # 4.2.3: the longest run
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),  # 4.2.3: the first of two
    ("fe80::1%eth0", "fe80::1"),
    ("[fe80::1%25eth0]", "fe80::1"),
    ("::", "::"),
    ("::1", "::1"),
    ("::1:2", "::1:2"),  # glibc writes ::0.1.0.2
    ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ("::FFFF:0102:0304", "::ffff:1.2.3.4"),
    ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
    (None, None),
    ("", None),
    ("-", None),
    ("ec2.amazonaws.com", None),
    ("AWS Internal", None),
    ("081.2.69.142", None),
    ("81.2.69.0142", None),
    ("81.2.69", None),
    ("81.2.69.142.", None),
    ("81.2.69.256", None),
    ("1369589134", None),
    ("0x51.2.69.142", None),
    ("81.2.69.142:443", None),
    ("[2001:218::1]:443", None),
    ("81.2.69.142%eth0", None),
    ("81.2.69.142/32", None),
    ("٨١.2.69.142", None),
    ("::ffff:01.2.3.4", None),
    ("fe80::1%", None),
    ("fe80::1%a'b", None),
    ("fe80::1%a%b", None),
    ("2001::1::2", None),
    ("1.2.3.4\x00", None),
    ("::1\x00", None),
    (" " * 200 + "1.2.3.4", None),
]


def ip_text(text: str | None) -> str | None:
    """One value as it is written."""
    found: str | None = parse([text]).texts[0].as_py()
    return found


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text_becomes_rfc_5952_or_nothing(text: str | None, expected: str | None) -> None:
    assert ip_text(text) == expected


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("1.0.0.0", True),
        ("9.255.255.255", True),
        ("10.0.0.0", False),
        ("10.255.255.255", False),
        ("11.0.0.0", True),
        ("100.63.255.255", True),
        ("100.64.0.0", False),
        ("100.127.255.255", False),
        ("100.128.0.0", True),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.15.255.255", True),
        ("172.16.0.0", False),
        ("172.31.255.255", False),
        ("172.32.0.0", True),
        ("192.0.2.1", False),
        ("192.167.255.255", True),
        ("192.168.0.0", False),
        ("192.169.0.0", True),
        ("198.17.255.255", True),
        ("198.18.0.0", False),
        ("198.19.255.255", False),
        ("198.20.0.0", True),
        ("198.51.100.7", False),
        ("203.0.113.7", False),
        ("223.255.255.255", True),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),  # noqa: S104
        ("2001:218::1", True),
        ("2600:1f18::1", True),
        ("3ffe::1", True),
        ("2001:db8::1", False),
        ("2001:1ff:ffff::1", False),
        ("2001:200::1", True),
        ("2002:5102:458e::1", False),
        ("3fff::1", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("4000::1", False),
        ("::1", False),
        ("::ffff:81.2.69.142", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::81.2.69.142", True),
        ("64:ff9b::10.0.0.1", False),
    ],
)
def test_public_means_globally_reachable(text: str, public: bool) -> None:
    found = parse([text]).public()
    assert len(found.v4_at) + len(found.v6_at) == int(public)


def test_positions_and_numbers_follow_the_texts() -> None:
    found = parse(["10.0.0.1", "-", "2001:218::1", None, "::ffff:81.2.69.142"])
    assert found.texts.to_pylist() == ["10.0.0.1", None, "2001:218::1", None, "::ffff:81.2.69.142"]
    assert found.v4_at.tolist() == [0, 4]
    assert found.v4.tolist() == [0x0A000001, 0x5102458E]
    assert found.v6_at.tolist() == [2]
    assert found.v6.tolist() == [[0x20010218, 0, 0, 1]]
    public = found.public()
    assert public.texts == found.texts
    assert (public.v4_at.tolist(), public.v6_at.tolist()) == ([4], [2])


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_itself(address: IPv4Address) -> None:
    assert ip_text(str(address)) == str(address)
    assert parse([str(address)]).v4.tolist() == [int(address)]


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_written_one_way(address: IPv6Address) -> None:
    canonical = ip_text(address.exploded)
    assert canonical is not None
    assert ip_text(canonical) == canonical
    assert ip_text(f"[{address.exploded.upper()}%en0]") == canonical
    assert IPv6Address(canonical) == address
    if not address.ipv4_mapped:
        assert canonical == str(address)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    found = parse([text])
    assert len(found.v4_at) + len(found.v6_at) == int(found.texts[0].is_valid)
