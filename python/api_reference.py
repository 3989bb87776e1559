"""Pages of the reference: ``python.md`` of the docstrings, ``python-examples.md`` of the examples.

Read from the sources as text, so that they are the same with every version of Python and its
libraries. ``python/generate.py`` writes them, and a test says when they are not current.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

HEAD = """# Python: every function and class

Generated from the docstrings by `python python/generate.py`; [Python](../python.md) is the guide.
The examples run in the tests. `mw` is `import modelwright as mw`; what is written `mw.X` may be
imported from `modelwright`, estimators and transformers also from `modelwright.sklearn`.
"""

HEAD_OF_EXAMPLES = """# Python: worked examples

Generated from `python/examples` by `python python/generate.py`; the tests run all of them. Their
tables are made up, in `python/examples/tables.py`.
"""

#: The parts of the page, and the names in them.
PARTS = {
    "Functions": (
        "fit", "train", "plan", "profile", "load", "replay", "import_model", "compare_scores", "ui",
        "serve", "command",
    ),
    "The model": ("Predictor",),
    "What it returns": (
        "Report", "Explanation", "Dependence", "Audit", "Monitoring", "Retrained", "Profile",
        "Running",
    ),
    "Runs and registered models": ("Store",),
    "Parts of one's own": ("Metric", "Loss", "Learner"),
    "The whole search as estimators": ("ModelwrightClassifier", "ModelwrightRegressor"),
    "Estimators of one learner": (
        "GradientBoostingClassifier", "GradientBoostingRegressor", "RandomForestClassifier",
        "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor",
        "ExplainableBoostingClassifier", "ExplainableBoostingRegressor", "TabularNetClassifier",
        "TabularNetRegressor", "KNeighborsClassifier", "KNeighborsRegressor", "LogisticRegression",
        "Ridge", "NaiveBayesClassifier", "IsolationForest",
    ),
    "Transformers": ("TableVectorizer", "TargetEncoder"),
    "Errors and warnings": (
        "Error", "DataError", "OptionError", "ArtifactError", "BudgetError", "WorkError",
        "ModelwrightWarning",
    ),
}  # fmt: skip

#: Errors and estimators whose constructor nobody but the package calls, and those made by others.
MADE_ELSEWHERE = (*PARTS["The model"], *PARTS["What it returns"], *PARTS["Errors and warnings"])

Function = ast.FunctionDef


@dataclass
class Class:
    """What the sources say of a class."""

    node: ast.ClassDef
    text: str
    bases: list[str] = field(default_factory=list)


class Sources:
    """Functions and classes by name."""

    def __init__(self, files: Mapping[str, str]):
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        modules = [ast.parse(text) for text in files.values()]
        shared: dict[str, str] = {}
        for module in modules:
            shared |= _texts(module)
        for module in modules:
            constants = {**shared, **_texts(module)}
            for node in module.body:
                if isinstance(node, Function):
                    self.functions.setdefault(node.name, node)
                elif isinstance(node, ast.ClassDef):
                    bases = [b.id for b in node.bases if isinstance(b, ast.Name)]
                    self.classes[node.name] = Class(node, _doc_of_class(node, constants), bases)

    def members(self, name: str) -> dict[str, Function]:
        """Public methods and documented properties, those of base classes after a class's own."""
        if name not in self.classes:
            return {}
        found = {
            node.name: node
            for node in self.classes[name].node.body
            if isinstance(node, Function)
            and not node.name.startswith("_")
            and ast.get_docstring(node)
        }
        for base in self.classes[name].bases:
            inherited = self.members(base)
            found |= {own: inherited[own] for own in inherited if own not in found}
        return found

    def constructor(self, name: str) -> Function | None:
        if name not in self.classes:
            return None
        for node in self.classes[name].node.body:
            if isinstance(node, Function) and node.name == "__init__":
                return node
        inherited = (self.constructor(base) for base in self.classes[name].bases)
        return next((found for found in inherited if found is not None), None)


