"""A table is the same in every format, and what it holds is only text."""

import csv

import pytest

pytest.importorskip("jinja2")

from markupsafe import Markup

from benchmarks.common.pages import clean
from benchmarks.common.table import Cell, Table, align, write_table

TABLE = Table(
    "sizes",
    "Table 9",
    "Sizes, mm",
    "12 stones",
    ["", "mean", "drawn", "largest"],
    [
        ["flint", Cell("1.5", small="(3 of 4)"), Cell("", drawing=Markup("<svg/>")),
         Cell("2", "strong", below="3")],
        ["chalk", "0.5", "", Cell("none", "aside")],
    ],
    ["None: not measured."],
    footnotes=["Stones of two beaches."],
    drawn=[2],
    legend="Dot: a stone.",
)  # fmt: skip


def test_every_format_has_the_same_figures():
    lines = [["", "mean", "largest"], ["flint", "1.5 (3 of 4)", "2 (3)"]]
    lines.append(["chalk", "0.5", "none"])
    assert list(csv.reader(TABLE.to_csv().splitlines())) == lines
    text, rst, html = TABLE.to_text(), TABLE.to_rst(), TABLE.to_html()
    for cell in ("flint", "1.5", "(3 of 4)", "2", "3", "chalk", "0.5", "none"):
        assert all(cell in form for form in (text, rst, html))
    assert text.splitlines()[2:] == [
        "               mean  largest",
        "----------------------------",
        "flint  1.5 (3 of 4)    2 (3)",
        "chalk           0.5     none",
        "",
        "None: not measured.",
        "Stones of two beaches.",
    ]


def test_a_table_by_itself_says_what_a_page_says_elsewhere():
    for form in (TABLE.to_text(), TABLE.to_rst()):
        assert "Table 9. Sizes, mm. 12 stones" in form
        assert "Stones of two beaches." in form
        assert "Dot" not in form
    html = TABLE.to_html()
    assert "12 stones" not in html
    assert "two beaches" not in html
    assert "Dot: a stone." in html
    assert "<svg/>" in html
    for form in (TABLE.to_text(), TABLE.to_rst(), html):
        assert "None: not measured." in form


def test_html_shows_the_weight_of_a_cell_and_no_markup_of_its_text():
    html = TABLE.to_html()
    assert '<td><strong>2</strong><small class="below">3</small></td>' in html
    assert "<td><i>none</i></td>" in html
    hostile = "<script>alert(1)</script>"
    table = Table("t", hostile, hostile, "", [hostile], [[hostile]], [hostile])
    assert "<script>" not in table.to_html()
    assert table.to_html().count("&lt;script&gt;") == 6  # the number twice


def test_rst_is_a_document_that_docutils_reads():
    core = pytest.importorskip("docutils.core")
    table = Table(
        "t", "A *title* |", "with `marks`_", "", ["a", "b"], [["<b>", "1_ 2"]], ["n_"]
    )
    html = core.publish_string(
        table.to_rst(), writer="html5", settings_overrides={"report_level": 1}
    ).decode()
    for text in ("A *title* |. with `marks`_", "&lt;b&gt;", "1_ 2", "n_"):
        assert text in html
    assert 'class="system-message' not in html


def test_files_are_named_after_table_and_format(tmp_path):
    write_table(TABLE, tmp_path, ("txt", "csv", "rst", "html"))
    for kind in ("txt", "csv", "rst", "html"):
        content = (tmp_path / f"sizes.{kind}").read_text(encoding="utf-8")
        assert content.rstrip("\n") == TABLE.to_format(kind).rstrip("\n")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="t: a row is not as long as the header"):
        Table("t", "", "", "", ["a", "b"], [["1"]])


def test_lines_are_as_wide_as_they_have_to_be():
    assert align([["", "b"], ["long", "1"]]) == ["      b", "-------", "long  1"]


def test_what_no_font_can_show_is_one_sign():
    assert clean("a\n b\x00\udcff") == "a b\N{REPLACEMENT CHARACTER}" * 1 + (
        "\N{REPLACEMENT CHARACTER}"
    )
