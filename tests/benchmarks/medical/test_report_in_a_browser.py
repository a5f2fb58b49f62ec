"""The report as a reader sees it: on a screen and on a telephone, in a real browser."""

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")

from _browser import Browser, find_browser
from _made_records import LABELS, make_record

from benchmarks.medical.report import _write, write_report

SCREEN, TELEPHONE = (1366, 768), (390, 844)
PAPER = (680, 1009)  # A4 within margins of 15 mm, at 96 pixels an inch
OVERFLOWING = """
[...document.querySelectorAll("body *")].filter((element) =>
  !element.closest(".scroll") && !element.closest("svg")
  && element.getBoundingClientRect().right > innerWidth + 1
).map((element) => element.outerHTML.slice(0, 80))
"""
NOT_LOADED = """
[...document.images].filter((image) => !image.complete || image.naturalWidth === 0)
  .map((image) => image.alt)
"""
LOWEST_OF_ANSWER = """
Math.max(...[...document.querySelectorAll(".answer .lead, .answer table, .answer img")]
  .map((element) => element.getBoundingClientRect().bottom))
"""
FIRST_COLUMN = """
[...document.querySelector(".answer table").tBodies[0].rows]
  .map((row) => row.cells[0].textContent.trim())
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report of all models, in a folder of its own."""
    folder = tmp_path_factory.mktemp("page")
    data, pictures = make_record(folder, names=tuple(LABELS), n_images=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_write, "render", lambda *_: b"")  # the files beside the page
        return write_report(folder, data, pictures)[0]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium on PATH that can be driven by a pipe")
    try:
        opened = Browser(path, tmp_path_factory.mktemp("profile"))
    except (EOFError, OSError) as error:
        pytest.skip(f"{path} does not start: {error}")
    with opened:
        yield opened


@pytest.mark.parametrize("size", [SCREEN, TELEPHONE])
def test_the_page_fits_loads_and_asks_nobody(browser, page, size):
    browser.requests.clear()
    browser.open(page, *size)
    for fold in (False, True):
        # As it opens, and with all that is folded away.
        browser.evaluate(
            "document.querySelectorAll('details').forEach((fold) => "
            f"{{ fold.open = {str(fold).lower()}; }})"
        )
        assert browser.evaluate("document.documentElement.scrollWidth") == size[0]
        assert browser.evaluate(OVERFLOWING) == []
    assert browser.evaluate("document.images.length") > 50
    assert browser.evaluate(NOT_LOADED) == []
    left = [url for url in browser.requests if not url.startswith("data:image/")]
    assert left == [page.resolve().as_uri()]
    assert browser.errors == []


def test_long_names_and_several_sets_fit_a_telephone(browser, tmp_path):
    long = "x" * 70
    sets = ((long, (12, 12), None), ("colon", (12, 12, 3), None))
    data, pictures = make_record(
        tmp_path, sets=sets, names=("scd01", "mlp"), class_names=(long, "b"), n_images=1
    )
    for entry in data["datasets"].values():
        for part in (entry["models"], entry["attack"]["models"]):
            part["mlp"]["label"] = long
    browser.open(write_report(tmp_path, data, pictures)[0], *TELEPHONE)
    assert browser.evaluate("document.documentElement.scrollWidth") == TELEPHONE[0]
    assert browser.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("size", [SCREEN, TELEPHONE])
def test_the_answer_is_on_the_first_screen(browser, page, size):
    """Sentences, small table and figure, for all eleven models."""
    browser.open(page, *size)
    assert browser.evaluate(LOWEST_OF_ANSWER) <= size[1]
    # Nothing of the small table is behind an edge.
    assert browser.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)"
        "(document.querySelector('.answer .scroll'))"
    )


def test_tables_sort(browser, page):
    browser.open(page, *SCREEN)
    first = browser.evaluate(FIRST_COLUMN)
    assert len(first) == len(LABELS)
    click = "document.querySelectorAll('.answer th button')[{}].click()"
    browser.evaluate(click.format(0))
    assert browser.evaluate(FIRST_COLUMN) == sorted(first, key=str.lower)[::-1]
    browser.evaluate(click.format(0))
    assert browser.evaluate(FIRST_COLUMN) == sorted(first, key=str.lower)
    browser.evaluate(click.format(0))
    assert browser.evaluate(FIRST_COLUMN) == first
    browser.evaluate(click.format(1))
    numbers = browser.evaluate(
        "[...document.querySelector('.answer table').tBodies[0].rows]"
        ".map((row) => Number(row.cells[1].textContent))"
    )
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) > 1


def test_a_click_enlarges_an_image_and_escape_puts_it_back(browser, page):
    browser.open(page, *TELEPHONE)
    place = "document.querySelector('.row img').getBoundingClientRect().{}"
    before = [browser.evaluate(place.format(side)) for side in ("width", "top")]
    browser.evaluate("document.querySelector('.row .zoom a').click()")
    assert browser.evaluate(place.format("width")) > 3 * before[0]
    browser.evaluate("dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))")
    # It closes when the address has changed.
    browser.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert browser.evaluate("document.querySelector('.zoom:target')") is None
    assert browser.evaluate(place.format("width")) == before[0]


def test_nothing_is_cut_on_paper(browser, page):
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        browser.open(page, *PAPER)
        browser.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert browser.evaluate("document.documentElement.scrollWidth") == PAPER[0]
        assert browser.evaluate(
            "[...document.querySelectorAll('details')].every((fold) => fold.open)"
        )
        assert browser.evaluate(
            "[...document.querySelectorAll('.scroll')].every((element) => "
            "getComputedStyle(element).overflowX === 'visible')"
        )
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
