"""Finds the functions of a C++ file by their braces and parentheses, without a compiler. Imported by check_sizes.

Comments, literals and preprocessor lines are blanked out first; where #if offers alternatives, each starts from the
same place. A lambda counts as a function where it stands outside of one; inside, its lines are the function's.
"""

import bisect
import re
from typing import Iterator, NamedTuple


class Function(NamedTuple):
    name: str
    line: int  # where it begins
    num_lines: int  # 0 for a declaration
    num_parameters: int


class Unbalanced(Exception):
    """The braces do not balance, so nothing can be said about the file."""


class Scope(NamedTuple):
    holds_functions: bool  # a namespace or a class
    parentheses: int  # open ones where the scope begins
    head: int  # where the text before the scope begins
    function: tuple[str, int] | None  # its name and number of parameters
    continues: bool  # what follows belongs to the head still: int x{3};


TOKEN = re.compile(
    r"""(?P<directive>^[ \t]*\#[ \t]*(?P<word>\w*)(?:\\\n|/\*.*?\*/|[^\n])*)
      | //(?:\\\n|[^\n])*
      | /\*.*?\*/
      | \b(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<!\w)(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'""",
    re.M | re.S | re.X,
)
IF, ELSE, ENDIF = "\x01", "\x02", "\x03"
MARKS = {"if": IF, "ifdef": IF, "ifndef": IF, "else": ELSE, "elif": ELSE, "endif": ENDIF}
LEADING = re.compile(r"(?:[\s\x01-\x03]|(?:public|private|protected)\s*:(?!:))*")
NOT_NAMES = {"requires", "decltype", "noexcept", "alignas", "explicit", "__attribute__", "throw", "sizeof", "typeid"}


def blank(text: str) -> str:
    """The text with blanks for all that is no code; every line stays where it is."""

    def blanked(match: re.Match) -> str:
        mark = MARKS.get(match["word"] or "", "") if match["directive"] else ""
        return mark + re.sub(r"[^\n]", " ", match[0])[len(mark) :]

    return TOKEN.sub(blanked, text)


def split_parameters(text: str) -> int:
    """How many parameters stand between the parentheses."""
    if text.strip() in ("", "void"):
        return 0
    depth, count = 0, 1
    for i, char in enumerate(text):
        if char in "([{" or (char == "<" and re.search(r"\w\s*$", text[:i])):
            depth += 1
        elif char in ")]}" or (char == ">" and depth > 0 and text[i - 1] not in "-="):
            depth -= 1
        elif char == "," and depth == 0:
            count += 1
    return count


def closing(text: str, begin: int) -> int:
    """The position of the parenthesis or brace that closes the one at `begin`, or the end of the text."""
    opening, ending = text[begin], {"(": ")", "{": "}"}[text[begin]]
    depth = 0
    for i in range(begin, len(text)):
        depth += (text[i] == opening) - (text[i] == ending)
        if depth == 0:
            return i
    return len(text)


def signature(head: str) -> tuple[str, int, str] | None:
    """Name, number of parameters and what follows them, if the text begins a function."""
    lambda_ = re.search(r"(\w+)\s*=\s*\[[^][]*\]\s*\(", head)
    if lambda_:
        end = closing(head, lambda_.end() - 1)
        return lambda_[1], split_parameters(head[lambda_.end() : end]), head[end + 1 :]
    head = re.sub(r"operator\s*\(\s*\)", "operator_call", head)
    head = re.sub(r"operator\s*[^\w\s(]+", "operator_symbol", head)
    depth = i = 0
    while i < len(head):
        char, before = head[i], head[:i].rstrip()
        if char == "<" and before and (before[-1].isalnum() or before[-1] in "_>"):
            depth += 1
        elif char == ">" and depth > 0 and head[i - 1] not in "-=":
            depth -= 1
        elif char == "=" and depth == 0:
            return None
        elif char in "({":
            end = closing(head, i)
            name = char == "(" and re.search(r"(~?\w+)$", before)
            if depth == 0 and name and name[1] not in NOT_NAMES:
                return name[1], split_parameters(head[i + 1 : end]), head[end + 1 :]
            i = end
        i += 1
    return None


