"""What a source's folder may say of its rows, and the words where it may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from own_source import LINES, LINES_SQL, own_source

from lake.errors import SourceError
from lake.normalize.flat import outputs
from lake.sources.catalogue import catalogue
from lake.sources.rowmodel import named, table_columns

if TYPE_CHECKING:
    from pathlib import Path

ALIASED = 'AS "native.n"'


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("TIME", "native.t is TIME, which a Delta table cannot hold. Declare it VARCHAR."),
        ("TIME[]", "native.t is TIME[], which a Delta table cannot hold. Declare it VARCHAR."),
        (
            "STRUCT(a INTERVAL)[]",
            "native.t is STRUCT(a INTERVAL)[], which a Delta table cannot hold.",
        ),
        ("HUGEINT", "native.t is HUGEINT, which a Delta table cannot hold. Declare it VARCHAR."),
        ("STRUCT(a UHUGEINT)[]", "native.t is STRUCT(a UHUGEINT)[], which a Delta table cannot"),
        ("TIMESTAMP_S", "native.t is TIMESTAMP_S, which a Delta table cannot hold."),
        ("NOPE", "native.t: Catalog Error: Type with name NOPE does not exist!"),
    ],
)
def test_a_type_that_cannot_be_stored(tmp_path: Path, declared: str, words: str) -> None:
    toml = f"{LINES}t = {json.dumps(declared)}\n"
    with own_source(tmp_path, toml), pytest.raises(SourceError) as raised:
        outputs(catalogue()["own"])
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "declared",
    [
        "DECIMAL(18, 3)",
        "UBIGINT",
        "MAP(VARCHAR, VARCHAR)",
        "TIMESTAMP",
        "STRUCT(a INTEGER, b VARCHAR)[]",
        "JSON[]",
        "UUID",
        "BLOB",
        "DATE",
        "FLOAT",
    ],
)
def test_a_type_that_can(tmp_path: Path, declared: str) -> None:
    toml = f"{LINES}t = {json.dumps(declared)}\n"
    with own_source(tmp_path, toml):
        assert outputs(catalogue()["own"])["native.n"] == "BIGINT"
        assert table_columns(catalogue()["own"])["native"] == {"n": "BIGINT", "t": declared}


def test_a_member_with_a_hyphen(tmp_path: Path) -> None:
    toml = LINES + '"pkt-src" = "VARCHAR"\n'
    sql = LINES_SQL.replace(ALIASED, f'{ALIASED}, ip AS "native.pkt-src"')
    with own_source(tmp_path, toml, sql):
        assert outputs(catalogue()["own"])["native.pkt-src"] == "VARCHAR"
        assert "native.pkt-src" in named(catalogue()["own"])


def test_a_comment_that_looks_like_an_alias_gives_no_column(tmp_path: Path) -> None:
    """It only widens the table's type."""
    with own_source(tmp_path, sql=f'-- not AS "destination.ip", AS "native.no"\n{LINES_SQL}'):
        source = catalogue()["own"]
        assert "destination.ip" not in outputs(source)
        assert "native.no" not in named(source)
        assert "destination" in table_columns(source)


def test_a_comment_at_the_end(tmp_path: Path) -> None:
    with own_source(tmp_path, sql=f"{LINES_SQL.rstrip()} -- that is all"):
        assert outputs(catalogue()["own"])["native.n"] == "BIGINT"


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ('"native.n"', 'write AS "native.n", with the name in quotes'),
        ('AS"native.n"', 'write AS "native.n", with the name in quotes'),
        ('AS "native.m"', "'native.m' is no leaf of ecs.toml, no member of [native]"),
        ('AS "source.ipp"', "'source.ipp' is no leaf of ecs.toml, no member of [native]"),
        ('AS "native.n", nope', 'Binder Error: Referenced column "nope" not found'),
    ],
)
def test_a_target_that_is_not_named_as_it_must_be(tmp_path: Path, alias: str, words: str) -> None:
    sql = LINES_SQL.replace(ALIASED, alias)
    with own_source(tmp_path, sql=sql), pytest.raises(SourceError) as raised:
        outputs(catalogue()["own"])
    assert words in str(raised.value)
