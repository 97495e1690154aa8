"""Classes, modules and methods of a repository's Ruby, as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from tree_sitter import Node

from runner.probes.kit.ruby.syntax import RubyFile, statements, text


@dataclass(frozen=True)
class Parameter:
    """A method's parameter. `kind`: required, optional, keyword, splat or block."""

    name: str
    kind: str
    default: Node | None


@dataclass(frozen=True, eq=False)
class Method:
    """A method definition, or a block that serves as one (`define_method`, RSpec's `let`)."""

    file: RubyFile
    node: Node
    name: str
    owner: RubyClass
    singleton: bool
    public: bool = True

    @property
    def body(self) -> list[Node]:
        """Its statements."""
        return statements(self.node.child_by_field_name("body"))

    @cached_property
    def parameters(self) -> list[Parameter]:
        """Its parameters in order."""
        listed = self.node.child_by_field_name("parameters")
        return [p for p in map(_parameter, [] if listed is None else listed.named_children) if p is not None]


@dataclass(eq=False)
class RubyClass:
    """A class or module with all its re-openings; a file's top level is one too, named `<path>`.

    `members`: what a `Struct.new` or `Data.define` declares. `readers`: attr_reader and attr_accessor.
    `delegated`: the method that another method is sent on to (`delegate :ask, to: :chat`).
    """

    name: str
    is_module: bool = False
    superclass: str | None = None
    bodies: list[tuple[RubyFile, Node]] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    readers: set[str] = field(default_factory=set)
    members: list[str] = field(default_factory=list)
    delegated: dict[str, str] = field(default_factory=dict)
    _by_name: dict[tuple[str, bool], Method] = field(default_factory=dict)

    @property
    def file(self) -> RubyFile:
        """The file it is first opened in."""
        return self.bodies[0][0]

    def method(self, name: str, singleton: bool) -> Method | None:
        """Its own method of that name; the last definition wins."""
        return self._by_name.get((name, singleton))

    def add(self, method: Method) -> None:
        """Add a method."""
        self.methods.append(method)
        self._by_name[method.name, method.singleton] = method

    def mix_in(self, method: Method) -> None:
        """Let a module's own function be an instance method of its includers too."""
        self._by_name[method.name, False] = method


def _parameter(node: Node) -> Parameter | None:
    kinds = {
        "identifier": "required",
        "optional_parameter": "optional",
        "keyword_parameter": "keyword",
        "splat_parameter": "splat",
        "hash_splat_parameter": "splat",
        "block_parameter": "block",
        "forward_parameter": "splat",
    }
    if node.type not in kinds:
        return None
    name = node if node.type == "identifier" else node.child_by_field_name("name")
    return Parameter(text(name), kinds[node.type], node.child_by_field_name("value"))
