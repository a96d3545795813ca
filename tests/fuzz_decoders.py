"""Fuzzes the decoders and normalisers, guided by coverage; run by hand, not a part of the tests.

    python -m pip install atheris
    python tests/fuzz_decoders.py /tmp/corpus -max_total_time=600      # one process, ten minutes
    python tests/fuzz_decoders.py /tmp/corpus/crash-...                # a finding again

The folder is filled with a valid object of every source first. The first byte of an input chooses
the source whose key the rest lies under, its highest bit whether the rest is only decoded (1,000 a
second) or normalised as well (50); what must hold is said in `broken/soundness.py`.
All options of libFuzzer apply (-jobs=2, -max_len=20000, -rss_limit_mb=4096).
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lake"]):
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    from broken.good import GOOD
    from broken.soundness import TOKENS, decoded, kept

    import lake.stage.worker  # noqa: F401

SOURCES = list(GOOD.values())


def one_input(data: bytes) -> None:
    """An object of the source that the first byte names."""
    if data:
        look = decoded if data[0] & 0x80 else kept
        look(data[1:], SOURCES[(data[0] & 0x7F) % len(SOURCES)].key)


def main() -> None:
    """Fill the folder, write the dictionary, and let libFuzzer work."""
    folders = [Path(a) for a in sys.argv[1:] if not a.startswith("-") and not Path(a).is_file()]
    for number, good in enumerate(SOURCES):
        data = good.object(3)
        for folder in folders[:1]:
            folder.mkdir(parents=True, exist_ok=True)
            for byte in (number, number | 0x80):
                (folder / f"{byte}").write_bytes(bytes([byte]) + data)
                (folder / f"{byte}.gz").write_bytes(bytes([byte]) + gzip.compress(data))
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
        for token in TOKENS:
            words.write('"' + "".join(f"\\x{byte:02x}" for byte in token[:60]) + '"\n')
        words.flush()
        atheris.Setup([*sys.argv, f"-dict={words.name}"], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
