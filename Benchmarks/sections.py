"""Sections of Benchmarks/RESULTS.md that scripts write, between two marks named after the script."""

import pathlib
import sys

RESULTS = pathlib.Path(__file__).resolve().parent / "RESULTS.md"


def write(script, text):
    """Replaces what stands between the marks of a script, such as "growth.py"."""
    begin, end = f"<!-- {script} begins -->", f"<!-- {script} ends -->"
    before, first, rest = RESULTS.read_text().partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        sys.exit(f"{RESULTS} lacks the marks {begin} and {end}")
    RESULTS.write_text(f"{before}{begin}\n{text.rstrip()}\n{end}{after}")
