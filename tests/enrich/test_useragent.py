"""User agents: named texts and what the rules of ua-parser make of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.enrich.columns import member_type
from lake.enrich.useragent import PARSED_CHARACTERS, parse

EXPECTED = Path(__file__).parents[2].parent / "shared" / "corpus-expected"

FIREFOX = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:78.0) Gecko/20100101 Firefox/78.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36"
)
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) terraform-provider-aws/"
    "3.76.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go/1.44.157 "
    "(go1.19.3; linux; amd64) HashiCorp-terraform-exec/0.17.3"
)
JAVA = (
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.184-153.731.amzn2int.x86_64 "
    "OpenJDK_64-Bit_Server_VM/25.372-b08 java/1.8.0_372]"
)

AGENTS = [
    # text, name, version, os.name, os.version, os.full, device.name
    (FIREFOX, "Firefox", "78.0", "Mac OS X", "10.15", "Mac OS X 10.15", "Mac"),
    (CHROME, "Chrome", "120.0.0", "Windows", "10", "Windows 10", "Other"),
    ("curl/7.46.0", "curl", "7.46.0", "Other", None, "Other", "Other"),
    ("python-requests/2.28.0", "Python Requests", "2.28", "Other", None, "Other", "Other"),
    (
        "aws-cli/2.13.0 Python/3.11.4 Linux/5.10.0-1234-aws exe/x86_64.ubuntu.22",
        "aws-cli", "2.13.0", "Linux", "5.10.0", "Linux 5.10.0", "Other",
    ),
    (
        "aws-cli/1.10.10 Python/2.7.9 Windows/7 botocore/1.4.1",
        "aws-cli", "1.10.10", "Windows", None, "Windows", "Spider",
    ),
    (
        "Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic Botocore/1.29.165",
        "Boto3", "1.26.165", "Linux", "5.19.0", "Linux 5.19.0", "Spider",
    ),
    (TERRAFORM, "aws-sdk-go", "1.44.157", "Linux", None, "Linux", "Other"),
    (JAVA, "aws-sdk-java", "1.12.488", "Linux", "5.10.184", "Linux 5.10.184", "Other"),
    ("AWS Internal", "AWS Internal", None, "Other", None, "Other", "Other"),
    ("ec2.amazonaws.com", "ec2.amazonaws.com", None, "Other", None, "Other", "Other"),
    ("evil text.amazonaws.com", "Other", None, "Other", None, "Other", "Other"),
    ("S3Console/0.4", "Other", None, "Other", None, "Other", "Other"),
    ("Mozilla", "Other", None, "Other", None, "Other", "Other"),
    ("-", "Other", None, "Other", None, "Other", "Other"),
    ("\x01\u2028 😀 \"q\" \\ \u202e", "Other", None, "Other", None, "Other", "Other"),
]  # fmt: skip


@pytest.mark.parametrize("case", AGENTS, ids=[case[0][:30] for case in AGENTS])
def test_text_becomes_user_agent(case: tuple[str, ...]) -> None:
    text, name, version, os_name, os_version, os_full, device = case
    assert parse([text]).to_pylist() == [
        {
            "text": text,
            "name": name,
            "version": version,
            "os": {"family": None, "full": os_full, "name": os_name, "version": os_version},
            "device": {"name": device},
        }
    ]


def test_nothing_gives_nothing_and_types_are_those_of_ecs_toml() -> None:
    table = parse(pa.chunked_array([["curl/7.46.0", None], [""]], pa.string()))
    assert table["name"].to_pylist() == ["curl", None, None]
    assert table["os"].to_pylist()[1:] == [None, None]
    assert table["device"].to_pylist()[1:] == [None, None]
    assert table.column_names == ["text", "name", "version", "os", "device"]
    for leaf in table.column_names[1:]:
        assert table.schema.field(leaf).type == member_type(f"user_agent.{leaf}")
    assert parse([]).schema == table.schema


def test_only_the_head_of_a_long_text_is_parsed() -> None:
    head = "curl/7.46.0 ".ljust(PARSED_CHARACTERS)
    table = parse([head + "Googlebot/2.1", head[:-14] + " Googlebot/2.1"])
    assert table["name"].to_pylist() == ["curl", "Googlebot"]
    assert table["text"].to_pylist()[0] == head + "Googlebot/2.1"


@pytest.mark.skipif(not EXPECTED.is_dir(), reason="no documents at ../shared/corpus-expected")
def test_the_same_values_as_the_well_known_normaliser() -> None:
    wanted: dict[str, dict[str, Any]] = {}
    for path in sorted(EXPECTED.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                document = json.loads(line)
                agent = document.get("_source", document).get("user_agent", {})
                if "original" in agent:
                    wanted[agent["original"]] = agent
    differing = {}
    for row in parse(list(wanted)).to_pylist():
        ours = {
            "original": row["text"],
            "name": row["name"],
            "version": row["version"],
            "os.name": row["os"]["name"],
            "os.full": row["os"]["full"],
            "os.version": row["os"]["version"],
            "device.name": row["device"]["name"],
        }
        theirs = wanted[row["text"]]
        if {key: value for key, value in ours.items() if value is not None} != theirs:
            differing[row["text"].partition("/")[0]] = (theirs["device.name"], ours["device.name"])
    assert len(wanted) > 150
    # The rule finds "bot" in "Botocore" within the first 100 characters; the Rust build of the
    # rules reads such bounded repetitions as unbounded, and here it stands further on.
    assert differing == {"CloudCustodian(net-change-encryption)": ("Other", "Spider")}
