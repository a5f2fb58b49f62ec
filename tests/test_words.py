"""The pages and docstrings use the field's words, and one spelling.

Readers come from scikit-learn, the Adversarial Robustness Toolbox, RobustBench and the
papers; they look for these words. Names in code are identifiers and stay as they are.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The field's words, and a page each where a reader finds them explained or used.
FIELD = {
    "accuracy under perturbations, proven": ("certified accuracy", "robustness"),
    "distance that is proven": ("certified radius", "robustness"),
    "accuracy under attack": ("empirical robust accuracy", "robustness"),
    "size of the smallest change": ("minimal adversarial perturbation", "robustness"),
    "who attacks, and how": ("threat model", "robustness"),
    "size that is allowed": ("perturbation budget", "robustness"),
    "attack with the weights": ("white-box", "attack_your_model"),
    "attack with predictions alone": ("decision-based", "attack_your_model"),
    "the same, to others": ("black-box", "attack_your_model"),
    "linear map before the classifier": ("projection", "model"),
    "adversarial images of another model": ("transfer success rate", "compare_models"),
    "an ensemble's decision": ("majority vote", "model"),
    "what was not given": ("raw pixels", "how_robust"),
}

# What our pages said, and what they say now.
OLD = {
    r"\b(?:stands?|stood)\b(?! for\b)": "is robust to, has a certified radius of",
    r"\bstand-ins?\b": "smooth surrogate",
    r"\bfronts\b|\b(?:linear|that|this|such|behind the|behind a) front\b": "projection",
    r"\b(?:SCD\w*|networks?|models?|forest|trained|votes) in pixels\b": "on raw pixels",
    r"\bknows? (?:the|its|their) (?:hyperplanes|weights|leaves)\b": "white-box",
    r"\bnearest found\b": "best attack, smallest adversarial perturbation found",
    r"\bcertified distances?\b": "certified radius",
    r"\bright and certified\b": "certified accuracy at radius r",
    r"\bboth ends\b": "lower and upper bound",
    r"\b(?:attacks?) on decisions\b|\bdecisions alone\b": "decision-based (black-box)",
    r"\bfooled by whose\b": "transfer success rate",
    r"\b(?:fires?|fired|firing)\b": "is active, a step activation",
    r"\bmade images\b": "synthetic images",
    r"\bof then\b|\blikewise\b|\bwhoever\b|\bone's own\b": "say which",
}

BRITISH = (
    r"\b\w*(?:colour|behaviour|neighbour|favour|tumour)\w*\b|\bgr[e]ys?\b|\blicences?\b"
    r"|\bdefences?\b|\b(?:labell|modell|cancell)(?:ed|ing)\b"
    r"|\b\w*(?:normal|standard|optim|minim|maxim|general|regular|initial|factor|serial"
    r"|discret|penal|visual|linear|random|recogn|summar)is(?:e|es|ed|ing|ation|ations)\b"
)


def pages() -> list[Path]:
    """Prose: documentation, README, changes."""
    found = [
        ROOT / "README.rst",
        ROOT / "CHANGES.rst",
        *ROOT.glob("examples/*.rst"),
        *ROOT.glob("docs/*.rst"),
        *ROOT.glob("docs/notebook/*.rst"),
    ]
    return sorted(found)


def modules() -> list[Path]:
    """Code with docstrings that users and contributors read."""
    found = [
        path
        for folder in ("sklearn_scd", "benchmarks", "examples")
        for path in ROOT.joinpath(folder).rglob("*.py")
    ]
    return sorted(found)


def docstrings(path: Path) -> Iterator[str]:
    """Docstrings of a module and of all that it defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def help_texts(path: Path) -> Iterator[str]:
    """What a command line says of its options."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("help", "description"):
            parts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            yield "".join(part for part in parts if isinstance(part, str))


def comments(path: Path) -> str:
    """The text of an example's page."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("#"))


def prose(text: str) -> str:
    """Text in one line, without what is code: literals, roles, examples."""
    text = re.sub(r"``[^`]*``|:\w+(?::\w+)*:`[^`]*`|`[^`]*`", "", text)
    text = re.sub(r"(?m)^\s*(?:>>>|\.\.\.|\$) .*$", "", text)
    text = re.sub(r"(?m)^\s*[\w, *]+ : ", "", text)  # names of parameters
    return re.sub(r"\s+", " ", text.replace("\n#", "\n"))


@cache
def read(path: Path) -> str:
    """All prose of a file."""
    if path.suffix == ".rst":
        return prose(path.read_text(encoding="utf-8"))
    texts = [*docstrings(path), *help_texts(path)]
    if path.parent.name == "examples":
        texts.append(comments(path))
    return " | ".join(prose(text) for text in texts)


def uses(pattern: str) -> list[str]:
    """Where a pattern is found, with what is around it."""
    return [
        f"{name}: {text[max(0, m.start() - 30) : m.end() + 20]}"
        for path in [*pages(), *modules()]
        for name, text in [(path.relative_to(ROOT).as_posix(), read(path))]
        for m in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize(("pattern", "word"), OLD.items())
def test_the_field_has_a_word_for_it(pattern, word):
    found = uses(pattern)
    assert not found, f"Say: {word}.\n" + "\n".join(found)


def test_one_spelling():
    found = uses(BRITISH)
    assert not found, "American, as in scikit-learn:\n" + "\n".join(found)


@pytest.mark.parametrize(("word", "page"), FIELD.values())
def test_readers_find_the_words_of_the_field(word, page):
    text = prose(ROOT.joinpath("docs", f"{page}.rst").read_text(encoding="utf-8"))
    assert re.search(rf"\b{word}", text.replace("**", ""), re.IGNORECASE), (
        f"docs/{page}.rst does not say {word!r}."
    )


def test_the_old_words_are_recognized():
    """The patterns find what they are for, so that the tests above can fail."""
    old = (
        "A sample stands 4.1. It stood next to nothing. Smooth stand-ins. A linear "
        "front. SCD01 in pixels. It knows the hyperplanes. Nearest found. The "
        "certified distance. Right and certified. Both ends. Attacks on decisions. Who "
        "is fooled by whose. The unit fires. Made images. The best of then."
    )
    for pattern in OLD:
        assert re.search(pattern, old, re.IGNORECASE), pattern
    assert re.search(BRITISH, "normalised")
    assert re.search(BRITISH, "colours")
    assert not re.search(next(iter(OLD)), "None stands for infinity")
