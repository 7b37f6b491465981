"""Exercise 09-test, what can be read in a test: whether it looks behind the stage, and slips that hide errors.

It follows a test into the functions and classes of the learner that it uses, and not into the library.
"""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

__all__ = ["forgets_retry", "private", "replaces_request", "slips"]

# What every error and every class has as well: a test may ask for it, and it tells nothing of a shipping.
HARMLESS = {
    "__class__",
    "__doc__",
    "__eq__",
    "__init__",
    "__module__",
    "__name__",
    "__qualname__",
    "__repr__",
    "__str__",
}
CATCH_ALL = {"AssertionError", "BaseException", "Exception"}
ELSE = "it also catches the error of your own assert: put the assert behind it, into an else:"


def private(answer: Any, inside: Iterable[object]) -> Iterator[str]:
    """Yield what a test reads of the inside of such objects: names that begin with an underscore."""
    hidden = {name for thing in inside for name in dir(thing) if name[0] == "_"} - HARMLESS
    for code in _codes(answer):
        loads = ("LOAD_ATTR", "LOAD_METHOD")
        yield from (str(name) for step, name in _steps(code) if step in loads and name in hidden)
        yield from (constant for constant in code.co_consts if isinstance(constant, str) and constant in hidden)


def slips(answer: Any) -> Iterator[str]:
    """Yield the slips in a test that let it pass where it ought to fail, each in one line.

    >>> def test(parcels):
    ...     try:
    ...         assert parcels
    ...     except Exception:
    ...         pass
    >>> [*slips(test)]
    ['except Exception: it also catches the error of your own assert: put the assert behind it, into an else:']
    """
    for function in _functions(answer):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError, TypeError):
            continue  # its source is not there, or it is a part of a line, as a lambda is
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple):
                yield f"{_text(node)} is always true: leave out the parentheses"
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
                yield f"{_text(node)} alone does nothing: write assert before it"
            elif isinstance(node, ast.Try) and _asserts(node.body):
                yield from (f"{_head(each)} {ELSE}" for each in node.handlers if _catches_all(each))
            elif isinstance(node, ast.With) and _asserts(node.body):
                heads = (each.context_expr for each in node.items)
                yield from (f"with {_text(each)}: {ELSE}" for each in heads if _suppresses_all(each))


def forgets_retry(answer: Any) -> bool:
    """Whether a test searches on a bus that does not try again."""
    names = {name for code in _codes(answer) for name in (*code.co_names, *code.co_freevars, *_keywords(code))}
    return "find_failing" in names and not names & {"retry", "Retry"}


def replaces_request(answer: Any) -> bool:
    """Whether a test has a desk of its own, which watches what is asked for."""
    return any(code.co_name == "request" or ("STORE_ATTR", "request") in _steps(code) for code in _codes(answer))


def _functions(answer: Any) -> list[FunctionType]:
    """Return the functions of a test: its own, and those of the learner that it uses."""
    found: list[FunctionType] = []
    waiting: list[Any] = [answer]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, partial | MethodType):
            waiting.append(thing.func if isinstance(thing, partial) else thing.__func__)
        elif isinstance(thing, FunctionType) and thing not in found:
            found.append(thing)
            used = [thing.__globals__.get(name) for code in _within(thing.__code__) for name in code.co_names]
            used += [cell.cell_contents for cell in thing.__closure__ or () if _is_filled(cell)]
            own = (FunctionType, type)
            waiting += [each for each in used if isinstance(each, own) and each.__module__ == thing.__module__]
        elif isinstance(thing, type):
            waiting += [part for part in vars(thing).values() if isinstance(part, FunctionType)]
        elif thing is answer:
            waiting.append(type(answer))
    return found


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a name of an outer function that has no value yet
        return False


def _codes(answer: Any) -> Iterator[CodeType]:
    for function in _functions(answer):
        yield from _within(function.__code__)


def _steps(code: CodeType) -> Iterator[tuple[str, Any]]:
    return ((step.opname, step.argval) for step in dis.get_instructions(code))


def _within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)


def _keywords(code: CodeType) -> Iterator[str]:
    """Yield the names of arguments that are given by name: Python keeps them as tuples of text."""
    for constant in code.co_consts:
        if isinstance(constant, tuple):
            yield from (each for each in constant if isinstance(each, str))


def _asserts(body: list[ast.stmt]) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Raise) and node.exc and "AssertionError" in _text(node.exc))
        for statement in body
        for node in ast.walk(statement)
    )


def _catches_all(handler: ast.ExceptHandler) -> bool:
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else CATCH_ALL
    raises = any(isinstance(node, ast.Assert | ast.Raise) for statement in handler.body for node in ast.walk(statement))
    return bool(named & CATCH_ALL) and not raises


def _suppresses_all(head: ast.expr) -> bool:
    names = {node.id for node in ast.walk(head) if isinstance(node, ast.Name)}
    return "suppress" in _text(head) and bool(names & CATCH_ALL)


def _head(handler: ast.ExceptHandler) -> str:
    return f"except {_text(handler.type)}:" if handler.type else "except:"


def _text(node: ast.AST) -> str:
    return ast.unparse(node)
