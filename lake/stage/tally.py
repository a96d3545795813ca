"""What a batch counts of one object on its way: records, rows, rejects, and what went wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.errors import LakeError
from lake.model import ObjectResult
from lake.normalize.records import ObjectFacts
from lake.objects.keys import key_facts
from lake.sources.transform import table_versions

if TYPE_CHECKING:
    from lake.decode.decode import Decoding
    from lake.model import RawObject


@dataclass(slots=True)
class ObjectTally:
    """The counts of one object. `tables` are those that its rows went to; `error` says what ended
    its reading, where something did after it had begun."""

    obj: RawObject
    decoding: Decoding
    records: int = 0
    rows: int = 0
    rejects: int = 0
    tables: set[str] = field(default_factory=set)
    error: str | None = None
    facts: ObjectFacts = field(init=False)

    def __post_init__(self) -> None:
        obj, key = self.obj, key_facts(self.obj.key)
        self.facts = ObjectFacts(obj.path, obj.key, key.account, key.region, obj.bucket)

    def result(self) -> ObjectResult:
        """What became of the object. Raises LakeError where the counts do not add up, which is a
        fault of the program."""
        decoding = self.decoding
        if self.records != self.rows + self.rejects:
            raise LakeError(
                f"{self.records} records, but {self.rows} rows and {self.rejects} rejects: this is "
                "a fault of the program. Report it with the object's key."
            )
        status, reason = decoding.status, self.error or decoding.reason
        if self.error and status == "read":
            status = "partial"
        if decoding.context.get("empty") and not reason:
            reason = "the object is empty"
        return ObjectResult(
            obj=self.obj,
            status=status,
            source=decoding.source.name if decoding.source else None,
            records=self.records,
            rows=self.rows,
            rejects=self.rejects,
            reason=reason,
            sha256=decoding.sha256,
            content_hash=decoding.content,
            context=json.dumps(decoding.context) if decoding.context else None,
            unknown_members=dict(decoding.unknown_members),
            lossy_members=dict(decoding.lossy_members),
            query_rows="rows" in decoding.context,
            transform=table_versions(self.tables),
        )
