"""evaluate: the value of a rate's formula, as the daemon writes it ("1 - l1d_misses / (l1d_hits + l1d_misses)"). Pure."""

from __future__ import annotations

import ast
import operator
from typing import Any, Dict, Optional

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def evaluate(formula: str, values: Dict[str, float]) -> Optional[float]:
    """None: a counter of it has no value, it divides by 0, or it is no sum, difference, product or quotient."""
    try:
        return float(_value(ast.parse(formula, mode="eval").body, values))
    except (KeyError, SyntaxError, ValueError, ZeroDivisionError):
        return None


def _value(node: Any, values: Dict[str, float]) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    raise ValueError("no arithmetic")
