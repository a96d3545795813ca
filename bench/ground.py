"""What a run stands on: a folder of logs, GeoIP databases, and room for lakes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.objects import by_kind, lay_out
from bench.processes import LAKE, Run, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ground:
    """`logs` holds S3 keys below it, `geoip` MMDB files; `work` is on the disk of `logs`."""

    logs: Path
    geoip: Path
    work: Path

    def objects(self) -> dict[str, list[Path]]:
        """The objects of each kind."""
        return by_kind(self.logs)

    def folder(self, name: str, objects: Iterable[Path]) -> Path:
        """A new folder with these objects alone."""
        return lay_out(self.logs, objects, _fresh(self.work / name))

    def lake(self, name: str) -> Path:
        """Where a new lake may be made."""
        return _fresh(self.work / f"lake-{name}")

    def ingest(
        self, place: Path, lake: Path, jobs: int | None = None, *, originals: bool = True
    ) -> Run:
        """Measured `lake ingest`, with as many processes as there are cores unless told."""
        command = [*LAKE, "ingest", str(place), "--geoip", str(self.geoip), "--lake", str(lake)]
        command += ["--jobs", str(jobs)] if jobs else []
        return run(command if originals else [*command, "--no-original"])


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder
