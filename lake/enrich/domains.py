"""Names of DNS questions to the parts that ECS has of them, by the Public Suffix List.

The list (https://publicsuffix.org/list/) comes with the package `publicsuffixlist`, so its state is
that of the installed version; nothing is loaded. Both of its sections count: below `duckdns.org` or
`s3.amazonaws.com` each name is somebody else's. A last label that is not on the list is taken for a
suffix, as the list's own algorithm says: `host.ec2.internal` is registered as `ec2.internal`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.enrich.columns import member_type
from lake.sources.rowmodel import QUESTION

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

LONGEST = 253
"""Characters of a name in DNS (RFC 1035, 2.3.4, without the final dot)."""

Parts = tuple[str | None, str | None, str | None]


def split(names: pa.Array) -> pa.Table:
    """Columns `registered_domain`, `subdomain` and `top_level_domain` of names without a final
    dot, in their order: of `www.Example.co.uk` they are `example.co.uk`, `www` and `co.uk`.

    The registered domain and the suffix are in lower case, since resolvers ask in any; what stands
    before them is as it was asked. NULL where a name has no such part, as a suffix alone has none
    but the last, and all three for an address or what is no name. Give distinct names.
    """
    rows = [_parts(name) if name else (None, None, None) for name in names.to_pylist()]
    return pa.table(
        {
            leaf: pa.array([row[at] for row in rows], member_type(f"dns.question.{leaf}"))
            for at, leaf in enumerate(QUESTION)
        }
    )


def _parts(name: str) -> Parts:
    if len(name) > LONGEST or name.rpartition(".")[2].isdigit():
        return None, None, None
    registered = _suffixes().privatesuffix(name)
    if registered is None:
        return None, None, _suffixes().publicsuffix(name)
    before = name.split(".")[: -1 - registered.count(".")]
    return registered, ".".join(before) or None, registered.partition(".")[2]


@cache
def _suffixes() -> PublicSuffixList:
    """The list; 0.03 s, so only when the first name comes."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
