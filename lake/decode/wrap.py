"""What an envelope says of a record, and what stands before a message in a line of an export."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_GROUP = r"(?P<group>[A-Za-z_./#-][\w./#-]*) (?P<stream>[^\s:*]+) "
_BEGINS = r"(?=[{\d]|(?:https?|h2|wss?|grpcs|tls|[0-9a-f]{64}) )"
"""How messages of logs begin; so that most lines are told from awslogs' at once."""
_ZONED = rf"(?P<time>{_TIME}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
EXPORT_LINES = tuple(
    re.compile(pattern.encode())
    for pattern in (
        rf"(?P<time>{_TIME}(?:\.\d{{3}}Z|(?:\.\d{{6}})?\+00:00)?)"
        r"(?:(?<=\+00:00) (?P<stream>[^\s:*]+))? ",
        rf"{_GROUP}(?P<time>{_TIME}(?:\.\d+)?Z?) {_BEGINS}",
        rf"{_GROUP}{_BEGINS}",
        rf"<\d{{1,3}}>1 {_ZONED} \S+ \S+ \S+ \S+ (?:-|\[[^\]]*\]) ",
        rf"(?:<\d{{1,3}}>)?(?:{_ZONED}|[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d) "
        r"\S+ [\w./-]+(?:\[\d+\])?: ",
        rf"{_ZONED}\t\S+\t(?:[A-Z]+\t)?",
        rf"\[[A-Z]+\]\t{_ZONED}\t\S+\t",
        rf"{_ZONED} \{{[^{{}}]*\}} ",
        rf"{_ZONED} (?:stdout|stderr) [FP] ",
        rf"(?:[A-Za-z]:)?[^\s:]+\.\w+:(?:\d+:)?{_BEGINS}",
    )
)
"""What stands before a message: in a line of a CloudWatch Logs export task its time to the
millisecond, of `aws logs tail` its time and its stream, with `--format short` its time alone; of
`awslogs get` its group and its stream, with `--timestamp` its time; of syslog its head, of
Fluentd's files time and tag, of what a Lambda function logs time, request and level, of Loki's
`logcli` time and labels, of a container's log time and stream, of what grep found the file.

https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html
https://github.com/jorgebastida/awslogs
https://www.rfc-editor.org/rfc/rfc5424, rfc3164
https://docs.fluentd.org/output/file
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, nodejs-logging.html
https://grafana.com/docs/loki/latest/query/logcli/
https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""


@dataclass(frozen=True, slots=True)
class Wrap:
    """What an envelope says of a record; text as it stands there, or None."""

    account: str | None = None
    region: str | None = None
    time: str | None = None
    id: str | None = None
    log_group: str | None = None
    log_stream: str | None = None


NO_WRAP = Wrap()


def row_wrap(time: str | None, log: str | None, stream: str | None) -> Wrap:
    """What a row of Logs Insights says; `log` is `<account>:<group>`."""
    account, _, group = (log or "").rpartition(":")
    return Wrap(
        account=account or None,
        time=time or None,
        log_group=group or None,
        log_stream=stream or None,
    )


def joined(inner: Wrap, outer: Wrap) -> Wrap:
    """What two envelopes say; the inner one is nearer to the record."""
    return replace(outer, **{n: v for n, v in asdict(inner).items() if v is not None})


def export_line(line: bytes, head: re.Pattern[bytes]) -> tuple[bytes, Wrap]:
    """A line of an export (`EXPORT_LINES`): the message, and what stands before it as the
    envelope."""
    match = head.match(line)
    if match is None:
        return line, NO_WRAP
    told = {n: t.decode("utf-8", "replace") for n, t in match.groupdict().items() if t}
    wrap = Wrap(time=told.get("time"), log_group=told.get("group"), log_stream=told.get("stream"))
    return line[match.end() :], wrap