def classify(head: str, parent: Scope, parentheses: int, begin: int) -> Scope:
    """What the brace after `head` opens."""
    plain = re.sub(r"[\x01-\x03]|\b(public|private|protected)\s*:(?!:)|\[\[.*?\]\]", " ", head, flags=re.S).strip()
    bare = re.sub(r"^template\s*<.*>\s*(?=(class|struct|union)\b)", "", plain, flags=re.S)

    def opens(holds: bool, function: tuple[str, int] | None = None, continues: bool = False) -> Scope:
        return Scope(holds, parentheses, begin, function, continues)

    if parentheses:
        return opens(False, continues=True)  # a lambda or a list among arguments
    if re.match(r"(inline\s+)?namespace\b|extern\s*$", plain):
        return opens(True)
    if re.match(r"(typedef\s+)?(class|struct|union)\b", bare) and not re.search(
        r"\)\s*(const|noexcept|override|final|\s)*$", bare
    ):
        return opens(True)
    if not parent.holds_functions or re.match(r"enum\b", plain):
        return opens(False, continues=parent.holds_functions)
    found = signature(plain)
    if not found:
        return opens(False, continues=True)
    name, num_parameters, rest = found
    starts_with_members = re.match(r"[^{]*?(?<!:):(?!:)", rest)  # Type() : member_{1} {
    if starts_with_members and re.search(r"[\w>]$", plain):
        return opens(False, continues=True)
    return opens(False, (name, num_parameters))


def functions(text: str) -> Iterator[Function]:
    """Every function of the file, defined or declared. Raises Unbalanced."""
    code = blank(text)
    line_starts = [0] + [match.end() for match in re.finditer("\n", code)]

    def line_of(position: int) -> int:
        return bisect.bisect_right(line_starts, position)

    def first(begin: int) -> int:
        return LEADING.match(code, begin).end()

    scopes, head, parentheses = [Scope(True, 0, 0, None, False)], 0, 0
    alternatives = []  # the state at each open #if
    for match in re.finditer(r"[;{}()\x01-\x03]", code):
        at, char = match.start(), match[0]
        if char == IF:
            alternatives.append((list(scopes), None if first(head) > at else head, parentheses))
        elif char == ELSE and alternatives:
            scopes, head, parentheses = list(alternatives[-1][0]), *alternatives[-1][1:]
            head = at + 1 if head is None else head
        elif char == ENDIF and alternatives:
            alternatives.pop()
        elif char in "()":
            parentheses += 1 if char == "(" else -1
        elif char == "{":
            scopes.append(classify(code[head:at], scopes[-1], parentheses, head))
            head, parentheses = at + 1, 0
        elif char == "}":
            if len(scopes) == 1:
                raise Unbalanced(f"line {line_of(at)} closes a brace that was not opened")
            scope = scopes.pop()
            if scope.function:
                begin = line_of(first(scope.head))
                yield Function(scope.function[0], begin, line_of(at) - begin + 1, scope.function[1])
            head, parentheses = scope.head if scope.continues else at + 1, scope.parentheses
        elif parentheses == 0:
            declared = scopes[-1].holds_functions and signature(
                re.sub(r"[\x01-\x03]|=\s*(0|default|delete)\s*$", " ", code[head:at])
            )
            if declared and not re.match(
                r"(using|typedef|friend|static_assert|return|extern|template\s*[^\s<])", code[first(head) : at]
            ):
                yield Function(declared[0], line_of(first(head)), 0, declared[1])
            head = at + 1
    if len(scopes) != 1:
        raise Unbalanced(f"the brace of line {line_of(first(scopes[-1].head))} is not closed")
