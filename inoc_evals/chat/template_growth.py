"""Which variable of a chat template doubles, and doubles again: 40 rounds of it are a terabyte.

    doubled("{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")     # "ns.x"
    doubled("{% for m in messages %}{% set ns.x = ns.x ~ m.content %}{% endfor %}")  # "": it only grows

A template keeps text in variables alone. So its assignments are read as a graph: which variable is made of
which others, and of how many copies of each. One that is made of two copies of itself, be it by way of
others, grows as 2, 4, 8. One that is not is at most so many copies of what the template was given, which is
counted, too. No template is run here, and no number of rounds is asked for: templates of models append.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

LARGEST = 10_000
"""Most copies of one text that a variable may be made of, step by step and without a circle."""

TAG = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")
"""A mark of transformers around what the model is trained on, which jinja2 alone does not know."""

NO_TEXT = frozenset({"length", "count", "int", "float", "abs"})
"""Filters whose result has no more than a few characters."""

MANIFOLD = frozenset({"join", "replace", "tojson", "escape", "e", "forceescape", "urlencode", "pprint"})
"""Filters and methods that may repeat a text, or escape what is escaped already."""

Reads = Counter[str]
"""How many copies of each variable's text an expression may hold."""


def doubled(template: str) -> str:
    """A variable that doubles again and again, or is a great many copies of one text.

    Args:
        template: The template; one that jinja2 cannot read holds none, since it cannot be run either.

    Returns:
        The variable's name as the template writes it; empty if there is none.
    """
    import jinja2

    reader = jinja2.Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])  # noqa: S701
    try:
        tree = reader.parse(TAG.sub("", template))
    except (jinja2.TemplateSyntaxError, RecursionError):
        return ""
    made = _Assignments(tree).made
    reached = _reached(made)
    for name, ways in made.items():
        circles = [
            sum(copies for other, copies in reads.items() if name in reached.get(other, ())) for reads in ways
        ]
        # What is no attribute of a namespace is forgotten after a round, so it doubles as often as it says.
        kept = any("." in other for other in reached[name] if name in reached[other])
        if max(circles) > 1 if kept else prod(max(1, copies) for copies in circles) > LARGEST:
            return name
    return _large(made, reached)


def _reached(made: Mapping[str, list[Reads]]) -> dict[str, set[str]]:
    """For every variable, itself and those that its text is made of, by way of any others."""
    reached = {name: set().union(*(reads.keys() & made.keys() for reads in made[name])) for name in made}
    changed = True
    while changed:
        changed = False
        for name, others in reached.items():
            more = others.union(*(reached[other] for other in others))
            changed = changed or len(more) > len(others)
            reached[name] = more
    return {name: others | {name} for name, others in reached.items()}


def _large(made: Mapping[str, list[Reads]], reached: Mapping[str, set[str]]) -> str:
    """A variable of more than `LARGEST` copies; a circle that only appends counts as one round."""
    copies = dict.fromkeys(made, 1)
    order = sorted(made, key=lambda name: len(reached[name]))  # what it is made of comes before it
    for name in order:
        sums = (
            sum(count * copies.get(other, 1) for other, count in reads.items() if other != name)
            for reads in made[name]
        )
        copies[name] = max(1, *sums)
        if copies[name] > LARGEST:
            return name
    return ""


