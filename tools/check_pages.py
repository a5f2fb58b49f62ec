"""Check built pages: links lead somewhere, and nothing is fetched from elsewhere.

python tools/check_pages.py docs/_build/html
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches without being asked to: tag and attribute.
FETCHED = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("video", "src"),
}
RELATIONS = {"canonical", "next", "prev", "search", "index", "author", "copyright"}


class Page(HTMLParser):
    """The anchors of a page, its links, and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def has(self, fragment: str) -> bool:
        """Tell whether the page has such a place; an empty one is its top."""
        return not fragment or fragment in self.anchors

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag names and points to."""
        given = {name: value for name, value in attrs if value}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        for name in ("href", "src", "data"):
            if name not in given:
                continue
            self.links.append(given[name])
            only_named = tag == "link" and given.get("rel") in RELATIONS
            if (tag, name) in FETCHED and not only_named:
                self.fetched.append(given[name])


def is_elsewhere(link: str) -> bool:
    """Tell whether a link leaves the pages."""
    parts = urlsplit(link)
    return bool(parts.scheme or parts.netloc)


def faults(root: Path) -> list[str]:
    """Return a line for each link that leads nowhere and each file from elsewhere."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.html"))
        if "_static" not in path.relative_to(root).parts
    }
    found = []
    for path, page in pages.items():
        name = path.relative_to(root.resolve()).as_posix()
        found += [
            f"{name}: fetches {link}"
            for link in page.fetched
            if is_elsewhere(link) and not link.startswith("data:")
        ]
        for link in page.links:
            if is_elsewhere(link):
                continue
            parts = urlsplit(link)
            target = path
            if parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            if not target.exists():
                found.append(f"{name}: no file {link}")
            elif target in pages and not pages[target].has(unquote(parts.fragment)):
                found.append(f"{name}: no place {link}")
    return found


def main(folder: str) -> int:
    """Print the faults of the pages in a folder; 1 if there are any."""
    root = Path(folder)
    if not any(root.rglob("*.html")):
        print(f"{folder}: no pages")
        return 1
    found = faults(root)
    print(*found, sep="\n", end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
