"""A source.toml of one's own in which an entry is not what it is to be: told with file and entry,
where a list for a text would be taken letter by letter. And what is known to be no log of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from own_source import LINES, own_source

from lake.decode.noted import Noted
from lake.errors import LakeError, SourceError
from lake.model import RawObject
from lake.sources.catalogue import catalogue
from lake.sources.declared import load_source
from lake.stage.preview import preview

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("was", "given", "words"),
    [
        ('title = "Lines"', "", "'title' is missing"),
        ('title = "Lines"', "title = 7", "title = 7 is to be a text, in quotes"),
        ('title = "Lines"', 'titel = "Lines"', "the top has no 'titel'. Known: "),
        ("line = '^ODD '", "key = '/odd/'", "key = '/odd/' is to be a list, in [ ]"),
        ("line = '^ODD '", "key = [7]", "first argument must be string"),
        ("line = '^ODD '", 'members = ["odd", "ip"]', 'members is a list of lists: [["a", "b"]]'),
        ("line = '^ODD '", "line = '^(ODD '", "missing ), unterminated subpattern"),
        ('delimiter = " "', "", "'delimiter' is missing"),
        (
            'delimiter = " "',
            'delimiter = " "\nlayouts = [{ upt = ["ip"] }]',
            "[[delimited.layouts]] has no 'upt'. Known: ",
        ),
        (
            'delimiter = " "',
            'delimiter = " "\nlayouts = ["ip"]',
            "[[delimited.layouts]] = 'ip' is to be a table",
        ),
        (
            "[native]",
            '[delimited.typed]\nport = "source.port"\n[native]',
            "[delimited.typed] 'port' is none of the columns",
        ),
        (
            "[native]",
            '[delimited.typed]\nip = "source.sport"\n[native]',
            "[delimited.typed] 'source.sport' is no leaf of ecs.toml or [native]",
        ),
        ('n = "BIGINT"', "n = 7", "[native] n = 7 is no type, in quotes"),
        ("[native]", "[natives]", "the top has no 'natives'. Known: "),
    ],
)
def test_entries_that_are_wrong(tmp_path: Path, was: str, given: str, words: str) -> None:
    assert was in LINES
    with own_source(tmp_path, LINES.replace(was, given)), pytest.raises(SourceError) as raised:
        catalogue()
    assert str(raised.value).startswith(f"{tmp_path / 'own' / 'source.toml'}: ")
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("AWSLogs/111122223333/RDS/us-east-1/2026/01/02/audit.log", "an AWS log that no source "),
        ("disk/lucene-core.jar!/org/apache/lucene/Document.txt", "text that no source knows"),
        ("src/OpenSearch/server/README.txt", "text that no source knows"),
    ],
)
def test_a_folder_is_an_aws_logs_where_it_lies_among_them(key: str, reason: str) -> None:
    """Of a disk with programs on it 35,000 objects were called logs of AWS."""
    found = preview(b"some words\nof no log\n", key)
    assert (found.status, found.rows) == ("unknown", [])
    assert (found.reason or "").startswith(reason)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("x.json", '{"class_uid":4003,"category_uid":4,"metadata":{"version":"1.2.0"}}'),
        ("AWSLogs/111122223333/Route53GlobalResolverLogs/gr-0a/a.log", "some words"),
    ],
)
def test_events_in_ocsf_are_named_whoever_wrote_them(key: str, text: str) -> None:
    """Queries of Route 53 Global Resolver were called Security Lake's."""
    found = preview(text.encode(), key)
    assert (found.status, found.rows) == ("unknown", [])
    assert found.reason == (
        "events in OCSF, as Security Lake and Route 53 Global Resolver write them; no source reads "
        "them yet"
    )


@pytest.mark.parametrize("name", ["objects", "accounts", "events"])
def test_a_source_has_no_name_of_a_view(tmp_path: Path, name: str) -> None:
    """The view took its table's place, and its rows were nowhere."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "source.toml").write_text(LINES)
    with pytest.raises(SourceError, match="every lake has a view of that name"):
        load_source(tmp_path / name)


def test_a_source_of_json_has_no_lines() -> None:
    assert catalogue()["vpcflow"].lines is catalogue()["vpcflow"].delimited
    with pytest.raises(SourceError, match="cloudtrail: its records are JSON"):
        _ = catalogue()["cloudtrail"].lines


def test_an_object_has_no_source_before_it_is_known() -> None:
    noted = Noted(RawObject("file://", "a.log", "/a.log", 1), catalogue())
    with pytest.raises(LakeError, match=r"/a\.log: its source was asked for before it was known"):
        _ = noted.recognised
