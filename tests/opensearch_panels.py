"""The original's panel definitions, asked of an OpenSearch: what its dashboards would show there.

A definition of `reference/panels.json` becomes the query that OpenSearch Dashboards would make of
it, and the answer becomes columns and rows as `panels-expected/README.md` tells: top N inside each
interval, `Missing`, `Other`, table rows that are dropped. Every terms aggregation asks each shard
for more than these indices have, so that its figures are exact.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from original import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opensearch_server import OpenSearchServer

Definition = dict[str, Any]
Json = dict[str, Any]
NO_FIGURES = ("markdown", "input_control_vis")
EXACT = 10_000
"""Candidates that are asked of each shard, and distinct values that are counted exactly."""
MISSING, OTHER = "Missing", "Other"
_SERIES = re.compile(r"\.es\(index=\"([^\"]+)\"(?:,q='([^']+)')?\)\.label\(\"([^\"]+)\"\)")


@cache
def definition(file: str) -> Definition:
    """The dashboard whose figures lie in this file of `panels-expected`."""
    given = json.loads(require("reference", "panels.json").read_text())
    former = file.startswith("2020-")
    found = given["v2_0_0_2020_10"]["dashboards"] if former else given["dashboards"]
    wanted = file.removeprefix("2020-").removesuffix(".json")
    return next(d for d in found if _slug(d["title"]) == wanted)


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Asked:
    """An OpenSearch, how long an interval is (`month`, `hour`), and a condition on everything; not
    `exact`, figures are as near as Dashboards has them."""

    server: OpenSearchServer
    interval: str
    only: tuple[Json, ...] = ()
    exact: bool = True

    def panel(self, dashboard: Definition, panel: Definition) -> Json | None:
        """A panel as `panels-expected` has them; None where it shows no figures."""
        if panel["type"] in NO_FIGURES:
            return None
        found = {"title": panel["title"], "type": panel["type"]}
        conditions = [*self.only, *map(_filter, dashboard["dashboard_filters"])]
        if panel["type"] == "timelion":
            return found | self._timelion(panel["expression"], conditions)
        conditions += map(_filter, panel["filters"])
        if panel["query"]:
            conditions.append(_text(panel["query"].partition(": ")[2]))
        if panel["type"] == "search":
            return found | self._records(panel, conditions)
        return found | _Table(self, panel, conditions).answer()

    def ask(self, index: str, conditions: list[Json], body: Json) -> Json:
        """An answer of all shards. Raises AssertionError where one of them failed."""
        query = {"query": {"bool": {"filter": conditions}}, "track_total_hits": True}
        answer = self.server.ask("POST", f"/{index}/_search", query | body)
        assert not answer["_shards"]["failed"], answer["_shards"]
        return answer

    def _timelion(self, expression: str, conditions: list[Json]) -> Json:
        rows: list[list[Any]] = []
        for index, query, label in _SERIES.findall(expression):
            within = [*conditions, *([_text(query)] if query else [])]
            body = {"size": 0, "aggs": {"b": _histogram("@timestamp", self.interval)}}
            answer = self.ask(index, within, body)
            buckets = answer["aggregations"]["b"]["buckets"]
            rows += [[label, bucket["key_as_string"], bucket["doc_count"]] for bucket in buckets]
        return {"columns": ["series", "@timestamp", "Count"], "rows": rows}

    def _records(self, panel: Definition, conditions: list[Json]) -> Json:
        body = {"size": 5, "sort": [{"@timestamp": "desc"}, {"event.hash": "asc"}]}
        hits = self.ask(panel["index"], conditions, body)["hits"]["hits"]
        columns = ["@timestamp", *panel["columns"]]
        rows = [[_value(hit["_source"], name) for name in columns] for hit in hits]
        return {"columns": columns, "rows": rows}


class _Table:
    """A panel of buckets and metrics."""

    def __init__(self, asked: Asked, panel: Definition, conditions: list[Json]) -> None:
        self.asked, self.panel, self.conditions = asked, panel, conditions
        self.levels = [level for level in panel["buckets"] if level.get("enabled", True)]
        self.metrics = panel["metrics"]

    def answer(self) -> Json:
        found = self._search([], self.levels)
        columns = [_name(level) for level in self.levels]
        columns += [name for metric in self.metrics for name in _names(metric)]
        others = self._others(found, 0, [])
        rows = list(self._rows(found, 0, [], others))
        return {"columns": columns, "rows": rows}

    def _search(self, within: list[Json], levels: list[Definition]) -> Json:
        body: Json = {"size": 0}
        if aggs := self._aggs(levels):
            body["aggs"] = aggs
        answer = self.asked.ask(self.panel["index"], [*self.conditions, *within], body)
        found: Json = answer.get("aggregations", {})
        return found | {"doc_count": answer["hits"]["total"]["value"]}

    def _aggs(self, levels: list[Definition]) -> Json:
        found = {m["id"]: spec for m in self.metrics if (spec := _metric(m, self.asked.exact))}
        for metric in self.metrics:
            if metric["agg"] == "sum_bucket":
                found |= _sum_bucket(metric)
        if levels:
            level, *inner = levels
            found["b"] = self._bucket(level) | {"aggs": self._aggs(inner)}
        return found

    def _bucket(self, level: Definition) -> Json:
        if level["agg"] == "filters":
            chosen = {f["label"]: _text(f["query"]) for f in level["filters"]}
            return {"filters": {"filters": chosen}}
        if level["agg"] == "date_histogram":
            return _histogram(level["field"], self.asked.interval)
        by = level["order_by"]
        counts = {m["id"] for m in self.metrics if m["agg"] == "count"}
        order = [{"_count" if by in counts else by: level["order"]}]
        order += [] if by == "_key" else [{"_key": "asc"}]
        terms: Json = {"field": level["field"], "size": level["size"], "order": order}
        if self.asked.exact:
            terms["shard_size"] = max(EXACT, level["size"])
        if level.get("missing_bucket"):
            terms["missing"] = MISSING
        return {"terms": terms}

    def _others(self, found: Json, depth: int, path: list[Json]) -> dict[str, Json]:
        """The bucket `Other` of every parent, by the parent's conditions; none of a level where
        some parent has no bucket."""
        if depth == len(self.levels):
            return {}
        level, others = self.levels[depth], {}
        if level.get("other_bucket") and all(self._parents(found, depth)):
            for parent, conditions in self._paths(found, depth, path):
                shown = [bucket["key"] for bucket in parent["b"]["buckets"]]
                rest = {"bool": {"must_not": [{"terms": {level["field"]: shown}}]}}
                within = [*conditions, {"exists": {"field": level["field"]}}, rest]
                other = self._search(within, self.levels[depth + 1 :])
                if other["doc_count"]:
                    others[json.dumps(conditions)] = other | {"key": OTHER}
        return others | self._others(found, depth + 1, path)

    def _parents(self, found: Json, depth: int) -> Iterator[bool]:
        for parent, _ in self._paths(found, depth, []):
            yield bool(parent["b"]["buckets"])

    def _paths(
        self, found: Json, depth: int, path: list[Json]
    ) -> Iterator[tuple[Json, list[Json]]]:
        """The buckets whose children are of a level, each with its conditions."""
        if len(path) == depth:
            yield found, path
            return
        for key, bucket in _buckets(found):
            condition = _is(self.levels[len(path)], key)
            yield from self._paths(bucket, depth, [*path, condition])

    def _rows(
        self, found: Json, depth: int, path: list[Json], others: dict[str, Json]
    ) -> Iterator[list[Any]]:
        if depth == len(self.levels):
            yield [value for metric in self.metrics for value in _values(metric, found)]
            return
        level = self.levels[depth]
        children = [(key, one, [*path, _is(level, key)]) for key, one in _buckets(found)]
        if other := others.get(json.dumps(path)):
            children.append((OTHER, other, [{"nothing": OTHER}]))
        for key, bucket, below in children:
            for row in self._rows(bucket, depth + 1, below, others):
                yield [key, *row]
        if not children and depth and self.panel["type"] == "pie":
            rest = len(self.levels) - depth
            yield [None] * rest + [v for metric in self.metrics for v in _values(metric, found)]


def _buckets(found: Json) -> Iterator[tuple[Any, Json]]:
    given = found.get("b", {}).get("buckets", [])
    if isinstance(given, dict):
        yield from sorted(given.items())
        return
    for bucket in given:
        yield bucket.get("key_as_string", bucket["key"]), bucket


def _is(level: Definition, key: Any) -> Json:  # noqa: ANN401  as the server has it
    if level["agg"] == "filters":
        return _text(next(f["query"] for f in level["filters"] if f["label"] == key))
    if key == MISSING and level.get("missing_bucket"):
        return {"bool": {"must_not": [{"exists": {"field": level["field"]}}]}}
    return {"term": {level["field"]: key}}


def _histogram(field: str, interval: str) -> Json:
    of = {"field": field, "calendar_interval": interval, "min_doc_count": 1, "time_zone": "UTC"}
    return {"date_histogram": of}


def _name(level: Definition) -> str:
    return str(level.get("label") or level.get("field") or level["agg"])


def _names(metric: Definition) -> list[str]:
    kind, field = metric["agg"], metric.get("field")
    label = metric.get("label")
    if kind == "percentiles":
        return [f"{n}th percentile of {label or field}" for n in metric["percents"]]
    words = {
        "count": "Count",
        "cardinality": f"Unique count of {field}",
        "sum_bucket": f"sum_bucket of {metric.get('customMetric', {}).get('field')}",
        "avg": f"Average {field}",
        "top_hits": f"Last {field}",
    }
    return [str(label or words.get(kind, f"{kind.capitalize()} of {field}"))]


def _metric(metric: Definition, exact: bool) -> Json:
    kind, field = metric["agg"], metric.get("field")
    if kind in ("count", "sum_bucket"):
        return {}
    more: Json = json.loads(metric["json"]) if "json" in metric else {}
    if "script" in more:
        more["script"] = {"source": more["script"], "lang": "painless"}
    if kind == "percentiles":
        more["percents"] = [float(n) for n in metric["percents"]]
        if exact:
            more["tdigest"] = {"compression": EXACT}
    if kind == "cardinality" and exact:
        more["precision_threshold"] = 40_000
    if kind == "top_hits":
        sort = [{metric["sort_field"]: metric["sort_order"]}]
        return {"top_hits": {"size": metric["size"], "sort": sort, "_source": [field]}}
    return {kind: {"field": field} | more}


def _sum_bucket(metric: Definition) -> Json:
    chosen = {str(n): _text(f["query"]) for n, f in enumerate(metric["customBucket"]["filters"])}
    inner = metric["customMetric"]
    parts = {
        "filters": {"filters": chosen},
        "aggs": {"m": {inner["agg"]: {"field": inner["field"]}}},
    }
    name = f"{metric['id']}-parts"
    return {name: parts, metric["id"]: {"sum_bucket": {"buckets_path": f"{name}>m"}}}


def _values(metric: Definition, found: Json) -> list[Any]:
    kind = metric["agg"]
    if kind == "count":
        return [found["doc_count"]]
    told = found[metric["id"]]
    if kind == "percentiles":
        return [told["values"][f"{float(n)}"] for n in metric["percents"]]
    if kind == "top_hits":
        hits = told["hits"]["hits"]
        return [_value(hits[0]["_source"], metric["field"]) if hits else None]
    return [told["value"]]


def _value(source: Json, name: str) -> Any:  # noqa: ANN401  as the document has it
    value: Any = source
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _text(query: str) -> Json:
    """A query as people type it. A few are in Dashboards' own language: a name in quotes, `<`."""
    plain = re.sub(r'^"([\w.]+)":\s*', r"\1:", query)
    plain = re.sub(r"([\w.]+)<(\d+)", r"\1:<\2", plain)
    return {"query_string": {"query": plain, "analyze_wildcard": True}}


def _filter(told: str) -> Json:
    """A filter of a panel or a dashboard in the words of `panels.json`."""
    without = told.startswith("NOT ")
    told = told.removeprefix("NOT ")
    if (at := told.find("DSL ")) >= 0:
        found: Json = json.loads(told[at + 4 :])["query"]
    else:
        field, _, value = told.partition(": ")
        found = {"match_phrase": {field: json.loads(value)}}
    return {"bool": {"must_not": [found]}} if without else found
