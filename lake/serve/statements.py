"""What SQL text of somebody's may do. Decides by the types that DuckDB's own parser gives its
statements, never by searching the text for words. `one_select` lets one statement pass that only
reads; `refuse_writes` lets pass what reads, or changes no more than the memory of the connection,
and a COPY whose target it can tell. That a query opens no file but the lake's is the locked
connection's part (`lake.query`), not this one's.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from lake.errors import UsageError
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_MEMORY = {
    *("SELECT", "CREATE", "INSERT", "UPDATE", "DELETE", "MERGE_INTO", "DROP", "ALTER"),
    *("SET", "VARIABLE_SET", "TRANSACTION", "VACUUM", "ANALYZE"),
}
_OF_TABLES = _IN_MEMORY - {"SELECT", "SET", "VARIABLE_SET", "TRANSACTION", "VACUUM", "ANALYZE"}
_COPIES = ("COPY", "MULTI")
"""What the parser calls a COPY, which may be of a PIVOT."""
_CHANGES = ("COPY", "INSERT", "UPDATE", "DELETE")
"""What DuckDB 2 lets stand in a WITH; the parser calls the whole a SELECT."""
_RUN_TEXT = ("json_execute_serialized_sql", "query")
"""Functions that run SQL which a text holds, or makes."""
UNCHANGED = (
    "SQL changes nothing of a lake. `lake ingest` adds rows, `lake forget --before DAY` takes days "
    "out for good, `lake rebuild` derives rows anew, and -o FILE keeps what a query gives."
)
"""What a reader hears who would change rows, or what a name stands for."""
ELSEWHERE = "For anything else open the lake with DuckDB itself: duckdb -readonly LAKE/lake.duckdb."


def one_select(text: str) -> duckdb.Statement:
    """The only statement of a text, if it is a SELECT (also FROM, VALUES, DESCRIBE, SUMMARIZE,
    SHOW, PIVOT with its columns named) or an EXPLAIN of one. Raises UsageError for all else, and
    for what DuckDB cannot parse."""
    statements = _parsed(text)
    if len(statements) != 1:
        raise UsageError(
            Sentence(
                "{count} statements: give one SELECT, and no more after a semicolon.",
                count=str(len(statements)),
            )
            if statements
            else Sentence("no statements: give one SELECT, and no more after a semicolon.")
        )
    kind = _kind(statements[0])
    if kind == "MULTI":
        raise UsageError(
            Sentence(
                "a PIVOT without its columns makes a type first, so it is more than a SELECT. "
                "Name them: PIVOT t ON column IN ('a', 'b')."
            )
        )
    allowed = kind == "SELECT" or _explains_select(statements[0])
    hidden = _hidden(statements[0].query)
    if not allowed or hidden:
        raise UsageError(
            Sentence(
                "{name} is not let in here: give one SELECT, FROM, DESCRIBE, SUMMARIZE or SHOW, or "
                "an EXPLAIN of one.",
                name=hidden if allowed else _named(statements[0]),
            )
        )
    return statements[0]


def analyzed(text: str) -> duckdb.Statement:
    """The EXPLAIN ANALYZE of the only statement of a text, a SELECT: it runs that, and gives the
    plan as JSON with the rows and seconds of each step. Raises UsageError."""
    statement = one_select(text)
    if _kind(statement) != "SELECT":
        raise UsageError(
            Sentence("that is an EXPLAIN already. Run it, or ask for the plan of a SELECT.")
        )
    (explained,) = _parsed(f"EXPLAIN (ANALYZE, FORMAT JSON) {_from_first_word(statement.query)}")
    return explained


def only_reads(text: str) -> bool:
    """Whether each statement of a text is a SELECT (as `one_select` has it); False too where DuckDB
    cannot parse it."""
    try:
        return all(_kind(statement) == "SELECT" for statement in _parsed(text))
    except UsageError:
        return False


def refuse_writes(text: str, lake: Path) -> None:
    """Raise UsageError where a statement of a text could write a file, unless it is a COPY that
    names its target in plain text, outside the lake's folder."""
    for statement in _parsed(text):
        kind, first = _kind(statement), _tokens(statement.query)[0].upper()
        hidden = _hidden(statement.query)
        if hidden in ("COPY", *_RUN_TEXT):
            raise UsageError(f"lake sql does not run {hidden} within a statement. {ELSEWHERE}")
        if first == "COPY" and kind in _COPIES:
            _check_copy(statement.query, lake)
        elif kind == "EXPLAIN" and _explains_select(statement):
            continue
        elif kind not in _IN_MEMORY and not _is_harmless(kind, first, statement.query):
            raise UsageError(f"lake sql does not run {_named(statement)}. {ELSEWHERE}")


