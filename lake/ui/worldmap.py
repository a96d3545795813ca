"""Countries on a map that needs no network: the shapes lie beside this file (`world/README.md`).
Small countries that have no shape at this scale, such as Singapore, are drawn as points.
"""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from lake.ui.charts import picked
from lake.ui.leaderboard import draw_chart, on_pick
from lake.ui.text import count, plain

if TYPE_CHECKING:
    from lake.dashboards import Panel
    from lake.panels import PanelResult
    from lake.scope import View

WORLD = Path(__file__).parent / "world"
HEIGHT = 300
ANTARCTICA = "010"


@cache
def _read(name: str) -> Any:  # noqa: ANN401  JSON
    return json.loads((WORLD / name).read_text("utf-8"))


def draw_map(view: View, panel: Panel, result: PanelResult) -> None:
    """A country's shade is its figure, on a logarithmic scale: a few countries hold nearly all."""
    numbers = {code: number for number, code in _read("iso3166.json").items()}
    points = _read("points.json")
    shapes = {
        shape.get("id")
        for shape in _read("countries-110m.json")["objects"]["countries"]["geometries"]
    }
    data = pa.Table.from_pylist(
        [
            {
                "id": numbers.get(code, ""),
                "name": code,
                "n": n,
                "figure": count(n),
                "lon": points.get(code, {}).get("lon"),
                "lat": points.get(code, {}).get("lat"),
            }
            for code, n in result.rows
        ]
    )
    nowhere = [
        f"{code} ({count(n)})"
        for code, n in result.rows
        if numbers.get(code) not in shapes and code not in points
    ]
    most = max(n for _, n in result.rows)
    colour = alt.Color(
        "n:Q",
        scale=alt.Scale(type="log" if most > 1 else "linear", domain=[1, max(most, 2)]),
        legend=alt.Legend(title=panel.unit, orient="bottom-left", tickCount=4, format="~s"),
    )
    tooltip = [
        alt.Tooltip("properties.name:N", title="country"),
        alt.Tooltip("name:N", title="code"),
        alt.Tooltip("figure:N", title=panel.unit),
    ]
    pick = alt.selection_point(name="pick", fields=["name"])
    world = alt.InlineData(
        values=_read("countries-110m.json"),
        format=alt.TopoDataFormat(type="topojson", feature="countries"),
    )
    land = (
        alt.Chart(world)
        .transform_filter(f"datum.id != '{ANTARCTICA}'")
        .mark_geoshape(fill="#8a93a6", fillOpacity=0.22, stroke="#8a93a6", strokeOpacity=0.55)
    )
    counted = (
        alt.Chart(world)
        .transform_lookup("id", from_=alt.LookupData(data, "id", ["name", "n", "figure"]))
        .transform_filter("isValid(datum.n)")
        .mark_geoshape(stroke="#8a93a6", strokeOpacity=0.7, cursor="pointer")
        .encode(color=colour, tooltip=tooltip)
        .add_params(pick)
    )
    small = (
        alt.Chart(data.filter(pc.is_valid(data["lon"])))
        .mark_circle(size=70, stroke="#8a93a6", strokeWidth=1, opacity=1)
        .encode(longitude="lon:Q", latitude="lat:Q", color=colour, tooltip=tooltip[1:])
    )
    chart = alt.layer(land, counted, small).project(type="naturalEarth1").properties(height=HEIGHT)
    key = f"{view.dashboard.name}:{panel.title}"
    draw_chart(key, chart, on_pick(partial(picked, panel)), panel.about)
    if nowhere:
        st.caption(plain(f"Not on the map: {', '.join(nowhere)}."))
