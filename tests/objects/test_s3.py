"""Buckets, against a real S3 server; what a test server cannot do (archived objects, AWS's own
answers) is given to the functions that decide about it."""

from __future__ import annotations

import pickle
import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, FlexibleChecksumError, NoCredentialsError

from lake.errors import AccessError, DecodeError, LakeError, UsageError
from lake.model import RawObject, S3Options, Unreadable
from lake.objects import s3errors
from lake.objects.days import Days
from lake.objects.discover import locate
from lake.objects.s3 import S3Location, locate_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.response import StreamingBody
    from servers import S3Server

pytest_plugins = ["servers"]

TRAIL = "AWSLogs/111122223333/CloudTrail"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The server's keys in the environment, and nothing of this machine's own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testkey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testsecret1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return monkeypatch


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    """No client of another test, with other credentials."""
    from lake.objects import s3

    s3._client.cache_clear()
    yield
    s3._client.cache_clear()


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    """Two accounts, two regions, 2024-01-30 to 2024-02-04; keys without a day; 1,105 flat keys."""
    client = s3_server.client()
    client.create_bucket(Bucket="evidence")
    keys = []
    for account in ("111122223333", "444455556666"):
        for region in ("eu-west-1", "us-east-1"):
            for day in ("2024/01/30", "2024/01/31", "2024/02/01", "2024/02/02", "2024/02/04"):
                stamp = day.replace("/", "")
                name = f"{account}_CloudTrail_{region}_{stamp}T1000Z_abc.json.gz"
                keys.append(f"AWSLogs/{account}/CloudTrail/{region}/{day}/{name}")
    keys += [f"hive/region=x/year=2024/month=02/day={day:02}/x.gz" for day in (1, 2, 3, 4)]
    keys += [f"waf/2024/02/{day:02}/{hour:02}/x.gz" for day in (1, 2, 5) for hour in (0, 23)]
    keys += ["plain/note.txt", "plain/deep/er/note.txt"]
    keys += [f"many/{number:05}.log" for number in range(1105)]
    keys += [f"cf/E123.2024-02-{day:02}-10.abcdef01.gz" for day in (1, 2, 3, 4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket="evidence", Key=key, Body=b"x"), keys))
    client.put_object(Bucket="evidence", Key="plain/empty-folder/", Body=b"")
    return "evidence"


@pytest.fixture
def place(
    s3_server: S3Server,
    bucket: str,
    credentials: pytest.MonkeyPatch,
) -> Callable[..., S3Location]:
    """A location in the bucket."""

    def made(prefix: str = "", since: date | None = None, until: date | None = None) -> S3Location:
        return S3Location(bucket, prefix, endpoint_url=s3_server.url, days=Days(since, until))

    return made


def keys(location: S3Location) -> list[str]:
    return [found.key for found in location.objects()]


