"""What an export asks of a cluster beside sending: templates put, a day's documents removed, a
table's counted. Whoever calls decides what for; errors come in plain words.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from lake.errors import UsageError
from lake.export.bulk import Bulk, ExportError, Item
from lake.export.target import explained, reason
from lake.export.templates import stream_of, templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opensearchpy import OpenSearch

    from lake.export.target import Place
    from lake.sources.source import Source

Hit = dict[str, Any]


class Cluster:
    """A cluster by its client. `streams`: documents are in data streams, not in indices."""

    def __init__(self, client: OpenSearch, place: Place, *, streams: bool, patience: float) -> None:
        self.client, self.place, self.streams = client, place, streams
        self._patience = patience

    def pattern(self, source: Source) -> str:
        """What holds a source's documents."""
        return stream_of(source) if self.streams else f"{source.index}-*"

    def prepare(self, sources: Iterable[Source]) -> None:
        """Put the templates, and tell the indices that are there of fields they lack. Raises
        UsageError where a field there is of another type."""
        from opensearchpy import exceptions as known

        try:
            for name, body in templates(sources, streams=self.streams).items():
                self.client.indices.put_index_template(name=name, body=body)
                fields = {"properties": body["template"]["mappings"]["properties"]}
                for there in self._there(body["index_patterns"][0]):
                    self.client.indices.put_mapping(index=there, body=fields)
        except known.RequestError as error:
            raise UsageError(
                f"{self.place.url} does not take the index templates: {reason(error)}. Indices of "
                "another program have these names, with fields of other types: move or delete them."
            ) from error
        except known.OpenSearchException as error:
            raise explained(error, self.place) from error

    def _there(self, pattern: str) -> list[str]:
        if not self.streams:
            return list(self.client.indices.get(index=pattern))
        found = self.client.indices.get_data_stream(name=f"{pattern}*")["data_streams"]
        return [one["name"] for one in found if one["name"] == pattern]

    def remove(self, source: Source, day: str, keep: set[str]) -> int:
        """Delete a day's documents of a table, but for these ids. Gives how many."""
        strangers = [hit for hit in self._of_day(source, day) if hit["_id"] not in keep]
        failed: list[str] = []
        bulk = Bulk(
            self.client,
            self.place,
            lambda _, refused: failed.extend(refused.values()),
            patience=self._patience,
        )
        with closing(bulk):
            for hit in strangers:
                bulk.add(Item({"delete": {"_index": hit["_index"], "_id": hit["_id"]}}, None))
            bulk.finish()
        if failed:
            raise ExportError(
                f"{source.name}: {len(failed):,} documents cannot be deleted: {failed[0]}."
            )
        return len(strangers)

    def days(self, source: Source) -> set[str]:
        """The days (UTC) of which there are documents of a table."""
        by_day = {"field": "@timestamp", "calendar_interval": "day", "format": "yyyy-MM-dd"}
        body = {
            "size": 0,
            "query": {"term": {"event.dataset": source.name}},
            "aggs": {"days": {"date_histogram": by_day | {"min_doc_count": 1}}},
        }
        pattern = self.pattern(source)
        with self._asking():
            self._refresh(pattern)
            found = self.client.search(index=pattern, body=body, ignore_unavailable=True)
        buckets = found.get("aggregations", {}).get("days", {}).get("buckets", [])
        return {bucket["key_as_string"] for bucket in buckets}

    def _of_day(self, source: Source, day: str) -> Iterator[Hit]:
        from opensearchpy import helpers

        after = date.fromisoformat(day) + timedelta(days=1)
        within = {"gte": f"{day}T00:00:00Z", "lt": f"{after.isoformat()}T00:00:00Z"}
        only = [{"term": {"event.dataset": source.name}}, {"range": {"@timestamp": within}}]
        query = {"_source": False, "query": {"bool": {"filter": only}}}
        pattern = self.pattern(source)
        with self._asking():
            self._refresh(pattern)
            yield from helpers.scan(
                self.client, query=query, index=pattern, size=5_000, ignore_unavailable=True
            )

    def count(self, source: Source) -> int:
        """How many documents of a table there are."""
        pattern = self.pattern(source)
        body = {"query": {"term": {"event.dataset": source.name}}}
        with self._asking():
            self._refresh(pattern)
            found = self.client.count(index=pattern, body=body, ignore_unavailable=True)
            return int(found["count"])

    def _refresh(self, pattern: str) -> None:
        self.client.indices.refresh(index=pattern, ignore_unavailable=True)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        from opensearchpy import exceptions as known

        try:
            yield
        except known.OpenSearchException as error:
            raise explained(error, self.place) from error
