"""JSON of log shippers and of other systems, which hold a record in a member of their own. Which
members these are, no vendor's page tells for all of them: so names are looked at, or everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lake.decode.envelope_members import text_of
from lake.decode.frames import items
from lake.decode.pieces import Piece, is_value, members, text_lines

if TYPE_CHECKING:
    from collections.abc import Callable

SHIPPED = ("message", "log", "_raw", "@message", "line", "original")
"""Members that hold the line or record which a shipper (Logstash, Vector, Docker, Loki) wrote on;
`@message` is that of SIEM on Amazon OpenSearch Service."""
_WITHIN = ("result", "event")
"""Objects that hold such a member: Splunk's export, and ECS's `event.original`."""
DEEPEST = 8
"""Objects and lists that a record is looked for within."""


def may_be_shipped(value: bytes) -> bool:
    """Whether a JSON object may be what a shipper wrote; most records are told at once."""
    return any(b'"%b"' % name.encode() in value for name in SHIPPED)


def shipped_text(value: bytes) -> str | None:
    """The text that a shipper's JSON holds beside its own members; None where it holds none. Where
    ECS's `event.original` is there, `message` may be words about it."""
    found = members(value) or {}
    result, event = (members(found.get(name, msgspec.Raw())) or {} for name in _WITHIN)
    for holder, names in ((event, ("original",)), (found, SHIPPED), (result | event, SHIPPED)):
        for name in names:
            if name in holder and (text := text_of(holder[name])):
                return text.strip("\r\n")
    return None


def records_within(
    value: bytes, known: Callable[[bytes], bool], depth: int = DEEPEST
) -> list[Piece]:
    """The records and lines that stand anywhere in JSON, as `known` tells them: whatever has them
    in members of its own, as objects or as text (Splunk's `event`, Datadog's `attributes`,
    Wazuh's `data.aws`, values of Loki, bodies of OpenTelemetry)."""
    if value[:1] == b'"':
        text = (text_of(value) or "").strip().encode("utf-8", "surrogatepass")
        if text[:1] in (b"{", b"["):
            return records_within(text, known, depth) if is_value(text) else []
        lines = text_lines(text)
        return lines if lines and known(lines[0].text) else []
    if value[:1] == b"{":
        if known(value):
            return [Piece(value)]
        inner = [bytes(raw) for raw in (members(value) or {}).values()]
    elif value[:1] == b"[":
        inner = [piece.text for piece in items(value) if piece.reason is None]
    else:
        return []
    return [one for raw in inner for one in records_within(raw, known, depth - 1)] if depth else []
