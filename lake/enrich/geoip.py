"""Place and autonomous system of public addresses, from MMDB files on this machine.

Decides which of several files serve, and looks each record up once. How addresses are read is
`address`'s part, how files are searched `mmdb`'s, what a record says `georecord`'s. Nothing is
asked over the network.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lake.enrich.address import parse
from lake.enrich.columns import member_type
from lake.enrich.georecord import places, systems
from lake.enrich.mmdb import Database
from lake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from lake.enrich.address import Addresses

_KEPT_ROWS = 262_144
"""Records kept for each database and process; about 150 bytes each, in Arrow."""


def default_folder() -> Path:
    """Where databases lie unless told otherwise: `$LAKE_GEOIP`, else the user's data folder."""
    if named := os.environ.get("LAKE_GEOIP"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "siem-lake" / "geoip"


class GeoIP:
    """Open databases for `geo` and for `as`; either may be absent.

    Pickled as its paths: another process opens the files itself, and once, however often it
    receives the object. Its `builds` then name what that process opened.
    """

    def __init__(self, geo: Database | None, asn: Database | None, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self._geo = _Rows(geo, places) if geo else None
        self._as = _Rows(asn, systems) if asn else None

    @classmethod
    def open(cls, paths: Sequence[Path]) -> GeoIP:
        """Opens files and folders (their `*.mmdb`). Of several that hold places one with cities
        goes before one with countries, then the one built last; likewise for systems.

        Raises UsageError for a path that is not there or holds no database, for a damaged file,
        and for a file, named itself, that has neither places nor systems.
        """
        found = [one for path in paths for one in _databases(Path(path))]
        located = [one for one in found if one.detail]
        routed = [one.database for one in found if one.systems]
        geo = max(located, key=lambda one: (one.detail, one.database.built), default=None)
        asn = max(routed, key=lambda database: database.built, default=None)
        return cls(geo.database if geo else None, asn, tuple(Path(path) for path in paths))

    @classmethod
    def none(cls) -> GeoIP:
        """No databases: `lookup` still gives addresses in RFC 5952 form, `geo` and `as` NULL."""
        return cls(None, None, ())

    @classmethod
    def default(cls) -> GeoIP:
        """What the default folder holds; `none()` where it is not there or has no `.mmdb` file.
        Raises UsageError where `$LAKE_GEOIP`, a folder or a file, gives no database."""
        if named := os.environ.get("LAKE_GEOIP"):
            try:
                return cls.open([Path(named)])
            except UsageError as error:
                raise UsageError(f"LAKE_GEOIP={named}: {error}") from error
        folder = default_folder()
        return cls.open([folder]) if any(folder.glob("*.mmdb")) else cls.none()

    def __reduce__(self) -> tuple[Callable[..., GeoIP], tuple[tuple[Path, ...]]]:
        return _reopen, (self._paths,)

    @property
    def builds(self) -> str | None:
        """`GeoLite2-City 2026-02-04T22:49:29Z, ...` of the databases in use; None without any."""
        used = {rows.database.path: rows.database for rows in (self._geo, self._as) if rows}
        return ", ".join(f"{d.type} {d.built:%Y-%m-%dT%H:%M:%SZ}" for d in used.values()) or None

    def describe(self) -> str:
        """One line: which databases serve, or what is missing and how to get it."""
        if not self._geo and not self._as:
            return (
                "GeoIP: no database, so geo and as stay empty. Run 'lake geoip update', or put "
                f".mmdb files into {default_folder()}."
            )
        parts = [
            f"{what} from {rows.database.type} of {rows.database.built:%Y-%m-%d}"
            if rows
            else f"no database for {what}"
            for what, rows in (("places", self._geo), ("autonomous systems", self._as))
        ]
        return f"GeoIP: {', '.join(parts)}."

    def lookup(self, texts: pa.Array | Sequence[str | None]) -> pa.Table:
        """Columns `text` (as given), `ip` (RFC 5952; NULL: no address), `geo`, `as`, in the order
        of `texts`; texts in structs as codes. A struct is NULL where the address is not public or
        the database lacks it.

        Give distinct values. An IPv6 address that carries an IPv4 one has the latter's place.
        """
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        if not isinstance(texts, pa.Array):
            texts = pa.array(texts, pa.string())
        addresses = parse(texts)
        public = addresses.public()
        columns = {"text": texts, "ip": addresses.texts}
        for name, rows in (("geo", self._geo), ("as", self._as)):
            kind = member_type(f"source.{name}")
            columns[name] = rows.column(public, kind) if rows else pa.nulls(len(texts), kind)
        return pa.table(columns)


_opened: dict[tuple[Path, ...], GeoIP] = {}


def _reopen(paths: tuple[Path, ...]) -> GeoIP:
    if paths not in _opened:
        _opened[paths] = GeoIP.open(paths)
    return _opened[paths]


class _Rows:
    """The rows of one database: read once for each record, taken as often as needed."""

    def __init__(
        self, database: Database, read: Callable[[Database, Sequence[str]], pa.StructArray]
    ) -> None:
        self.database = database
        self._read = read
        self._forget()

    def _forget(self) -> None:
        self._positions = np.empty(0, np.int64)  # in the file, ascending
        self._places = np.empty(0, np.int64)  # of each among the rows
        self._rows: pa.StructArray | None = None

    def column(self, public: Addresses, kind: pa.DataType) -> pa.StructArray:
        """The row of each text; NULL where the database has none."""
        found = self.database.find(public)
        at, first, of = np.unique(found, return_index=True, return_inverse=True)
        missing = (at > 0) & ~self._known(at)
        if missing.any():
            if len(self._positions) + np.count_nonzero(missing) > _KEPT_ROWS:
                self._forget()
                missing = at > 0
            self._learn(at[missing], _asked(public, first[missing]))
        if self._rows is None:
            return pa.nulls(len(of), kind)
        places = self._places[self._nearest(at)]
        return self._rows.take(pa.array(places[of], mask=found == 0))

    def _known(self, at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        if not len(self._positions):
            return np.zeros(len(at), bool)
        return np.asarray(self._positions[self._nearest(at)] == at, np.bool_)

    def _nearest(self, at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where each of these positions (ascending) is, or would be, among those known."""
        return np.minimum(np.searchsorted(self._positions, at), len(self._positions) - 1)

    def _learn(self, missing: npt.NDArray[np.int64], addresses: list[str]) -> None:
        """Read the records at these positions, each by an address that has it."""
        new = self._read(self.database, addresses)
        before = 0 if self._rows is None else len(self._rows)
        self._rows = new if self._rows is None else pa.concat_arrays([self._rows, new])
        positions = np.concatenate([self._positions, missing])
        places = np.concatenate([self._places, before + np.arange(len(missing))])
        ascending = np.argsort(positions)
        self._positions, self._places = positions[ascending], places[ascending]


def _asked(public: Addresses, at: npt.NDArray[np.int64]) -> list[str]:
    """The addresses at some places, as the tree was asked: the IPv4 one where one carries it."""
    texts: list[str] = public.texts.take(pa.array(at)).to_pylist()
    for n, text in enumerate(texts):
        if ":" in text:
            place = int(np.searchsorted(public.v4_at, at[n]))
            if place < len(public.v4_at) and public.v4_at[place] == at[n]:
                texts[n] = str(IPv4Address(int(public.v4[place])))
    return texts


@dataclass(frozen=True, slots=True)
class _Found:
    """A database and what its records hold. The records decide, since names and types vary:
    `detail` is 2 for cities or positions, 1 for countries, 0 for no places."""

    database: Database
    detail: int
    systems: bool


def _look_into(database: Database) -> _Found:
    sample = database.sample()
    said = places(database, sample)
    fine = any(said.field(name).null_count < len(said) for name in ("city_name", "location"))
    return _Found(
        database,
        detail=2 if fine else 1 if said.null_count < len(said) else 0,
        systems=systems(database, sample).null_count < len(sample),
    )


def _databases(path: Path) -> list[_Found]:
    if not path.is_dir():
        found = _look_into(Database(path))
        if not found.detail and not found.systems:
            raise UsageError(
                f"{path} ({found.database.type}) holds neither places nor autonomous systems. "
                "Give a City, Country, ASN, ISP or Enterprise database."
            )
        return [found]
    files = sorted(file for file in path.glob("*.mmdb") if not file.name.startswith("."))
    if not files:
        raise UsageError(
            f"no .mmdb file in {path}. Put one there, or run 'lake geoip update' to fetch GeoLite2."
        )
    return [_look_into(Database(file)) for file in files]
