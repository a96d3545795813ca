"""Objects that are no log, or no text: what lies in a bucket besides, what a download left."""

from __future__ import annotations

import codecs
import gzip
from typing import TYPE_CHECKING

from broken.case import Case, of
from broken.good import GOOD, LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

HTML = b"<!DOCTYPE html>\n<html><head><title>403</title></head>\n<body>no</body></html>\n"
XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Denied'
    b"</Message><RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId></Error>"
)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89" + bytes(
    range(256)
)
STRANGE = {
    "an HTML error page": (HTML, "HTML"),
    "an XML error of S3": (XML, "an error that S3 answered"),
    "a picture": (PNG, "no text"),
    "an ELF program": (b"\x7fELF\x02\x01\x01" + bytes(200), "no text"),
    "random bytes": (bytes((n * 197 + n * n * 31) % 256 for n in range(3000)), "no text"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nstream\n\x00\x01\xff\xfe", "a PDF"),
    "zeros": (b"\0" * 4096, "no text"),
    "an SQLite database": (b"SQLite format 3\0\x10\0\x01\x01" + bytes(500), "no text"),
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2272\n",
        "a pointer of Git LFS",
    ),
    "a 7z archive": (b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(range(90)), "a 7z, RAR or cpio"),
    "a RAR archive": (b"Rar!\x1a\x07\x01\x00" + bytes(range(90)), "a 7z, RAR or cpio"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40" + bytes(range(90)), "lz4, lzma, snappy or"),
    "compress": (b"\x1f\x9d\x90" + bytes(range(90)), "lz4, lzma, snappy or"),
    "lzma": (b"]\x00\x00\x80\x00" + b"\xff" * 8 + bytes(range(90)), "lz4, lzma, snappy or"),
    "snappy": (b"\xff\x06\x00\x00sNaPpY" + bytes(range(90)), "lz4, lzma, snappy or"),
    "Avro": (b"Obj\x01\x04\x14avro.codec\x08null" + bytes(range(90)), "an Avro or ORC file"),
    "ORC": (b"ORC\x1a\x0a\x03" + bytes(range(90)), "an Avro or ORC file"),
    "age": (
        b"age-encryption.org/v1\n-> X25519 abc\n" + bytes(range(90)),
        "encrypted with PGP or age",
    ),
    "PGP": (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n", "encrypted with PGP or age"),
    "a sheet of Excel": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<worksheet xmlns="x"/>',
        "a part of an Excel workbook",
    ),
    "a W3C log of IIS": (
        b"#Software: Microsoft Internet Information Services\n#Version: 1.0\n#Fields: date time "
        b"s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status "
        b"sc-substatus sc-win32-status time-taken\n2024-02-01 10:00:00 10.0.0.1 GET / - 80 - "
        b"198.51.100.7 curl/8 200 0 0 1\n",
        "no source knows",
    ),
    "a table of a scanner": (
        b"TIMESTAMP;ACCOUNT_UID;CHECK_ID;STATUS;SEVERITY;RESOURCE_TYPE;RESOURCE_UID;REGION\n"
        b"2024-02-01 10:00:00;111122223333;iam_1;FAIL;high;AwsIamUser;arn:aws:iam::1:u;us-east-1\n",
        "text that no source knows",
    ),
    "a table of resources": (
        b"resourceId,resourceType,accountId,awsRegion\ni-1,AWS::EC2::Instance,111122223333,x\n",
        "text that no source knows",
    ),
    "a malware scan of GuardDuty": (
        b'{"schemaVersion":"1.0","scanStatus":"COMPLETED","resourceType":"S3_OBJECT",'
        b'"s3ObjectDetails":{},"scanResultDetails":{"scanResultStatus":"NO_THREATS_FOUND"}}',
        "GuardDuty malware scan result",
    ),
    "one letter": (b"x", "text that no source knows"),
    "prose": (b"Dear Sir or Madam,\nplease find the logs attached.\n", "text that no source knows"),
    "a number": (b"42", "no source knows"),
    "JSON null": (b"null", "no source knows"),
    "a JSON string": (b'"hello"', "no source knows"),
    "an empty JSON object": (b"{}", "JSON"),
    "S3 event notifications": (
        b'{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1",'
        b'"eventTime":"2024-02-01T10:00:00.000Z","eventName":"ObjectCreated:Put","userIdentity":'
        b'{"principalId":"AWS:AIDAX"},"requestParameters":{"sourceIPAddress":"198.51.100.7"},'
        b'"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810"},"s3":{"s3SchemaVersion":"1.0",'
        b'"bucket":{"name":"b"},"object":{"key":"k","size":1}}}]}',
        "S3 event notification",
    ),
    "the test event of S3": (
        b'{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2024-02-01T10:00:00.000Z",'
        b'"Bucket":"b","RequestId":"r","HostId":"h"}',
        "S3 event notification",
    ),
    "an unknown AWS event": (
        b'{"version":"0","source":"aws.ec2","detail":{"state":"running"}}',
        "JSON",
    ),
}
"""Name -> the bytes, and a word of the reason for which no source takes them."""


def cases() -> Iterator[Case]:
    for name, (data, word) in STRANGE.items():
        yield Case(name, "some/where/object", data, status="unknown", reason=word)
        yield Case(
            f"{name}, compressed",
            "some/where/object.gz",
            gzip.compress(data),
            status="unknown",
            reason=word,
        )
    for name in ("an HTML error page", "an XML error of S3", "a picture", "zeros"):
        for source in ("cloudtrail", "vpcflow", "alb", "waf", "cloudfront_realtime"):
            data, word = STRANGE[name]
            yield Case(
                f"{name} among those of {source}",
                GOOD[source].key,
                data,
                status="unknown",
                reason=word,
            )
    yield Case("an empty JSON list", "some/where/empty.json", b"[]")
    yield Case("an empty JSON list in a list", "some/where/empty.json", b"[[]]")
    for name, data in {
        "nothing": b"",
        "blanks": b"  \t ",
        "line ends": b"\n\n\r\n\n",
        "a byte order mark alone": codecs.BOM_UTF8,
        "a byte order mark of UTF-16 alone": codecs.BOM_UTF16_LE,
    }.items():
        yield Case(name, "some/where/empty", data, reason="empty")
        yield of(GOOD["vpcflow"], name, data, reason="empty")
        yield of(GOOD["cloudtrail"], name, data, reason="empty")
    for source in LINES:
        good = GOOD[source]
        if good.head:
            yield of(good, "header only", good.head.encode())
            yield of(good, "header without a line end", good.head.rstrip("\n").encode())
    for good in GOOD.values():
        yield from _spelled(good)


def _spelled(good) -> Iterator[Case]:  # noqa: ANN001
    yield of(good, "UTF-8 with a byte order mark", codecs.BOM_UTF8 + good.object(2), 2)
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        yield of(good, name, mark + good.object(2).decode().encode(name), 2)
    yield of(good, "CRLF", good.object(2).replace(b"\n", b"\r\n"), 2)
