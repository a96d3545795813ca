"""Countries on a map that needs no network: the shapes lie beside this file (`world/README.md`).
Small countries that have no shape at this scale, such as Singapore, are drawn as points.
"""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from lake.ui.charts import picked
from lake.ui.clicks import Spec, draw_chart, leave, on_pick, picks
from lake.ui.look import GREY
from lake.ui.text import figure, plain
from lake.ui.words import heard, say

if TYPE_CHECKING:
    from lake.dashboards.dashboards import Panel
    from lake.dashboards.panels import PanelResult
    from lake.dashboards.scope import View

WORLD = Path(__file__).parent / "world"
HEIGHT = 300
ANTARCTICA = "010"


@cache
def _read(name: str) -> Any:  # noqa: ANN401  JSON
    return json.loads((WORLD / name).read_text("utf-8"))


@cache
def _numbers() -> dict[str, str]:
    """ISO 3166 code -> the number that the country's shape has."""
    return {code: number for number, code in _read("iso3166.json").items()}


@cache
def _shapes() -> frozenset[str]:
    """The numbers of the countries that have a shape."""
    countries = _read("countries-110m.json")["objects"]["countries"]["geometries"]
    return frozenset(country["id"] for country in countries if "id" in country)


def draw_map(view: View, panel: Panel, result: PanelResult) -> None:
    """A country's shade is its figure, on a logarithmic scale: a few countries hold nearly all."""
    key = f"{view.dashboard.name}:{panel.title}"
    spec = _spec(panel, result)
    draw_chart(key, None, spec, on_pick(partial(picked, panel, {})), heard(panel))
    numbers, points = _numbers(), _read("points.json")
    nowhere = [
        f"{code} ({figure(n, panel.unit)})"
        for code, n in result.rows
        if numbers.get(code) not in _shapes() and code not in points
    ]
    if nowhere:
        st.caption(plain(say("Not on the map: {countries}.", countries=", ".join(nowhere))))


def _countries(panel: Panel, result: PanelResult) -> list[dict[str, Any]]:
    """A row a country: `id` is the number of its shape; `lon` and `lat` has one that is a point."""
    numbers, points = _numbers(), _read("points.json")
    return [
        {
            "id": numbers.get(code, ""),
            "name": code,
            "n": float(n),
            "figure": figure(n, panel.unit),
            "heard": f"{say(panel.unit)}: {figure(n, panel.unit)}",
            "leave": say("not this"),
            **points.get(code, {}),
        }
        for code, n in result.rows
    ]


def _shade(panel: Panel, result: PanelResult) -> Spec:
    most = max(n for _, n in result.rows)
    least = min([1, *(n for _, n in result.rows if n > 0)])
    alarming = panel.tone == "bad"
    # The light end of the blues is the grey of land: a country with one event seemed to have none.
    begin = least if alarming else least / max(most / least, 8) ** (1 / 3)
    ticks = {} if alarming else {"values": _ticks(least, most)}
    return {
        "field": "n",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [begin, max(most, 2 * begin)], "clamp": True}
        | ({"scheme": "yelloworangered"} if alarming else {}),
        "legend": {
            "title": say(panel.unit),
            "orient": "bottom-left",
            "tickCount": 4,
            "format": "~s" if isinstance(most, int) else ".3~r",
            **ticks,
        },
    }


def _ticks(least: float, most: float) -> list[float]:
    """What a legend writes: powers of ten, as many as have room, or both ends."""
    tens = [10.0**n for n in range(-9, 19) if least <= 10.0**n <= most]
    return tens[:: -(-len(tens) // 4)] if len(tens) > 1 else sorted({least, most})


def _spec(panel: Panel, result: PanelResult) -> Spec:
    """All land in grey, on it the countries with a figure, and points for those without a shape."""
    countries = _countries(panel, result)
    shade = _shade(panel, result)
    tooltip = [
        {"field": "name", "type": "nominal", "title": say("code")},
        {"field": "figure", "type": "nominal", "title": say(panel.unit)},
        leave(),
    ]
    named = {"field": "properties.name", "type": "nominal", "title": say("country")}
    heard_of = {"description": {"field": "heard", "type": "nominal"}}
    edge = {"stroke": GREY, "strokeOpacity": 0.6}
    world = {"name": "world", "format": {"type": "topojson", "feature": "countries"}}
    return {
        "height": HEIGHT,
        "datasets": {
            "world": _read("countries-110m.json"),
            "figures": pa.Table.from_pylist(countries),
            "points": pa.Table.from_pylist([one for one in countries if "lon" in one]),
        },
        "projection": {"type": "naturalEarth1"},
        "params": picks("name", "countries", "points"),
        "layer": [
            {
                "data": world,
                "transform": [{"filter": f"datum.id != '{ANTARCTICA}'"}],
                "mark": {"type": "geoshape", "fill": GREY, "fillOpacity": 0.22, **edge},
            },
            {
                "name": "countries",
                "data": world,
                "transform": [
                    {
                        "lookup": "id",
                        "from": {
                            "data": {"name": "figures"},
                            "key": "id",
                            "fields": ["name", "n", "figure", "heard", "leave"],
                        },
                    },
                    {"filter": "isValid(datum.n)"},
                    {"calculate": "datum.properties.name + ', ' + datum.heard", "as": "heard"},
                ],
                "mark": {"type": "geoshape", "cursor": "pointer", **edge},
                "encoding": {"color": shade, "tooltip": [named, *tooltip], **heard_of},
            },
            {
                "name": "points",
                "data": {"name": "points"},
                "transform": [{"calculate": "datum.country + ', ' + datum.heard", "as": "heard"}],
                "mark": {"type": "circle", "size": 70, "opacity": 1, "cursor": "pointer", **edge},
                "encoding": {
                    "longitude": {"field": "lon", "type": "quantitative"},
                    "latitude": {"field": "lat", "type": "quantitative"},
                    "color": shade,
                    "tooltip": [named | {"field": "country"}, *tooltip],
                    **heard_of,
                },
            },
        ],
    }
