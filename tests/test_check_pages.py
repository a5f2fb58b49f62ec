"""The check of built pages sees what a reader would stumble over."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "check_pages.py"
GOOD = '<p id="top"><a href="b.html#there">b</a> <a href="https://x.org">x</a></p>'


def check(folder):
    """Run the tool on a folder."""
    return subprocess.run(
        [sys.executable, str(TOOL), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", ""),
        ('<a href="c.html">c</a>', "a.html: no file c.html"),
        ('<a href="b.html#here">b</a>', "a.html: no place b.html#here"),
        ('<a href="#bottom">below</a>', "a.html: no place #bottom"),
        ('<img src="picture.png">', "a.html: no file picture.png"),
        ('<script src="https://cdn.org/x.js">', "a.html: fetches https://cdn.org/x.js"),
        ('<link rel="stylesheet" href="//f.org/f">', "a.html: fetches //f.org/f"),
        ('<link rel="canonical" href="https://x.org/a.html">', ""),
        ('<img src="data:image/png;base64,AAAA">', ""),
    ],
)
def test_links_that_lead_nowhere_and_files_from_elsewhere_are_told(
    tmp_path, body, fault
):
    (tmp_path / "a.html").write_text(GOOD + body, encoding="utf-8")
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1>', encoding="utf-8")
    done = check(tmp_path)
    assert (done.returncode, done.stdout.strip()) == (int(bool(fault)), fault)


def test_no_pages_are_not_good_pages(tmp_path):
    assert check(tmp_path).returncode == 1
