"""Sources for viewcode, which can't parse ``{**a, "b": c}`` in a decorator."""

import ast
from importlib.util import find_spec
from pathlib import Path


def _tags(nodes, prefix=""):
    """Kind, first and last line of each class and function, by qualified name."""
    tags = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            kind = "class" if isinstance(node, ast.ClassDef) else "def"
            tags[prefix + node.name] = kind, first, node.end_lineno
            if kind == "class":
                tags |= _tags(node.body, f"{prefix}{node.name}.")
    return tags


def _find_source(app, modname):
    """Return source and tags of our modules; None leaves others to Sphinx."""
    if not modname.startswith("sklearn_scd"):
        return None
    code = Path(find_spec(modname).origin).read_text(encoding="utf-8")
    return code, _tags(ast.parse(code).body)


def setup(app):
    """Answer when viewcode asks for a source."""
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("viewcode-find-source", _find_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
