"""Sources of a test's own: a folder of transforms with one source, as a user would write it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = """\
title = "Lines"
docs = "none"
format = "delimited"
identity = "object+line"
[recognise]
line = '^ODD '
[delimited]
delimiter = " "
header = "none"
columns = ["odd", "time", "ip", "how", "account", "region"]
[native]
n = "BIGINT"
"""
"""Lines such as `ODD 2024-02-01T10:00:00Z 192.0.2.1 n5 111122223333 eu-west-1`."""
LINES_SQL = """\
SELECT record,
  CASE WHEN how = 'fail' THEN error('boom')::TIMESTAMPTZ
       ELSE TRY_CAST(time AS TIMESTAMPTZ) END AS "@timestamp",
  CASE WHEN how = 'reject' THEN 'told so' END AS reject,
  ip AS "source.ip", account AS "cloud.account.id", region AS "cloud.region",
  TRY_CAST(region AS TIMESTAMPTZ) AS "event.start",
  CASE WHEN how LIKE 'n%' THEN TRY_CAST(substr(how, 2) AS BIGINT) END AS "native.n"
FROM (
  SELECT * FROM records WHERE how IS DISTINCT FROM 'gone'
  UNION ALL SELECT * FROM records WHERE how = 'twice'
  UNION ALL SELECT * REPLACE (NULL AS record) FROM records WHERE how = 'foreign'
)
"""


def odd(*records: str, time: str = "2024-02-01T10:00:00Z") -> bytes:
    """Lines of this source; a record is what stands behind the time, short ones are filled."""
    filled = [" ".join((record.split(" ") + ["-"] * 4)[:4]) for record in records]
    return "".join(f"ODD {time} {record}\n" for record in filled).encode()


@contextmanager
def own_source(folder: Path, toml: str = LINES, sql: str = LINES_SQL) -> Iterator[None]:
    """The catalogue with a source `own` besides the project's."""
    (folder / "own").mkdir()
    (folder / "own" / "source.toml").write_text(toml, "utf-8")
    (folder / "own" / "normalize.sql").write_text(sql, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_TRANSFORMS", str(folder))
        catalogue.cache_clear()
        try:
            yield
        finally:
            catalogue.cache_clear()
