"""Reads the text of the search box into terms and the parameters that they compare with.

It decides what a text means and says at which character one cannot be read; `lake.filters.search`
makes SQL of the terms. Fields and their types are those of `lake.filters.filters`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from lake.errors import UsageError
from lake.filters.entities import address_leaves, as_address
from lake.filters.fields import named_in_full, type_of, typed
from lake.filters.named_accounts import FIELDS, numbers_like, numbers_of
from lake.filters.search_terms import Joined, Leaf, Node, Not, join, together
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 4000
"""Characters of a search."""
DEEPEST = 40
"""Parentheses and NOTs within each other."""
TEXT = "event.original"
ADDRESSES = "related.ip"

_WORD = re.compile(r'(?:\\.|[^\s()"\\]|\\)+', re.DOTALL)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_TYPESET = re.compile(r"[\u201c\u201d\u201e\uff02](.*?)[\u201c\u201d\uff02]", re.DOTALL)
"""Quotes as a word processor, a chat or a Japanese keyboard writes them."""
_NAME = r"@?[A-Za-z_][\w.@-]*"
_FIELD = re.compile(rf"{_NAME}(?=:|\s+:(?!:))")
_FIELD_ALSO = re.compile(rf"{_NAME}(?=\s*\uff1a|\s*(?:>=|<=|>|<)\s*[^\s<>=])")
"""A field where the name is one: before a colon of full width, before an order (`bytes > 9`)."""
_REQUIRED = re.compile(rf"\+(?={_NAME}\s*:)")
"""What must fit, as Lucene writes it; here everything must."""
_EXISTS = "_exists_"
"""Lucene's for a field that has a value."""
_ESCAPED = re.compile(r"\\([\\*?\":()\[\]<>=\s-])")
_PART = re.compile(r'\\[\\*?":()\[\]<>=\s-]|[*?%_#]', re.DOTALL)
_ANY = {"*": "%", "?": "_"}
"""What stands for any text, and for any one character; as LIKE writes it."""
_IP = re.compile(r"(ip|ip_?addr|addr|address)$", re.IGNORECASE)
_NETWORK = re.compile(r"[\da-fA-F.:]+/\d*")
"""What is meant for a network."""
_ARN = re.compile(r"arn:aws[\w-]*:")
"""No field is meant where one was pasted."""
_COMPARED = re.compile(r">=|<=|>|<")
_DOTTED = re.compile(r"\d+(\.\d+){3}")
_ENDS = re.compile(r'(\[|\{)\s*("(?:\\.|[^"\\])*"|\S+?)\s+TO\s+("(?:\\.|[^"\\])*"|\S+?)\s*(\]|\})')
_BLANK = re.compile(r"\s*")


@lru_cache(64)  # a page reads its own whenever it is drawn
def read_text(
    text: str, names: tuple[tuple[str, str], ...] = ()
) -> tuple[Node, tuple[tuple[str, Any], ...]]:
    """The terms of a search and their parameters, by name; accounts may be called by their `names`
    (number, name). Raises UsageError that says at which character the text cannot be read."""
    reader = _Reader(text, dict(names))
    return reader.whole(), tuple(reader.params)