def list_calls(location: S3Location) -> list[tuple[str, bool]]:
    """The prefixes that listing asks for, and whether folder by folder, in sorted order."""
    calls: list[tuple[str, bool]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        query = params["query_string"]
        calls.append((urllib.parse.unquote(query.get("prefix", "")), "delimiter" in query))

    events = location.client().meta.events
    events.register("before-call.s3.ListObjectsV2", note)
    list(location.objects())
    events.unregister("before-call.s3.ListObjectsV2", note)
    return sorted(calls)


@pytest.mark.s3
def test_an_object_as_it_is_listed(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    found = next(place(f"{TRAIL}/eu-west-1/2024/02/01/").objects())
    assert isinstance(found, RawObject)
    key = (
        f"{TRAIL}/eu-west-1/2024/02/01/111122223333_CloudTrail_eu-west-1_20240201T1000Z_abc.json.gz"
    )
    assert (found.root, found.key) == (f"{s3_server.url}/evidence", key)
    assert found.path == f"s3://evidence/{key}"
    assert (found.size, found.bucket) == (1, "evidence")
    assert found.etag == "9dd4e461268c8034f5c8564e155c67a6"  # MD5 of "x"
    assert found.modified is not None
    assert abs((datetime.now(UTC) - found.modified).total_seconds()) < 3600


@pytest.mark.s3
def test_more_than_a_page_comes_whole_and_in_order(place: Callable[..., S3Location]) -> None:
    assert keys(place("many/")) == [f"many/{number:05}.log" for number in range(1105)]


@pytest.mark.s3
def test_the_whole_bucket_in_parallel_is_the_whole_bucket(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    listed = keys(place())
    pages = s3_server.client().get_paginator("list_objects_v2").paginate(Bucket="evidence")
    every = [entry["Key"] for page in pages for entry in page["Contents"]]
    assert sorted(listed) == [key for key in every if key != "plain/empty-folder/"]
    assert len(listed) == 1141


@pytest.mark.s3
def test_a_prefix_is_what_keys_begin_with(place: Callable[..., S3Location]) -> None:
    assert keys(place("many/0110")) == [f"many/0110{digit}.log" for digit in range(5)]


@pytest.mark.s3
def test_one_page_takes_one_call(place: Callable[..., S3Location]) -> None:
    assert list_calls(place("AWSLogs/")) == [("AWSLogs/", False)]


@pytest.mark.s3
def test_only_the_days_asked_for_are_listed(place: Callable[..., S3Location]) -> None:
    day = date(2024, 2, 1)
    region = f"{TRAIL}/us-east-1"
    assert list_calls(place(f"{region}/", day, day)) == [
        (f"{region}/", True),
        (f"{region}/2024/", True),
        (f"{region}/2024/02/", True),
        (f"{region}/2024/02/01/", False),
        (f"{region}/2024/02/02/", False),
    ]


@pytest.mark.s3
@pytest.mark.parametrize(
    ("prefix", "since", "until", "wanted"),
    [
        ("AWSLogs/", "2024-02-01", "2024-02-01", ["2024/02/01", "2024/02/02"]),
        ("AWSLogs/", "2024-01-31", "2024-01-31", ["2024/01/31", "2024/02/01"]),
        ("AWSLogs/", "2024-02-02", None, ["2024/02/02", "2024/02/04"]),
        ("AWSLogs/", None, "2024-01-30", ["2024/01/30", "2024/01/31"]),
        ("", "2024-02-04", "2024-02-09", ["2024/02/04"]),
        ("AWSLogs/1111", "2024-02-04", "2024-02-09", ["2024/02/04"]),
    ],
)
def test_days_below_an_account(
    place: Callable[..., S3Location],
    prefix: str,
    since: str | None,
    until: str | None,
    wanted: list[str],
) -> None:
    days = [date.fromisoformat(day) if day else None for day in (since, until)]
    listed = [key for key in keys(place(prefix, *days)) if key.startswith("AWSLogs/1111")]
    assert listed == [
        f"{TRAIL}/{region}/{day}/111122223333_CloudTrail_{region}_"
        f"{day.replace('/', '')}T1000Z_abc.json.gz"
        for region in ("eu-west-1", "us-east-1")
        for day in wanted
    ]


@pytest.mark.s3
@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("hive/", [f"hive/region=x/year=2024/month=02/day={day:02}/x.gz" for day in (2, 3)]),
        ("waf/", ["waf/2024/02/02/00/x.gz", "waf/2024/02/02/23/x.gz"]),
        ("waf/2024/02/", ["waf/2024/02/02/00/x.gz", "waf/2024/02/02/23/x.gz"]),
        ("cf/", [f"cf/E123.2024-02-0{day}-10.abcdef01.gz" for day in (2, 3)]),
        ("plain/", ["plain/deep/er/note.txt", "plain/note.txt"]),
    ],
)
def test_other_layouts(place: Callable[..., S3Location], prefix: str, wanted: list[str]) -> None:
    day = date(2024, 2, 2)
    assert sorted(keys(place(prefix, day, day))) == wanted


@pytest.mark.s3
def test_what_was_written_before_since_cannot_tell_of_it(
    place: Callable[..., S3Location],
) -> None:
    assert keys(place("plain/", since=date(2099, 1, 1))) == []
    assert keys(place("plain/", until=date(2001, 1, 1))) == [
        "plain/note.txt",
        "plain/deep/er/note.txt",
    ]


@pytest.mark.s3
def test_the_bytes_of_an_object_through_a_pickled_location(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    content = bytes(range(256)) * 40_000  # 10 MB
    s3_server.client().put_object(Bucket="evidence", Key="open/big.bin", Body=content)
    location = pickle.loads(pickle.dumps(place("open/big")))  # noqa: S301 - our own
    obj = next(location.objects())
    with location.open(obj) as stream:
        assert stream.read(10) == content[:10]
        assert stream.read() == content[10:]
        assert stream.read() == b""


@pytest.mark.s3
def test_a_broken_connection_is_taken_up_where_it_broke(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    content = bytes(range(256)) * 8_000
    s3_server.client().put_object(Bucket="evidence", Key="open/broken.bin", Body=content)
    location = place("open/broken.bin")
    obj = next(location.objects())
    assert isinstance(obj, RawObject)
    ranges: list[str | None] = []

    def cut(parsed: dict[str, Any], **_: object) -> None:
        ranges.append(parsed.get("ContentRange"))
        if len(ranges) == 1:
            parsed["Body"] = _Cut(parsed["Body"], 1_000_000)

    location.client().meta.events.register("after-call.s3.GetObject", cut)
    with location.open(obj) as stream:
        assert stream.read() == content
    assert ranges == [None, "bytes 1000000-2047999/2048000"]


class _Cut:
    """A body whose connection is reset after some bytes."""

    def __init__(self, body: StreamingBody, left: int) -> None:
        self.body, self.left = body, left

    def read(self, size: int) -> bytes:
        if not self.left:
            raise ConnectionResetError("reset by peer")
        block: bytes = self.body.read(min(size, self.left))
        self.left -= len(block)
        return block

    def close(self) -> None:
        self.body.close()


@pytest.mark.s3
def test_bytes_damaged_on_the_way_are_a_broken_connection(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    """Not a damaged object, which would count as read: the next ingest reads it again."""
    s3_server.client().put_object(Bucket="evidence", Key="open/damaged.log", Body=b"a line\n")
    location = place("open/damaged.log")
    obj = next(location.objects())
    assert isinstance(obj, RawObject)

    def damage(parsed: dict[str, Any], **_: object) -> None:
        parsed["Body"] = _Damaged(parsed["Body"])

    location.client().meta.events.register("after-call.s3.GetObject", damage)
    with location.open(obj) as stream, pytest.raises(OSError, match="fail S3's checksum: Expected"):
        stream.read()


class _Damaged:
    """A body whose checksum is not that of its bytes."""

    def __init__(self, body: StreamingBody) -> None:
        self.body = body

    def read(self, size: int) -> bytes:
        raise FlexibleChecksumError(error_msg="Expected checksum x did not match y")

    def close(self) -> None:
        self.body.close()


@pytest.mark.s3
def test_an_object_that_changed_or_went_after_it_was_listed(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    client = s3_server.client()
    client.put_object(Bucket="evidence", Key="changing/x.log", Body=b"before")
    location = place("changing/")
    obj = next(location.objects())
    assert isinstance(obj, RawObject)
    client.put_object(Bucket="evidence", Key="changing/x.log", Body=b"after!")
    with pytest.raises(DecodeError, match=r"^changed after it was listed"):
        location.open(obj)
    client.delete_object(Bucket="evidence", Key="changing/x.log")
    with pytest.raises(DecodeError, match=r"^deleted after it was listed"):
        location.open(replace(obj, etag=None))


def _located(text: str, options: S3Options) -> LakeError:
    with pytest.raises(LakeError) as caught:
        locate_bucket(text, options, Days())
    return caught.value


@pytest.mark.s3
def test_a_wrong_where_says_what_to_do(
    place: Callable[..., S3Location],
    s3_server: S3Server,
) -> None:
    place()
    here = S3Options(endpoint_url=s3_server.url)
    error = _located("s3://nosuchbucket/x", here)
    assert isinstance(error, UsageError)
    assert str(error).startswith(f"no bucket 'nosuchbucket' at {s3_server.url}.")
    error = _located("s3://evidence/AWSLogs/1111222233334/", here)
    assert isinstance(error, UsageError)
    assert str(error) == (
        "no key begins with s3://evidence/AWSLogs/1111222233334/; s3://evidence/AWSLogs/ holds: "
        "AWSLogs/111122223333/, AWSLogs/444455556666/."
    )
    error = _located("s3://evidence", S3Options(endpoint_url="http://127.0.0.1:9"))
    assert isinstance(error, AccessError)
    assert "no answer from http://127.0.0.1:9 for s3://evidence/" in str(error)
    error = _located("s3://evidence", S3Options(endpoint_url="127.0.0.1:9"))
    assert isinstance(error, UsageError)
    assert "'127.0.0.1:9' is no endpoint" in str(error)
    error = _located("s3://evidence", S3Options(profile="nosuch", endpoint_url=s3_server.url))
    assert str(error) == "unknown AWS profile 'nosuch'. Known: none."


@pytest.mark.s3
def test_wrong_and_missing_credentials(
    place: Callable[..., S3Location],
    s3_server: S3Server,
    credentials: pytest.MonkeyPatch,
) -> None:
    place()
    from lake.objects import s3

    here = S3Options(endpoint_url=s3_server.url)
    credentials.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    error = _located("s3://evidence", here)
    assert isinstance(error, AccessError)
    assert "refuses the credentials for s3://evidence/ (SignatureDoesNotMatch)" in str(error)
    s3._client.cache_clear()
    credentials.setenv("AWS_ACCESS_KEY_ID", "nobody")
    assert "refuses the credentials" in str(_located("s3://evidence", here))
    s3._client.cache_clear()
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    error = _located("s3://evidence", here)
    assert isinstance(error, AccessError)
    assert str(error).startswith("no AWS credentials for s3://evidence/. Set AWS_ACCESS_KEY_ID")


@pytest.mark.s3
def test_credentials_of_a_profile(
    place: Callable[..., S3Location],
    s3_server: S3Server,
    credentials: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    place()
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "credentials").write_text(
        "[case]\naws_access_key_id=testkey\naws_secret_access_key=testsecret1\n"
    )
    here = S3Options(profile="case", endpoint_url=s3_server.url)
    location = locate("s3://evidence/many/0110", scratch=tmp_path, s3=here)
    assert len(list(location.objects())) == 5


@pytest.mark.s3
def test_an_account_without_rights(
    place: Callable[..., S3Location],
    s3_server: S3Server,
    credentials: pytest.MonkeyPatch,
) -> None:
    obj = next(place("many/").objects())
    assert isinstance(obj, RawObject)
    from lake.objects import s3

    s3._client.cache_clear()
    s3_server.add_user("guest", "guestsecret")
    credentials.setenv("AWS_ACCESS_KEY_ID", "guest")
    credentials.setenv("AWS_SECRET_ACCESS_KEY", "guestsecret")
    error = _located("s3://evidence/many/", S3Options(endpoint_url=s3_server.url))
    assert isinstance(error, AccessError)
    assert str(error) == (
        "s3://evidence/many/ may not be read (AccessDenied). Allow s3:ListBucket on it."
    )
    with pytest.raises(AccessError, match="Allow s3:GetObject for it, and kms:Decrypt"):
        place("many/").open(obj)


@pytest.mark.s3
def test_a_folder_that_may_not_be_listed_is_reported(place: Callable[..., S3Location]) -> None:
    day = date(2024, 2, 2)
    location = place("AWSLogs/", day, day)
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")

    def refuse(params: dict[str, Any], **_: object) -> None:
        if "444455556666/" in urllib.parse.unquote(params["query_string"].get("prefix", "")):
            raise denied

    location.client().meta.events.register("before-call.s3.ListObjectsV2", refuse)
    found = list(location.objects())
    assert [type(one) for one in found] == [RawObject, RawObject, Unreadable]
    last = found[-1]
    assert isinstance(last, Unreadable)
    assert last.path == "s3://evidence/AWSLogs/444455556666/"
    assert last.reason == "may not be listed (AccessDenied). Allow s3:ListBucket for it"


@pytest.mark.parametrize("text", ["s3://", "s3:///key", "s3:bucket", "s3://a b/x"])
def test_a_where_without_a_bucket(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="s3://bucket"):
        locate(text, scratch=tmp_path)


def _entry(**further: object) -> dict[str, Any]:
    modified = datetime(2024, 2, 1, 12, tzinfo=UTC)
    return {"Key": "x.gz", "Size": 3, "LastModified": modified, "ETag": '"e"', **further}


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        ({"StorageClass": "GLACIER"}, "archived in Glacier Flexible Retrieval, restore it first"),
        ({"StorageClass": "DEEP_ARCHIVE"}, "archived in Glacier Deep Archive, restore it first"),
        ({"StorageClass": "GLACIER_IR"}, None),
        ({"StorageClass": "STANDARD"}, None),
        (
            {
                "StorageClass": "GLACIER",
                "RestoreStatus": {"IsRestoreInProgress": True},
            },
            "archived in Glacier Flexible Retrieval, restore it first",
        ),
        (
            {
                "StorageClass": "GLACIER",
                "RestoreStatus": {
                    "IsRestoreInProgress": False,
                    "RestoreExpiryDate": datetime(2030, 1, 1, tzinfo=UTC),
                },
            },
            None,
        ),
    ],
)
def test_storage_classes(further: dict[str, Any], reason: str | None) -> None:
    (found,) = S3Location("b")._object("https://s3.amazonaws.com/b", _entry(**further))
    if reason is None:
        assert isinstance(found, RawObject)
        assert found.etag == "e"
    else:
        assert found == Unreadable("https://s3.amazonaws.com/b", "x.gz", "s3://b/x.gz", reason)


def test_an_aws_bucket_has_one_root_whatever_the_region(credentials: pytest.MonkeyPatch) -> None:
    roots = set()
    for region in ("us-east-1", "eu-central-1", None):
        location = S3Location("b", region=region)
        roots.add(location._root(location.client()))
    assert roots == {"https://s3.amazonaws.com/b"}
    china = S3Location("b", region="cn-north-1")
    assert china._root(china.client()) == "https://s3.amazonaws.com.cn/b"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("ExpiredToken", AccessError, "is over (ExpiredToken). Log in again"),
        ("InvalidAccessKeyId", AccessError, "refuses the credentials"),
        ("PermanentRedirect", UsageError, "Set AWS_DEFAULT_REGION to the bucket's region"),
        ("InvalidBucketName", UsageError, "'b' cannot be a bucket's name at https://s3"),
        ("RequestTimeTooSkewed", AccessError, "clock is wrong"),
        ("SlowDown", AccessError, "SlowDown: told. Repeat the command later."),
    ],
)
def test_what_is_said_of_a_bucket(code: str, kind: type[LakeError], words: str) -> None:
    answer = ClientError({"Error": {"Code": code, "Message": "told"}}, "ListObjectsV2")
    error = s3errors.of_place(answer, "s3://b/p", "https://s3.amazonaws.com")
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AWS_CONFIG_FILE", None, r"Unable to parse config file: .*broken\. Mend it, or name"),
        ("AWS_SHARED_CREDENTIALS_FILE", None, r"Unable to parse config file: .*broken\. Mend it"),
        ("AWS_DEFAULT_REGION", "no where", r"'no where' .* format\. Set AWS_DEFAULT_REGION"),
        ("AWS_ENDPOINT_URL", "nope", r"^what AWS's settings give .*nope\)\. Write --endpoint-url"),
    ],
)
def test_settings_of_aws_that_do_not_serve(
    name: str, value: str | None, words: str, credentials: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("[default\nbroken")
    if name == "AWS_SHARED_CREDENTIALS_FILE":
        credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.setenv(name, value or str(tmp_path / "broken"))
    error = _located("s3://evidence", S3Options())
    assert isinstance(error, UsageError)
    assert re.search(words, str(error))


def test_what_is_said_of_an_archived_object() -> None:
    obj = RawObject("https://s3.amazonaws.com/b", "k", "s3://b/k", 1)
    answer = ClientError({"Error": {"Code": "InvalidObjectState", "Message": ""}}, "GetObject")
    error = s3errors.of_object(answer, obj, "https://s3.amazonaws.com")
    assert isinstance(error, DecodeError)
    assert str(error) == "archived, restore it first"
    assert isinstance(s3errors.of_object(NoCredentialsError(), obj, ""), AccessError)
