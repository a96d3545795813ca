"""Our searches as saved objects, which OpenSearch Dashboards imports: an index pattern for each
kind of log, and the rows of each page, in its columns.

Ids are ours and always the same: an import anew replaces these objects and no others, so that the
original's stay as they are. A column of a page is named after a document's field, or is made of
one; what is neither is left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from lake.ask.explore import COLUMNS, title_of
from lake.dashboards.dashboards import dashboards
from lake.errors import UsageError
from lake.export.templates import properties
from lake.filters.filters import OPS, Filter
from lake.sources.catalogue import catalogue
from lake.sources.rowmodel import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lake.dashboards.dashboards import Dashboard, Panel
    from lake.errors import LakeError
    from lake.export.templates import Mapping
    from lake.sources.source import Source

Saved = dict[str, Any]
ALL = "log-aws-*"
_PREFIX = "siem-lake-"
_PARTITION = {"account": "cloud.account.id", "region": "cloud.region"}
_COLUMN = re.compile(r"""([\w."]+)(?:, '\w+'\))? AS "([^"_][^"]*)\"""")
"""Of a query's SELECT: a leaf, also with a word for none, and the name that it is shown under."""
_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"


def saved_objects(tell: Callable[[LakeError], None]) -> list[Saved]:
    """The index patterns, then the searches: those of pages, then one for each source that has no
    page of its own. `tell` is told of pages that are left out: they cannot be read, or have a
    filter that a saved search cannot say."""
    sources = list(catalogue().sources.values())
    patterns = [ALL, *dict.fromkeys(f"{source.index}-*" for source in sources)]
    found = [_pattern(title) for title in patterns]
    shown: set[str] = set()
    wrong: list[LakeError] = []
    for page in dashboards(wrong).values():
        panels = [panel for panel in page.panels if panel.chart == "rows"]
        try:
            found += [_of_page(page, panel, nth) for nth, panel in enumerate(panels, 1)]
        except UsageError as error:
            wrong.append(UsageError(f"dashboard {page.name} is left out: {error}"))
            continue
        if panels and page.table != EVENTS:
            shown.update(source.name for source in _sources(page.table))
    for one in wrong:
        tell(one)
    return found + [_of_source(source) for source in sources if source.name not in shown]


def as_ndjson(objects: Iterable[Saved]) -> str:
    """A line for each object."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)


def fields_of_documents(sources: Iterable[Source]) -> set[str]:
    """The names of the fields that these sources' documents have."""
    return {name for source in sources for name in _leaves(properties(source), "")}


def _leaves(fields: Mapping, prefix: str) -> Iterator[str]:
    for name, field in fields.items():
        if "properties" in field:
            yield from _leaves(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name


def _sources(table: str) -> list[Source]:
    """The sources whose rows a table or family has."""
    known = list(catalogue().sources.values())
    found = [source for source in known if table in (source.name, source.family)]
    return found if table != EVENTS else known


def _pattern(title: str) -> Saved:
    attributes = {"title": title, "timeFieldName": "@timestamp"}
    return _object("index-pattern", title.replace("*", "all"), attributes, [])


def _of_page(page: Dashboard, panel: Panel, nth: int) -> Saved:
    sources = _sources(page.table)
    known = fields_of_documents(sources)
    columns = []
    for leaf, name in _COLUMN.findall(panel.block.sql.partition("\nFROM ")[0]):
        plain = leaf.replace('"', "").removeprefix("native.")
        columns += [one for one in (name, plain) if one in known][:1]
    title = f"{page.label} - {panel.label or panel.title}"
    filters = [Filter.parse(given) for given in page.filters]
    conditions = [_condition(one, known) for one in filters if one.op != "any"]
    name = page.name if nth == 1 else f"{page.name}-{nth}"
    return _search(name, title, panel.about, sources, columns, conditions)


def _of_source(source: Source) -> Saved:
    known = fields_of_documents([source])
    columns = [n for n in (_PARTITION.get(name, name) for name in COLUMNS) if n in known]
    only = {"terms": {"event.dataset": [source.name]}}
    title = title_of(source.name)
    return _search(f"table-{source.name}", title, "", [source], columns, [(only, False)])


def _condition(given: Filter, known: set[str]) -> tuple[Saved, bool]:
    """A page's own filter on documents with these fields as a query, and whether it is to be false.
    Raises UsageError for what OpenSearch would answer otherwise."""
    field = _PARTITION.get(given.field, given.field.removeprefix("native."))
    if field in known and given.op in ("is", "not"):
        return {"terms": {field: list(given.value)}}, given.op == "not"
    if field in known and given.op in ("set", "unset"):
        return {"exists": {"field": field}}, given.op == "unset"
    raise UsageError(
        f"no saved search can say '{given.field} {OPS[given.op]} {', '.join(given.value)}' as the "
        "lake does. Take a filter of equal values of a field that documents have, or of one that "
        "is set."
    )


def _search(
    name: str,
    title: str,
    about: str,
    sources: list[Source],
    columns: list[str],
    conditions: list[tuple[Saved, bool]],
) -> Saved:
    indices = {f"{source.index}-*" for source in sources}
    pattern = indices.pop() if len(indices) == 1 else ALL
    reference = {"name": _INDEX, "type": "index-pattern", "id": _id(pattern.replace("*", "all"))}
    filters = [
        {
            "meta": {"type": "custom", "disabled": False, "negate": negate, "alias": None},
            "query": query,
            "$state": {"store": "appState"},
        }
        for query, negate in conditions
    ]
    told = {
        "query": {"query": "", "language": "kuery"},
        "filter": filters,
        "indexRefName": _INDEX,
    }
    attributes = {
        "title": f"siem-lake: {title}",
        "description": about,
        "hits": 0,
        "columns": columns,
        "sort": [["@timestamp", "desc"]],
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(told)},
    }
    return _object("search", f"search-{name}", attributes, [reference])


def _object(kind: str, name: str, attributes: Saved, references: list[Saved]) -> Saved:
    return {"id": _id(name), "type": kind, "attributes": attributes, "references": references}


def _id(name: str) -> str:
    return _PREFIX + name