class _Reader:
    """Reads one text from left to right, by recursive descent.

    `at` is the character that comes next, `deep` the number of parentheses and NOTs around it. A
    method reads what it is called after from there on; `name` is the field before a parenthesis,
    whose values are read in it, or None.
    """

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.text, self.at, self.deep, self.names = text, 0, 0, names
        self.params: list[tuple[str, Any]] = []
        if len(text) > LONGEST:
            raise UsageError(
                Sentence(
                    "The search is longer than {count} characters. Shorten it.",
                    count=f"{LONGEST:,}",
                )
            )
        if any("\ud800" <= c <= "\udfff" or c == "\0" for c in text):
            raise UsageError(
                Sentence("The search holds a character that no text has. Take it out.")
            )

    def whole(self) -> Node:
        """The whole text."""
        node = self.either(None)
        if self.at < len(self.text):
            raise self.wrong("a ) that nothing opens. Take it away, or put it in quotes.")
        return node

    def wrong(self, what: str, at: int | None = None, **values: str) -> UsageError:
        """The error that says what is wrong, here or at another character."""
        said = what if isinstance(what, Sentence) else Sentence(what, **values)
        place = (self.at if at is None else at) + 1
        return UsageError(
            Sentence("Search, at character {place}: {what}", place=str(place), what=said)
        )

    def blank(self) -> None:
        """Go past blanks."""
        self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]

    def keyword(self, *words: str) -> str:
        """The keyword that stands here, and goes past it; empty where there is none."""
        self.blank()
        for word in words:
            end = self.at + len(word)
            here = self.text[self.at : end].upper()  # as in Kibana, in either case
            if here == word and not self.text[end : end + 1].strip(' \t\n("'):
                self.at = end
                return word
        return ""

    def either(self, name: str | None) -> Node:
        """Parts joined by OR."""
        parts = [self.every(name)]
        while self.keyword("OR", "||"):
            parts.append(self.every(name))
        return join("OR", parts)

    def every(self, name: str | None) -> Node:
        """Parts joined by AND, or side by side. All must fit; of one field's values that stand side
        by side, any (see `together`)."""
        parts, tied = [self.one(name)], [False]
        while True:
            both = bool(self.keyword("AND", "&&"))
            self.blank()
            ends = self.at >= len(self.text) or self.text[self.at] == ")"
            if not both and (ends or self._or_follows()):
                break
            tied[-1] = tied[-1] or both
            parts.append(self.one(name))
            tied.append(both)
        return join("AND", together(parts, tied))

    def _or_follows(self) -> bool:
        here = self.at
        found = self.keyword("OR", "||")
        self.at = here
        return bool(found)

    def one(self, name: str | None) -> Node:
        """One part: a term or a value, a NOT, or parentheses."""
        self.blank()
        start = self.at
        if start >= len(self.text):
            raise self.wrong("the search ends where a word or field:value should stand.")
        self.deep += 1
        if self.deep > DEEPEST:
            raise self.wrong(
                "more than {count} parentheses or NOTs within each other.", count=str(DEEPEST)
            )
        follows = self.text[start + 1 : start + 2].strip()
        node: Node
        if self.keyword("NOT") or (self.text[start] in "-!" and follows):
            self.at = max(self.at, start + 1)
            node = Not(self.one(name))
        elif name is None and _REQUIRED.match(self.text, start):
            self.at += 1
            node = self.one(name)
        elif self.text[start] == "(":
            node = self.inside(name)
        elif self.text[start] == ")":
            raise self.wrong("a ) where a word or field:value should stand.")
        elif self.keyword("AND", "OR"):
            raise self.wrong("AND and OR stand between two terms; quotes make them words.", start)
        else:
            node = self.value(name) if name else self.term()
        self.deep -= 1
        return node

    def inside(self, name: str | None) -> Node:
        """What stands in parentheses."""
        opened = self.at
        self.at += 1
        node = self.either(name)
        self.blank()
        if self.text[self.at : self.at + 1] != ")":
            raise self.wrong("this ( is not closed. Write a ), or put it in quotes.", opened)
        self.at += 1
        return node

    def term(self) -> Node:
        """`field:value`, or a word."""
        start = self.at
        also = _FIELD_ALSO.match(self.text, start)
        named = _FIELD.match(self.text, start) or also
        word = _WORD.match(self.text, start)
        if named is None or (word and (_ARN.match(word[0]) or _address(word[0]))):
            return self.bare()
        if named[0] == _EXISTS and not also:
            return self.exists(named.end())
        try:
            name = named_in_full(named[0])
        except UsageError as error:
            if named[0] == "@timestamp":
                raise self.wrong("times are chosen with the time range, not searched.") from None
            if also:
                return self.bare()
            quoted = Sentence("A text with a colon goes in quotes.")
            said = Sentence("{first} {second}", first=error.args[0], second=quoted)
            raise self.wrong(said) from None
        self.at = named.end()
        self.blank()
        if self.text[self.at] in ":\uff1a":
            self.at += 1
        self.blank()
        if self.at >= len(self.text) or self.text[self.at] == ")":
            raise self.wrong(
                "{field}: wants a value; {field}:* finds all that have one.", field=name
            )
        if self.text[self.at] == "(":
            return self.inside(name)
        return self.value(name)

    def exists(self, end: int) -> Node:
        """`_exists_:field`, whose name ends there."""
        self.at = end
        self.blank()
        self.at += 1  # the colon
        self.blank()
        start, name = self.at, self.text_here()[0]
        try:
            return Leaf(named_in_full(name), "set")
        except UsageError as error:
            raise self.wrong(error.args[0], start) from None

    def bare(self) -> Node:
        """A word or a phrase anywhere in the record as it came; a network among its addresses."""
        text, quoted = self.text_here()
        network = None if quoted else _network(text)
        if network:
            return Leaf(ADDRESSES, "within", self.param(network))
        if not quoted and text and set(text) == {"*"}:
            return Leaf(TEXT, "set")
        written = Leaf(TEXT, "text", self.param(f"%{_like(text, quoted)}%"))
        address = None if quoted else _address(text)
        if address is None or ":" not in address:
            return written
        # of IPv6 a record may have another spelling
        return Joined("OR", (Leaf(ADDRESSES, "=", self.param(address)), written))

    def value(self, name: str) -> Node:
        """A value, a comparison or a range of a field."""
        start, kind = self.at, type_of(name).removesuffix("[]")
        if self.text[start] in "[{":
            return self.range(name)
        compared = _COMPARED.match(self.text, start)
        if compared:
            self.at = compared.end()
            self.blank()
            return Leaf(name, compared[0], self.ordered(name, *self.text_here(), start))
        text, quoted = self.text_here()
        if not quoted and text and set(text) == {"*"}:
            return Leaf(name, "set")
        if kind.startswith("STRUCT"):
            raise self.wrong(
                "{field} holds structures; only {field}:* can be asked.", start, field=name
            )
        if not quoted and _wild(text):
            alike = Leaf(name, "like", self.param(_like(text, quoted)))
            called = numbers_like(text, self.names) if name in FIELDS else ()
            return join("OR", [alike, *self.equal(name, called)])
        if name in FIELDS:
            return join("OR", self.equal(name, numbers_of([_plain(text, quoted)], self.names)))
        # A field that has addresses alone has no text to put in quotes, as Lucene wants a network.
        if name in address_leaves() or (_IP.search(name) and not quoted):
            network = _network(text)
            if network:
                return Leaf(name, "within", self.param(network))
            if _NETWORK.fullmatch(text):
                raise self.wrong("{text} is no network, as 10.0.0.0/8 is.", start, text=text)
        if name in address_leaves() and _DOTTED.fullmatch(text) and not as_address(text):
            raise self.wrong("{text} is no address.", start, text=text)
        given = self.typed(name, kind, _plain(text, quoted), start)
        written = Leaf(name, "=", self.param(given))
        address = as_address(text) if _IP.search(name) and not quoted else None
        if address in (None, given):
            return written
        # a source's own field, and source.address, keep the log's spelling
        return Joined("OR", (written, Leaf(name, "=", self.param(address))))

    def equal(self, name: str, values: Iterable[str]) -> list[Node]:
        """A field, and each of these values."""
        return [Leaf(name, "=", self.param(value)) for value in values]

    def range(self, name: str) -> Node:
        """`[1 TO 9]`, or `{1 TO 9}` without its ends."""
        start = self.at
        found = _ENDS.match(self.text, start)
        if found is None:
            raise self.wrong(
                "a range is written [1 TO 9], or {1 TO 9} without its ends; * is open."
            )
        self.at = found.end()
        ends: list[tuple[str, str]] = []
        for text, op in (
            (found[2], ">=" if found[1] == "[" else ">"),
            (found[3], "<=" if found[4] == "]" else "<"),
        ):
            quoted = text.startswith('"') and len(text) > 1
            if text != "*":
                given = text[1:-1] if quoted else text
                ends.append((op, self.ordered(name, given, quoted, start)))
        return Leaf(name, *ends[0], *ends[1:]) if ends else Leaf(name, "set")

    def ordered(self, name: str, text: str, quoted: bool, start: int) -> str:
        """The parameter for a value that is compared by order."""
        kind = type_of(name).removesuffix("[]")
        if _IP.search(name) and kind == "VARCHAR":
            raise self.wrong(
                "addresses have no order; write a network: {field}:10.0.0.0/8.", start, field=name
            )
        if kind == "BOOLEAN" or kind.startswith("STRUCT"):
            raise self.wrong(
                "{field} is of type {kind}, which has no order.",
                start,
                field=name,
                kind=kind.split("(")[0],
            )
        return self.param(self.typed(name, kind, _plain(text, quoted), start))

    def typed(self, name: str, kind: str, text: str, start: int) -> Any:  # noqa: ANN401
        """A value in the field's type."""
        try:
            return typed(name, kind, text)
        except UsageError as error:
            raise self.wrong(error.args[0], start) from None

    def text_here(self) -> tuple[str, bool]:
        """The word or quoted text that stands here, as it is written, and whether quoted."""
        start = self.at
        typeset = _TYPESET.match(self.text, start)
        if typeset and typeset[1]:
            self.at = typeset.end()
            return typeset[1].replace("\\", "\\\\").replace('"', '\\"'), True
        if self.text[start : start + 1] == '"':
            quoted = _QUOTED.match(self.text, start)
            if quoted is None:
                raise self.wrong('this " is not closed. Write another, or \\" for the sign itself.')
            self.at = quoted.end()
            if not quoted[1]:
                raise self.wrong('"" is empty. Write what to look for.', start)
            return quoted[1], True
        word = _WORD.match(self.text, start)
        if word is None:
            raise self.wrong("a value should stand here.")
        self.at = word.end()
        return word[0], False

    def param(self, value: Any) -> str:  # noqa: ANN401  as many types as fields have
        """A new parameter's name."""
        name = f"s_{len(self.params)}"
        self.params.append((name, value))
        return name


def _wild(text: str) -> bool:
    return any(part[0] in _ANY for part in _PART.finditer(text))


def _plain(text: str, quoted: bool) -> str:
    return re.sub(r'\\([\\"])', r"\1", text) if quoted else _ESCAPED.sub(r"\1", text)


def _like(text: str, quoted: bool) -> str:
    """A pattern of LIKE whose escape is #, which no operating system puts into a path."""
    if quoted:
        return re.sub(r"([%_#])", r"#\1", _plain(text, quoted))

    def part(found: re.Match[str]) -> str:
        said = found[0]
        return _ANY.get(said) or (f"#{said}" if said in "%_#" else said[1:])

    return _PART.sub(part, text)


def _network(text: str) -> str | None:
    """The network that a text writes, of either family, or None."""
    head, slash, _ = text.partition("/")
    try:
        return str(ip_network(text, strict=False)) if slash and "%" not in head else None
    except ValueError:
        return None


def _address(text: str) -> str | None:
    """An address, or a network, as the lake writes it; None for what is neither."""
    return _network(text) if "/" in text else as_address(text)
