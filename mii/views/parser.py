"""Reads FHIRPath: the subset that SQL on FHIR v2 asks of every view runner, and what binds tighter.

Grammar and precedence: FHIRPath 2.0 (ANSI/HL7 NMN1 R1-2020), "Operator Precedence".
"""

from __future__ import annotations

from decimal import Decimal

from anonymizer.errors import BadConfig
from mii.views.lexer import Word, words
from mii.views.syntax import Binary, Call, Constant, Expression, Index, Literal, Member, This, Unary
from mii.views.temporal import temporal

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"implies"}),
    frozenset({"or", "xor"}),
    frozenset({"and"}),
    frozenset({"in", "contains"}),
    frozenset({"=", "!="}),
    frozenset({"<", "<=", ">", ">="}),
    frozenset({"|"}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/", "div", "mod"}),
)
"""Operators from the loosest to the tightest; those of one level are read from left to right."""
_UNREAD = frozenset({"is", "as"})
_DEEPEST = 40


def parse(text: str) -> Expression:
    """The expression that ``text`` writes. Raises ``BadConfig``, which names the character."""
    reader = _Reader(list(words(text)))
    expression = reader.binary(0)
    reader.expect("end", "")
    return expression


class _Reader:
    """Reads words one after the other."""

    def __init__(self, found: list[Word]) -> None:
        self._words, self._next, self._depth = found, 0, 0

    def binary(self, level: int) -> Expression:
        """Operands and the operators of ``level`` and tighter ones between them."""
        if level == len(_LEVELS):
            return self._unary()
        left = self.binary(level + 1)
        while self._word.kind in ("sign", "name") and self._word.text in _LEVELS[level]:
            operator = self._take().text
            left = Binary(operator, left, self.binary(level + 1))
        if self._word.kind == "name" and self._word.text in _UNREAD:
            raise BadConfig(f"the FHIRPath operator `{self._word.text}` is not in the subset for views")
        return left

    def expect(self, kind: str, text: str) -> Word:
        """The next word, which must be this one."""
        if self._word.kind != kind or (text and self._word.text != text):
            raise BadConfig(f"the FHIRPath cannot be read at character {self._word.at}")
        return self._take()

    @property
    def _word(self) -> Word:
        return self._words[self._next]

    def _take(self) -> Word:
        word = self._word
        self._next += word.kind != "end"
        return word

    def _is(self, *signs: str) -> bool:
        return self._word.kind == "sign" and self._word.text in signs

    def _unary(self) -> Expression:
        if self._is("+", "-"):
            return Unary(self._take().text, self._path())
        return self._path()

    def _path(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadConfig("the FHIRPath is nested too deeply")
        path = self._term()
        while self._is(".", "["):
            if self._take().text == "[":
                path = Index(path, self.binary(0))
                self.expect("sign", "]")
            else:
                path = self._step(path)
        self._depth -= 1
        return path

    def _step(self, base: Expression | None) -> Expression:
        name = self.expect("name", "").text
        if not self._is("("):
            return Member(base, name)
        self._take()
        arguments: list[Expression] = []
        while not self._is(")"):
            if arguments:
                self.expect("sign", ",")
            arguments.append(self.binary(0))
        self._take()
        return Call(base, name, tuple(arguments))

    def _term(self) -> Expression:
        word = self._word
        if word.kind == "name" and word.text not in ("true", "false"):
            return self._step(None)
        self._take()
        match word.kind:
            case "name":
                return Literal(word.text == "true")
            case "text":
                return Literal(word.text)
            case "number":
                return Literal(Decimal(word.text) if "." in word.text else int(word.text))
            case "datetime" | "time":
                return self._moment(word)
            case "constant":
                return Constant(word.text)
            case "special" if word.text == "$this":
                return This()
            case "sign" if word.text == "(":
                inside = self.binary(0)
                self.expect("sign", ")")
                return inside
            case "sign" if word.text == "{":
                self.expect("sign", "}")
                return Literal(None)
        raise BadConfig(f"the FHIRPath cannot be read at character {word.at}")

    def _moment(self, word: Word) -> Literal:
        told = temporal(word.text, is_time=word.kind == "time")
        if told is None:
            raise BadConfig(f"the FHIRPath has a date or time that does not exist at character {word.at}")
        return Literal(told)
