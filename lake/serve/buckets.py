"""Which accounts buckets belong to. A line of an S3 access log names its bucket and no account, and
so does the key of many a delivery: `lake buckets FILE` tells it, and rows of which nothing else
tells one lie in that account's partitions.

A lake keeps them in `_buckets.csv` in its folder, for the next ingest and for `lake rebuild`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.errors import UsageError
from lake.serve.pairs import Pairs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAIRS = Pairs(
    file="_buckets.csv",
    what="buckets",
    keys=("bucket", "bucketname", "resourcename", "resourceid", "name"),
    values=("account", "accountid", "awsaccountnumber", "owner", "ownerid"),
    ask="Give a CSV with the columns bucket and account, or JSON with them.",
)


def bucket_accounts(lake: Path) -> dict[str, str]:
    """Bucket -> account, by the buckets; nothing where the lake was told of none. Raises UsageError
    where its file cannot be read: rows would lose their accounts."""
    try:
        return read_buckets(PAIRS.kept(lake))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UsageError) as error:
        raise UsageError(
            f"{lake / PAIRS.file}: {error} Put it right with `lake buckets FILE`, or remove it."
        ) from error


def keep_buckets(lake: Path, owners: Mapping[str, str]) -> None:
    """Keep these owners, in place of those before. Raises StorageError."""
    PAIRS.keep(lake, owners)


def read_buckets(data: bytes) -> dict[str, str]:
    """The owners in a file that somebody gives, such as a CSV of S3 Storage Lens or what `aws
    configservice select-aggregate-resource-config` prints. Raises UsageError that says what is
    wrong, and what to give."""
    found: dict[str, str] = {}
    for bucket, account in PAIRS.read(data):
        own = PAIRS.account(account)
        if bucket and found.setdefault(bucket, own) != own:
            raise UsageError(f"bucket {bucket} has two accounts: {found[bucket]} and {own}.")
    if not found:
        raise UsageError(f"no bucket with an account. {PAIRS.ask}")
    return dict(sorted(found.items()))
