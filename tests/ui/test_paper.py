"""What a printer gets of a table: all of it, as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import streamlit as st
from hostile import PAYLOADS

from lake.ui.paper import EMPTY, PRINTED, draw_on_paper
from lake.visible import visible


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(st, "html", found.append)
    return found


def test_values_are_written_as_on_the_screen(drawn: list[str]) -> None:
    at = datetime(2024, 2, 1, 10, tzinfo=UTC)
    labels = ["at (UTC)", "source.port", "Bytes", "user.name"]
    draw_on_paper(labels, [[at, 51822, 51822, None], [None, None, 1.5, "bob"]])
    (table,) = drawn
    assert ">source.<wbr>port</th>" in table
    assert "<td>2024-02-01 10:00:00</td>" in table
    none = f"<td>{EMPTY}</td>"
    assert f'<td class="number">51822</td><td class="number">51,822</td>{none}' in table
    assert f'{none}{none}<td class="number">1.5</td><td>bob</td>' in table
    assert "<caption>" not in table


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_a_log_is_no_markup(drawn: list[str], payload: str) -> None:
    draw_on_paper([payload], [[payload]])
    text = drawn[0]
    for ours in ("<table", "</table>", "<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>"):
        assert text.count(ours) <= 2
        text = text.replace(ours, "")
    for ours in ("</tr>", "<td>", "</td>", "</th>", "<wbr>"):
        text = text.replace(ours, "")
    assert text.count("<") == 1  # the head's cell
    assert visible(drawn[0]) == drawn[0]


def test_a_long_table_says_how_many_rows_it_leaves_out(drawn: list[str]) -> None:
    draw_on_paper(["n"], [[n] for n in range(PRINTED + 5)])
    assert drawn[0].count("<tr>") == PRINTED + 1
    assert "<caption>200 of 205 rows</caption>" in drawn[0]
    draw_on_paper(["n"], [[1]], of=5_000)
    assert "<caption>1 of 5,000 rows</caption>" in drawn[1]