def refuse_for_nothing(text: str) -> None:
    """Raise UsageError where no statement of a text gives rows or writes a file: whatever else it
    does ends with the connection, and nothing would come of it."""
    statements = _parsed(text)
    if not statements or any(_gives_rows(one) or _writes(one) for one in statements):
        return
    changes = any(_kind(one) in _OF_TABLES or _kind(one) == "COPY" for one in statements)
    named = _named(statements[-1])
    raise UsageError(
        f"nothing would come of {named} alone: the lake's views are read-only, and what a command "
        f"makes or drops in memory ends with it. {UNCHANGED}"
        if changes
        else f"nothing would come of {named} alone, which holds for one command: write the query "
        "after it, as in SET threads = 1; SELECT ..."
    )


def changes_tables(text: str) -> bool:
    """Whether a statement of a text would change rows, or what a name stands for: none of it
    reaches the lake. False where DuckDB cannot parse it."""
    try:
        statements = _parsed(text)
    except UsageError:
        return False
    return any(
        _kind(one) in _OF_TABLES or _hidden(one.query) in ("INSERT", "UPDATE", "DELETE")
        for one in statements
    )


def refuse_lost_rows(text: str) -> None:
    """Raise UsageError where another statement follows one that gives rows: only the last one's
    are fetched."""
    for statement in _parsed(text)[:-1]:
        if _gives_rows(statement) and _kind(statement) not in ("PRAGMA", "CALL"):
            raise UsageError(
                f"the rows of {_named(statement)} would be lost: only the last statement may give "
                "rows. Run each in a command of its own."
            )


def gives_rows(query: str | duckdb.Statement) -> bool:
    """Whether the last statement gives rows, not the word that DuckDB has for a SET or the number
    that it has for an INSERT. Raises UsageError for what DuckDB cannot parse."""
    statements = _parsed(query) if isinstance(query, str) else [query]
    return bool(statements) and _gives_rows(statements[-1])


def _gives_rows(statement: duckdb.Statement) -> bool:
    kind, words = _kind(statement), [token.upper() for token in _tokens(statement.query)]
    if kind == "MULTI":
        return words[0] != "CREATE"
    if kind in ("INSERT", "UPDATE", "DELETE", "MERGE_INTO"):
        return "RETURNING" in words
    return kind in ("SELECT", "EXPLAIN", "PRAGMA", "CALL") and words[0] != "CHECKPOINT"


def _writes(statement: duckdb.Statement) -> bool:
    """Whether it writes a file: COPY ... TO."""
    is_copy = _tokens(statement.query)[0].upper() == "COPY" and _kind(statement) in _COPIES
    return is_copy and _targets(statement.query) is not None


def refuse_target(target: str | Path, lake: Path) -> None:
    """Raise UsageError for a file to be written that lies in the lake's folder, and for a folder
    around it. Links, `..`, and other spellings of a path are looked through."""
    local = _local(str(target))
    if local is None:
        return
    path, root = Path(os.path.realpath(local)), Path(os.path.realpath(lake))
    within = any(_same(folder, root) for folder in (path, *path.parents))
    is_folder = os.path.isdir(path)  # noqa: PTH112  Path's own fails where a name is too long
    around = is_folder and any(_same(path, folder) for folder in root.parents)
    if within or around:
        raise UsageError(
            f"{target} {'lies in' if within else 'is a folder around'} the lake, which only "
            "`lake ingest` writes. Name another file."
        )


def _parsed(text: str) -> list[duckdb.Statement]:
    try:
        text.encode()
        return duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise UsageError(str(error)) from error
    except UnicodeEncodeError:
        raise UsageError(Sentence("the query is not UTF-8. Write it again.")) from None


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # a type that the Python package has no name for
        return "OTHER"


def _explains_select(statement: duckdb.Statement) -> bool:
    """What EXPLAIN explains has no type of its own in the parser's answer; parsed alone it has.
    EXPLAIN ANALYZE runs it."""
    if _kind(statement) != "EXPLAIN":
        return False
    return any(_is_select(text) for text in _explained(statement.query))