class _Assignments:
    """What every variable of a template is made of: `made`, by name, an entry for every assignment."""

    def __init__(self, tree: Any) -> None:
        from jinja2 import nodes

        self._nodes = nodes
        self._named: dict[str, str] = {}  # two loops may call different things by the same name
        self.made: dict[str, list[Reads]] = {}
        self._manifold = {macro.name for macro in tree.find_all(nodes.Macro) if self._repeats(macro)}
        self._visit(tree, Counter())

    def _repeats(self, macro: Any) -> bool:
        parameters = {argument.name for argument in macro.args}
        names = [name.name for part in macro.body for name in self._names(part)]
        return any(names.count(parameter) > 1 for parameter in parameters)

    def _names(self, node: Any) -> Iterator[Any]:
        if isinstance(node, self._nodes.Name):
            yield node
        yield from node.find_all(self._nodes.Name)

    def _visit(self, node: Any, rounds: Reads) -> None:
        """Collect the assignments of a part; `rounds` is what the loops around it go through."""
        nodes = self._nodes
        if isinstance(node, nodes.Assign):
            self._assign(node.target, node.node, rounds)
        elif isinstance(node, nodes.AssignBlock):
            reads: Reads = Counter()
            for part in node.body:
                reads += self._output(part)
            self._add(node.target, reads + rounds)
        elif isinstance(node, nodes.For):
            through, outside = self._reads(node.iter), self._named
            self._named = {
                **outside,
                **{one.name: f"{one.name}#{node.lineno}" for one in self._names(node.target)},
            }
            self._add(node.target, through)
            for part in node.iter_child_nodes(exclude=("iter",)):
                self._visit(part, rounds + through)
            self._named = outside
            return
        for part in node.iter_child_nodes():
            self._visit(part, rounds)

    def _output(self, node: Any) -> Reads:
        """What a part of a template prints."""
        if isinstance(node, self._nodes.Expr):
            return self._reads(node)
        reads: Reads = Counter()
        for part in node.iter_child_nodes(exclude=("test", "target")):
            reads += self._output(part)
        return reads

    def _assign(self, target: Any, value: Any, rounds: Reads) -> None:
        nodes = self._nodes
        if isinstance(target, nodes.Tuple) and isinstance(value, nodes.Tuple):
            for one, its in zip(target.items, value.items, strict=False):
                self._assign(one, its, rounds)
            return
        self._add(target, self._reads(value) + rounds)
        if isinstance(value, nodes.Call) and isinstance(target, nodes.Name):
            for argument in value.kwargs:  # `namespace(x='')` makes `ns.x`
                self.made.setdefault(f"{target.name}.{argument.key}", []).append(self._reads(argument.value))

    def _add(self, target: Any, reads: Reads) -> None:
        nodes = self._nodes
        if isinstance(target, nodes.Tuple):
            for one in target.items:
                self._add(one, reads)
            return
        named = self._named.get(target.name, target.name)
        name = f"{target.name}.{target.attr}" if isinstance(target, nodes.NSRef) else named
        self.made.setdefault(name, []).append(reads)

    def _reads(self, node: Any) -> Reads:
        """How many copies of which variables the value of an expression may hold."""
        nodes = self._nodes
        match node:
            case None | nodes.Compare() | nodes.Test() | nodes.Not():
                return Counter()  # true or false
            case nodes.Name():
                return Counter([self._named.get(node.name, node.name)])
            case nodes.Getattr(node=nodes.Name()):
                return Counter([f"{node.node.name}.{node.attr}"])
            case nodes.Getattr() | nodes.Getitem():
                return self._reads(node.node)
            case nodes.CondExpr():
                return self._reads(node.expr1) | self._reads(node.expr2)  # the larger number of each
            case nodes.And() | nodes.Or():
                return self._reads(node.left) | self._reads(node.right)
            case nodes.Filter() if node.name in NO_TEXT:
                return Counter()
            case nodes.Mod(left=nodes.Const(value=str() as form)):
                return self._times(self._reads(node.right), form.count("%"))
            case nodes.Mul():
                return self._times(self._inside(node), 2)
            case nodes.Call(node=nodes.Name(name=name)):
                return self._times(self._inside(node, but="node"), 2 if name in self._manifold else 1)
            case nodes.Call(node=nodes.Getattr(node=owner, attr=method)):
                form = str(owner.value) if isinstance(owner, nodes.Const) else ""
                times = 2 if method in MANIFOLD and not self._shortens(node) else form.count("{") or 1
                return self._times(self._reads(owner) + self._inside(node, but="node"), times)
            case nodes.Filter() if node.name in MANIFOLD and not self._shortens(node):
                return self._times(self._inside(node), 2)
        return self._inside(node)

    def _inside(self, node: Any, but: str = "") -> Reads:
        reads: Reads = Counter()
        for part in node.iter_child_nodes(exclude=(but,) if but else None):
            reads += self._reads(part)
        return reads

    def _shortens(self, call: Any) -> bool:
        """Whether it replaces a text by one that is no longer, as `x.replace('a', '')` does."""
        words = [argument.value for argument in call.args if isinstance(argument, self._nodes.Const)]
        return len(words) > 1 and len(str(words[1])) <= len(str(words[0]))

    @staticmethod
    def _times(reads: Reads, times: int) -> Reads:
        return Counter({name: copies * max(times, 1) for name, copies in reads.items()})
