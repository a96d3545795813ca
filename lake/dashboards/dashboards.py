"""Which dashboards there are: for each, `<name>.sql` with its queries and `<name>.toml` with its
panels. The project's own lie in `sql/dashboards/`; a user's in the folder `$LAKE_DASHBOARDS`, where
an equal name replaces ours. Loading checks that every query has a panel and every panel a query,
and that nothing is misspelt. How a panel is asked is `lake.dashboards.panels`' business.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import LakeError, SourceError, UsageError, unknown_name
from lake.filters.fields import all_fields, fields_of
from lake.filters.filters import Filter
from lake.filters.search import Search
from lake.filters.selection import Selection
from lake.paths import resource
from lake.serve.queries import Block, block, read_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

CHARTS = ("metric", "bar", "area", "line", "table", "map", "rows", "text", "choices")
TONES = ("neutral", "good", "bad", "outcome", "status", "severity", "action", "alarm", "http")
NEEDS = ("geoip", "threat")
GRID = 12
"""Columns of a page."""
OWN_PAGES = {"sql": "the page for SQL of one's own", "explore": "the page to look at any table"}
"""Pages that are no dashboards, by their place in the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel of a page.

    `title` names it everywhere; `label` is what stands on a page that says the rest already. The
    query's last column is the figure; a chart of time has the time first. `width` is in twelfths of
    the page, `height` in rows of the grid beside others. `tone` gives colours a meaning: `good`
    (green), `bad` (red where above zero), `outcome`, `status`, `severity`, `action` (of a
    firewall), `alarm` (figures of a page that are red above zero), `http` (status codes).
    `needs` and `empty` explain an empty answer; of bars, also over time, one whose figures are all
    zero, too. `field` is what a value of the first text column filters on; of a table `fields` says
    so of each column (its name -> the field). `search` finds the events that a figure counts, or of
    several figures (their names -> a search) those of some. `like` takes the colours of the panel
    so named. `whole` marks figures of the whole lake, which no filter narrows.

    Panels of one query share its answer: `columns` says which of its columns a panel shows (name
    on the panel -> the query's), `only` which of its rows (a column -> its value), `first` how many
    of these (0: all). `former` are titles of other versions of the same panel, and of another chart
    of the same rows; `lake panels` gives it under each.
    """

    title: str
    query: str
    chart: str
    label: str = ""
    section: str = ""
    width: int = GRID
    height: int = 1
    unit: str = ""
    tone: str = "neutral"
    needs: str = ""
    empty: str = ""
    field: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    search: tuple[tuple[str, str], ...] = ()
    like: str = ""
    whole: bool = False
    columns: tuple[tuple[str, str], ...] = ()
    only: tuple[tuple[str, str], ...] = ()
    first: int = 0
    former: tuple[str, ...] = ()
    block: Block

    def __post_init__(self) -> None:
        for name, known in (("chart", CHARTS), ("tone", TONES), ("needs", ("", *NEEDS))):
            if getattr(self, name) not in known:
                raise SourceError(f"panel '{self.title}': {name} is one of {', '.join(known)}.")
        if not 1 <= self.width <= GRID or self.height < 1:
            raise SourceError(f"panel '{self.title}': width is 1 to {GRID}, height 1 or more.")
        if self.first < 0:
            raise SourceError(f"panel '{self.title}': first is a number of rows, 0 for all.")
        for field in (self.field, *(name for _, name in self.fields)):
            if field and field not in all_fields():
                raise SourceError(f"panel '{self.title}': no table has the field '{field}'.")
        for _, text in self.search:
            try:
                Search(text)
            except UsageError as error:
                raise SourceError(f"panel '{self.title}': {error}") from error

    def search_for(self, figure: str) -> str:
        """What finds the events behind a figure of the panel; nothing where none is told."""
        told = dict(self.search)
        return told.get(figure, told.get("", ""))

    @property
    def figures(self) -> bool:
        """Whether it sums up all rows that are chosen; else it shows some of them, whole."""
        return self.chart != "rows"

    @property
    def about(self) -> str:
        """What the figure counts, as the query's comment says it."""
        return self.block.about


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page: its table and its panels in order. `filters`, in the form of a URL, hold unless a
    reader's own names their field; `former` are titles of other versions. A page with `entity` is
    about one thing, which the reader names; its queries have it as $entity. `fields` are what its
    panels take of `logs` that only some of the tables behind a view have (`lake.serve.chosen`)."""

    name: str
    title: str
    label: str
    table: str
    fields: tuple[str, ...] = ()
    about: str = ""
    icon: str = ""
    also: tuple[tuple[str, str], ...] = ()
    filters: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    entity: bool = False
    panels: tuple[Panel, ...] = ()

    def narrowed(self, selection: Selection) -> Selection:
        """A reader's selection with the page's own filters; without those that take every row."""
        named = {chosen.field for chosen in selection.filters}
        named |= set(selection.search.fields) if selection.search else set()
        own = tuple(f for f in map(Filter.parse, self.filters) if f.field not in named)
        kept = tuple(chosen for chosen in selection.filters if chosen.op != "any")
        return replace(selection, filters=kept + own)

    def panel(self, title: str) -> Panel:
        """A panel by title or label. Raises UsageError that lists the known ones."""
        for panel in self.panels:
            if title in (panel.title, panel.label, *panel.former):
                return panel
        raise unknown_name("panel", title, [panel.title for panel in self.panels])

    def sections(self) -> list[tuple[str, list[Panel]]]:
        """The panels by section, both in the order of the file."""
        found: dict[str, list[Panel]] = {}
        for panel in self.panels:
            found.setdefault(panel.section, []).append(panel)
        return list(found.items())


def user_dashboards() -> Path | None:
    """`$LAKE_DASHBOARDS`: a folder with dashboards of one's own."""
    named = os.environ.get("LAKE_DASHBOARDS")
    return Path(named) if named else None


def dashboards(wrong: list[LakeError] | None = None) -> dict[str, Dashboard]:
    """All dashboards by name: `overview` first, then by label. One that cannot be read raises
    SourceError, and LAKE_DASHBOARDS for what is no folder UsageError; where there is a list for
    what is `wrong`, the error goes there, and the others are given."""
    folders = [resource("sql") / "dashboards"]
    own = user_dashboards()
    errors: list[LakeError] = []
    if own is not None and own.is_dir():
        folders.append(own)
    elif own is not None:
        told = f"LAKE_DASHBOARDS names {own}, which is no folder. Unset or make it."
        errors.append(UsageError(told))
    found: dict[str, Dashboard] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                found[path.stem] = load_dashboard(path)
            except SourceError as error:
                errors.append(error)
        alone = {p.stem for p in folder.glob("*.sql")} - {p.stem for p in folder.glob("*.toml")}
        for name in sorted(alone):
            lone = folder / f"{name}.sql"
            errors.append(SourceError(f"{lone} has no .toml beside it. Write its panels."))
    if wrong is not None:
        wrong += errors
    elif errors:
        raise errors[0]
    order = sorted(found.values(), key=lambda d: (d.name != "overview", d.label.lower()))
    return {dashboard.name: dashboard for dashboard in order}


def find_dashboard(name: str, tell: Callable[[LakeError], None] | None = None) -> Dashboard:
    """By short name, label or title, whatever the case. Raises UsageError with the known ones, and
    what is wrong with the one of this name, or with any of them; `tell` is told of the others."""
    wanted = name.strip().lower()
    own = user_dashboards()
    if own is not None:  # a faulty one is never ours of the same name
        for path in own.glob("*.toml"):
            if path.stem.lower() == wanted:
                return load_dashboard(path)
    wrong: list[LakeError] = []
    known = dashboards(wrong if tell else None)
    if tell:
        for error in wrong:
            tell(error)
    for dashboard in known.values():
        titles = (dashboard.name, dashboard.title, dashboard.label, *dashboard.former)
        if wanted in map(str.lower, titles):
            return dashboard
    raise unknown_name("dashboard", name, [f"{d.name} ({d.title})" for d in known.values()])


def load_dashboard(path: Path) -> Dashboard:
    """Read one dashboard from its .toml and the .sql beside it. Raises SourceError."""
    return _load(path, path.stat().st_mtime_ns, _sql(path).stat().st_mtime_ns)


def _sql(path: Path) -> Path:
    beside = path.with_suffix(".sql")
    if not beside.exists():
        raise SourceError(f"{path} has no {beside.name} beside it. Write its queries.")
    return beside


@cache
def _load(path: Path, *_changed: int) -> Dashboard:
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}. Mend the file.") from error
    if path.stem in OWN_PAGES:
        raise SourceError(
            f"{path}: `{path.stem}` is {OWN_PAGES[path.stem]}. Name the file otherwise."
        )
    blocks = read_blocks(_sql(path))
    given = declared.pop("panel", [])
    also = tuple(declared.pop("also", {}).items())
    try:
        panels = tuple(_panel(entry, blocks) for entry in given)
        _check(Dashboard, declared | {"name": path.stem})
        for name in ("filters", "former"):
            declared[name] = tuple(declared.get(name, ()))
        dashboard = Dashboard(name=path.stem, panels=panels, also=also, **declared)
        fields_of(dashboard.table)
        dashboard.narrowed(Selection())
    except (SourceError, UsageError, TypeError, KeyError) as error:
        raise SourceError(f"{path}: {error}") from error
    unused = set(blocks) - {panel.query for panel in panels}
    if unused:
        raise SourceError(f"{path}: no panel shows the query {', '.join(sorted(unused))}.")
    titles = [title for panel in panels for title in (panel.title, *panel.former)]
    for panel in panels:
        for title in (panel.title, *panel.former):
            if titles.count(title) > 1:
                raise SourceError(f"{path}: two panels are titled '{title}'.")
        if panel.like and panel.like not in titles:
            raise SourceError(f"{path}: '{panel.title}' is like '{panel.like}', which is not here.")
    return dashboard


def _panel(entry: dict[str, Any], blocks: dict[str, Block]) -> Panel:
    _check(Panel, entry)
    given = entry | {"former": tuple(entry.get("former", ()))}
    search = entry.get("search", {})
    given |= {"search": {"": search} if isinstance(search, str) else search}
    given |= {
        name: tuple(given.get(name, {}).items()) for name in ("columns", "only", "fields", "search")
    }
    return Panel(block=block(blocks, entry["query"]), **given)


def _check(kind: type[Panel | Dashboard], entry: dict[str, Any]) -> None:
    """Raises SourceError for an entry that a page, or a panel of it, does not have or lacks. (The
    panels are taken out of a page before.)"""
    known = {f.name: f for f in fields(kind) if f.name not in ("block", "panels")}
    title = entry.get("title", "")
    for name in sorted(set(entry) - set(known)):
        own = {"panel"} if kind is Dashboard else set()
        names = ", ".join(sorted(set(known) - {"name"} | own))
        raise SourceError(f"{title}: no entry is called '{name}'. Known: {names}.")
    for name, one in known.items():
        if name not in entry and one.default is MISSING:
            raise SourceError(f"{title}: '{name}' is missing.")
