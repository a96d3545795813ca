"""Columns of chance, made by numpy many at a time.

Every function takes a stream and a count and gives a list of that length. `Pool`s are the values
that recur over all objects of a kind (addresses, users); they hang on the seed alone.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
Stream = np.random.Generator

SPECIAL = (0, 10, 100, 127, 169, 172, 192, 198, 203)
"""First octets of IPv4 that hold private, shared or documentation networks."""
PUBLIC = tuple(octet for octet in range(1, 224) if octet not in SPECIAL)


def stream(seed: int, *names: str | int) -> Stream:
    """A stream of its own for each list of names."""
    return np.random.default_rng([seed, zlib.crc32(repr(names).encode())])


def numbers(rng: Stream, low: int, high: int, count: int) -> list[int]:
    """Whole numbers from `low` to `high`, both possible."""
    found: list[int] = rng.integers(low, high + 1, count).tolist()
    return found


def weighted(rng: Stream, values: dict[T, float], count: int) -> list[T]:
    """Values as often as their weights say."""
    known = list(values)
    weights = np.array(list(values.values()))
    return [known[i] for i in rng.choice(len(known), count, p=weights / weights.sum()).tolist()]


def skewed(rng: Stream, pool: Sequence[T], count: int) -> list[T]:
    """Values of a pool, the first ones most often: half of the draws are of the first eighth."""
    return [pool[i] for i in (rng.random(count) ** 3 * len(pool)).astype(int).tolist()]


def hexes(rng: Stream, digits: int, count: int) -> list[str]:
    """Texts of so many hexadecimal digits."""
    text = rng.bytes((count * digits + 1) // 2).hex()
    return [text[i : i + digits] for i in range(0, count * digits, digits)]


def uuids(rng: Stream, count: int) -> list[str]:
    return [f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}" for h in hexes(rng, 32, count)]


def moments(rng: Stream, begin: float, seconds: float, count: int) -> list[float]:
    """Times within a span (seconds since 1970), in order."""
    found: list[float] = (begin + np.sort(rng.random(count)) * seconds).tolist()
    return found


@lru_cache
def addresses(seed: int, kind: str, size: int) -> tuple[str, ...]:
    """The public addresses that a kind's records draw from."""
    rng = stream(seed, "addresses", kind)
    first = rng.choice(PUBLIC, size).tolist()
    rest = rng.integers(1, 255, (size, 3)).tolist()
    return tuple(f"{a}.{b}.{c}.{d}" for a, (b, c, d) in zip(first, rest, strict=True))


@lru_cache
def hosts(seed: int, kind: str, size: int) -> tuple[tuple[str, str], ...]:
    """Private addresses, each with the network interface that it belongs to."""
    rng = stream(seed, "hosts", kind)
    parts = rng.integers(1, 255, (size, 2)).tolist()
    nets = rng.integers(0, 4, size).tolist()
    interfaces = hexes(rng, 17, size)
    return tuple(
        (f"10.{net}.{c}.{d}", f"eni-{interface}")
        for net, (c, d), interface in zip(nets, parts, interfaces, strict=True)
    )


AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.5.0",
    "python-requests/2.32.3",
)
"""Browsers, most frequent first."""
TOOLS = (
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64 api/sts#1.30.3",
    "Boto3/1.34.144 md/Botocore#1.34.144 ua/2.0 os/linux#6.1.97 md/arch#x86_64 "
    "lang/python#3.12.4 md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.34.144",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) "
    "terraform-provider-aws/5.58.0 (+https://registry.terraform.io/providers/hashicorp/aws) "
    "aws-sdk-go-v2/1.30.1 os/linux lang/go#1.22.4 md/GOOS#linux md/GOARCH#amd64",
    "aws-cli/2.17.13 md/awscrt#0.20.11 ua/2.0 os/macos#23.5.0 md/arch#arm64 lang/python#3.11.9 "
    "md/pyimpl#CPython cfg/retry-mode#standard md/installer#source md/command#ec2.describe",
    "AWS Internal",
    "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.217 "
    "OpenJDK_64-Bit_Server_VM/25.412-b09 java/1.8.0_412 vendor/Oracle_Corporation",
)
"""What calls the API, most frequent first."""
