"""The parameters of the search's estimators: every option of ``fit`` by its name."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

Keyword = dict[str, Any]

#: What the search estimators are not asked by these names: what goes to ``fit`` itself, files, and
#: which class is the second, which is scikit-learn's to say.
NOT_OF_SEARCH = (
    "target", "task", "out", "test", "weight", "positive", "separator", "no_header", "decimal",
    "charset", "threads", "seed",
)  # fmt: skip

#: What they begin with, as users of scikit-learn know them.
FIRST_OF_SEARCH = (
    "time_limit", "preset", "metric", "holdout", "interpretable", "keep_leaks", "memory"
)  # fmt: skip

OF_SEARCH_TEXTS = {
    "time_limit": "Wall time of a fit in seconds; None is without limit, and makes equal fits equal.",
    "keep_leaks": "Keep columns that are almost certainly leaks of the target. Other than in "
    ":func:`modelwright.fit` they stay, because scikit-learn's callers chose the columns.",
}


def module(
    asked: Sequence[Keyword], says: tuple[Callable[[Keyword], str], ...], head: str
) -> str:
    """Every option of ``fit`` as a parameter of an estimator.

    ``says`` are the type, the default and the text of a keyword.
    """
    type_of, default_of, doc_of = says
    known = {k["python"]: k for k in asked if k["python"] not in NOT_OF_SEARCH}
    rest = [name for name in known if name not in FIRST_OF_SEARCH]
    chosen = [known[name] for name in (*FIRST_OF_SEARCH, *rest)]
    defaults = {k["python"]: default_of(k) for k in chosen} | {"keep_leaks": "True"}
    names = [*defaults, "loss", "options", "random_state", "n_jobs"]
    types = {k["python"]: type_of(k) for k in chosen}
    types |= {"metric": "Any", "loss": "Any", "options": "dict[str, Any] | None"}
    types |= {"random_state": "Any", "n_jobs": "int | None"}
    code = head.format(text="The options of a search as parameters of its estimators.")
    code += (
        "from __future__ import annotations\n\nfrom collections.abc import Mapping, Sequence\n"
        "from datetime import timedelta\nfrom typing import Any, Literal\n\n"
        "from ._estimators import EngineEstimator\n\n"
        "#: What can be asked, each by its name.\nOPTIONS = (\n"
    )
    code += "".join(f'    "{name}",\n' for name in [*defaults, "loss"]) + ")\n\n"
    docs = "\n".join(entry(doc_of(k), k["python"], defaults[k["python"]]) for k in chosen)
    code += f'#: What they say of them.\nPARAMETERS = """\\\n{textwrap.indent(docs, "    ")}"""\n\n\n'
    code += 'class SearchOptions(EngineEstimator):\n    """Keeps what was asked."""\n\n'
    code += "    def __init__(\n        self,\n        *,\n"
    arguments = [f"{name}: {types[name]} = {defaults.get(name, 'None')}," for name in names]
    code += textwrap.indent("\n".join(arguments), "        ") + "\n    ):\n"
    return code + "".join(f"        self.{name} = {name}\n" for name in names)


def entry(text: str, name: str, default: str) -> str:
    """The entry of a docstring."""
    if name == "keep_leaks":
        text = text.replace("default False", f"default {default}")
    if name in OF_SEARCH_TEXTS:
        wrapped = textwrap.indent(textwrap.fill(OF_SEARCH_TEXTS[name], 88), "    ")
        text = text.split("\n")[0] + "\n" + wrapped
    return text