def _texts(module: ast.Module) -> dict[str, str]:
    """Constants that hold text."""
    return {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


def _doc_of_class(node: ast.ClassDef, constants: Mapping[str, str]) -> str:
    """Its docstring, or what a template (``__doc__ = TEMPLATE.format(...)``) makes of it."""
    for line in node.body:
        call = line.value if isinstance(line, ast.Assign) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            template = constants[ast.unparse(call.func.value)]
            values = {
                k.arg: constants[k.value.id]
                if isinstance(k.value, ast.Name)
                else ast.literal_eval(k.value)
                for k in call.keywords
                if k.arg
            }
            return inspect.cleandoc(template.format(**values))
    return ast.get_docstring(node) or ""


def page(files: Mapping[str, str]) -> str:
    """The page, of the files of the package by name."""
    sources = Sources(files)
    anchors = _anchors(sources)
    lines = [HEAD]
    for part, names in PARTS.items():
        lines.append(f"## {part}\n")
        for name in names:
            if name in sources.functions:
                lines.extend(_function(sources, name, anchors))
            else:
                lines.extend(_class(sources, name, anchors))
    text = "\n".join(lines)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def examples_page(files: Mapping[str, str]) -> str:
    """The worked examples with what their first lines say of them, by name."""
    lines = [HEAD_OF_EXAMPLES]
    for name, text in files.items():
        about = ast.get_docstring(ast.parse(text)) or ""
        title, _, rest = about.partition("\n\n")
        code = text.split('"""', 2)[2].replace("from __future__ import annotations\n", "").strip()
        lines.append(f"## {name.removesuffix('.py')}\n\n**{_inline(title, {})}**\n")
        lines.append(f"{_inline(rest, {})}\n\n```python\n{code}\n```\n")
    return "\n".join(lines).rstrip() + "\n"


def _anchors(sources: Sources) -> dict[str, str]:
    """Where names stand; a method that several classes have stands with the first of them."""
    found: dict[str, str] = {}
    first: dict[int, str] = {}
    for name in (name for names in PARTS.values() for name in names):
        found[name] = name if name in sources.functions else f"class-{name.lower()}"
        for own, node in sources.members(name).items():
            found[f"{name}.{own}"] = first.setdefault(id(node), f"{name}{own}".lower())
    return found


def _function(sources: Sources, name: str, anchors: Mapping[str, str]) -> Iterator[str]:
    node = sources.functions[name]
    yield f"### {name}\n"
    yield _signature(f"mw.{name}", node)
    yield _markdown(ast.get_docstring(node) or "", anchors)


def _class(sources: Sources, name: str, anchors: Mapping[str, str]) -> Iterator[str]:
    members = sources.members(name)
    near = {**anchors, **{own: anchors[f"{name}.{own}"] for own in members}}
    yield f"### class {name}\n"
    constructor = sources.constructor(name)
    if constructor is not None and name not in MADE_ELSEWHERE:
        yield _signature(f"mw.{name}", constructor)
    yield _markdown(sources.classes[name].text, near)
    shared = [own for own in members if near[own] != f"{name}{own}".lower()]
    if shared:
        links = ", ".join(f"[`{own}`](#{near[own]})" for own in shared)
        yield f"Methods as above: {links}.\n"
    for own, node in members.items():
        if own in shared:
            continue
        decorators = {ast.unparse(d) for d in node.decorator_list}
        yield f"#### {name}.{own}\n"
        if "property" not in decorators:
            on = f"mw.{name}" if "classmethod" in decorators else _variable(name)
            yield _signature(f"{on}.{own}", node)
        yield _markdown(ast.get_docstring(node) or "", near)


def _variable(name: str) -> str:
    shown = {"Predictor": "model", "Explanation": "found", "Running": "server"}
    return shown.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().rsplit("_", 1)[-1])


def _signature(name: str, node: Function) -> str:
    """A call with every parameter and its default; the types stand below."""
    asked = node.args
    shown = []
    positional = [*asked.posonlyargs, *asked.args]
    defaults = [None] * (len(positional) - len(asked.defaults)) + list(asked.defaults)
    for argument, default in zip(positional, defaults):
        if argument.arg not in ("self", "cls"):
            shown.append(_argument(argument, default))
    if asked.vararg:
        shown.append(f"*{asked.vararg.arg}")
    elif asked.kwonlyargs:
        shown.append("*")
    shown += [_argument(a, d) for a, d in zip(asked.kwonlyargs, asked.kw_defaults)]
    if asked.kwarg:
        shown.append(f"**{asked.kwarg.arg}")
    line = f"{name}({', '.join(shown)})"
    if len(line) > 92:
        inner = textwrap.fill(", ".join(shown), 92, break_on_hyphens=False)
        line = f"{name}(\n{textwrap.indent(inner, '    ')}\n)"
    return f"```python\n{line}\n```\n"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return argument.arg if default is None else f"{argument.arg}={ast.unparse(default)}"


def _markdown(text: str, anchors: Mapping[str, str]) -> str:
    """A NumPy-style docstring as Markdown."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    out = [_prose(parts[0], anchors)]
    for title, body in zip(parts[1::2], parts[2::2]):
        if title == "Examples":
            out.append(f"```pycon\n{body.strip()}\n```\n")
        elif title in ("Notes", "References"):
            out.append(f"**{title}**\n\n{_prose(body, anchors)}")
        else:
            out.append(f"**{title}**\n\n{_definitions(body, anchors)}")
    return "\n".join(out)


def _definitions(body: str, anchors: Mapping[str, str]) -> str:
    """Entries of ``name : type`` with an indented text, as a list."""
    out = []
    for entry in re.split(r"\n(?=\S)", body.strip("\n")):
        first, _, rest = entry.partition("\n")
        name, colon, kind = first.partition(" : ")
        shown = f"`{name}`" + (f": {_inline(kind, anchors)}" if colon else "")
        if not colon and not re.fullmatch(r"[\w, .*]+", name):
            shown = _inline(name, anchors)
        rest = textwrap.dedent(rest).strip()
        # A blank line parts what a name is from the paragraph about it.
        about = f"  \n  {textwrap.indent(_inline(rest, anchors), '  ').strip()}" if rest else ""
        out.append(f"* {shown}{about}")
    return "\n".join(out) + "\n"


def _prose(text: str, anchors: Mapping[str, str]) -> str:
    """Paragraphs; an example among them becomes a block of code."""
    out = []
    for paragraph in text.strip().split("\n\n"):
        is_example = paragraph.startswith(">>>")
        out.append(f"```pycon\n{paragraph}\n```" if is_example else _inline(paragraph, anchors))
    return "\n\n".join(out) + "\n"


def _inline(text: str, anchors: Mapping[str, str]) -> str:
    """Code, references and what Markdown would read as a tag."""
    code = r"(:\w+:`[^`]+`|``.+?``|`[^`\n]+`)"
    pieces = re.split(code, text, flags=re.DOTALL)
    out = []
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            out.append(re.sub(r"([<*\[\]])", r"\\\1", piece))
        elif piece.startswith(":"):
            out.append(_reference(piece.split("`")[1], anchors))
        else:
            out.append(f"`{piece.strip('`')}`")
    return "".join(out)


def _reference(name: str, anchors: Mapping[str, str]) -> str:
    """A link to what stands on this page."""
    name = name.removeprefix("~").removeprefix("modelwright.")
    return f"[`{name}`](#{anchors[name]})" if name in anchors else f"`{name}`"