def _explained(query: str) -> Iterator[str]:
    """What an EXPLAIN may be of: what follows it and ANALYZE, and what follows a list in
    parentheses there, which holds options or is a query's beginning."""
    data, words = query.encode(), _words(query)[1:]
    if words and words[0][2].upper() in ("ANALYZE", "ANALYSE"):
        words = words[1:]
    if not words:
        return
    yield data[words[0][0] :].decode()
    depth = 0
    for at, kind, text in words:
        for n, sign in enumerate(text if kind == duckdb.token_type.operator else ""):
            depth += (sign == "(") - (sign == ")")
            if depth == 0:
                yield data[at + n + 1 :].decode()
                return
        if depth == 0:
            return


def _is_select(text: str) -> bool:
    try:
        return [_kind(one) for one in duckdb.extract_statements(text)] == ["SELECT"]
    except duckdb.Error:
        return False


def _hidden(query: str) -> str:
    """What a statement runs besides itself, or empty: a change in a WITH, where alone one can stand
    in parentheses, or SQL in a text."""
    for word, following in pairwise(_tokens(query)):
        called = word.lower().strip('"')
        if called in _RUN_TEXT and following.startswith("("):
            return called
        if word.endswith(("(", ")")) and following.upper() in _CHANGES:
            return following.upper()
    return ""


def _named(statement: duckdb.Statement) -> str:
    kind, words = _kind(statement), _tokens(statement.query)
    if words[0].upper() == "WITH":
        return kind
    return " ".join(words[: 2 if kind == "EXPLAIN" else 1]).upper()


def _is_harmless(kind: str, first: str, query: str) -> bool:
    """A PIVOT is several statements; a PRAGMA or CALL tells of the database, or changes what the
    connection's lock does not let it change; IMPORT and COPY FROM DATABASE, which run others or
    fill one, are PRAGMAs too."""
    if kind == "MULTI":
        return first in ("PIVOT", "SELECT", "FROM", "WITH", "CREATE", "(")
    return (
        kind in ("PRAGMA", "CALL")
        and first in ("PRAGMA", "CALL", "CHECKPOINT")
        and "import_database" not in (token.lower() for token in _tokens(query))
    )


def _check_copy(query: str, lake: Path) -> None:
    """COPY ... FROM reads; of COPY ... TO the target must be one plain text."""
    targets = _targets(query)
    if targets is None:
        return
    patterned = any(token.upper().strip('"') == "FILENAME_PATTERN" for token in _tokens(query))
    if patterned or len(targets) != 1 or not re.fullmatch(r"'(?:[^']|'')*'", targets[0]):
        raise UsageError(
            "COPY writes only to a file or folder that it names in plain text, as in "
            f"COPY (SELECT ...) TO 'out.parquet', without FILENAME_PATTERN. {ELSEWHERE}"
        )
    refuse_target(targets[0][1:-1].replace("''", "'"), lake)


def _targets(query: str) -> list[str] | None:
    """What follows each TO of a COPY; None of a COPY ... FROM."""
    depth, targets = 0, []
    for word, following in pairwise([*_tokens(query), ""]):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word.upper() == "FROM":
            return None
        if depth == 0 and word.upper() == "TO":
            targets.append(following)
    return targets


def _from_first_word(query: str) -> str:
    """A statement without the comments before it, which DuckDB 2.0.1 keeps."""
    return query.encode()[next((at for at, _, _ in _words(query)), 0) :].decode()


def _tokens(query: str) -> list[str]:
    """The tokens of a statement as they are written, without comments."""
    return [text for _, _, text in _words(query)] or [""]


def _words(query: str) -> list[tuple[int, duckdb.token_type, str]]:
    """The same with the byte at which each begins, and what it is."""
    data = query.encode()  # DuckDB counts bytes
    marks = duckdb.tokenize(query)
    ends = [*(at for at, _ in marks[1:]), len(data)]
    return [
        (at, kind, data[at:end].decode(errors="replace").strip())
        for (at, kind), end in zip(marks, ends, strict=True)
        if kind != duckdb.token_type.comment
    ]


def _local(target: str) -> str | None:
    """The path that DuckDB writes to; None where that is not on this machine."""
    if target.lower().startswith("file:"):
        return urlsplit(target).path
    return None if "://" in target else os.path.expanduser(target)  # noqa: PTH111  text stays text


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other
