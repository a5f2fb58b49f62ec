"""The documentation's promises are kept by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_documentation_names_is_there():
    named = re.findall(
        r"``(test_\w+)``", (ROOT / "docs/promises.rst").read_text(encoding="utf-8")
    )
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        there |= set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    assert len(named) > 40  # or the page has another form
    assert set(named) <= there
    assert len(set(named)) == len(named)
