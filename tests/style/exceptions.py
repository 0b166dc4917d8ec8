"""The exceptions to the rules: parsed, applied, and held to what is still needed.

Each line of tests/style/exceptions is: rule path [limit] reason. An exception that excuses nothing is a violation itself, so the list
only shrinks; so is a limit that the file has fallen below by a tenth.
"""

from dataclasses import dataclass

import rules

FILE = "tests/style/exceptions"


@dataclass
class Exception_:
    rule: str
    path: str
    limit: int
    line: int
    used: bool = False


def parse(text):
    """(exceptions, violations)"""
    found, wrong = [], []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        limit = 0
        if words[0] in rules.WITH_LIMITS:
            limit = int(words.pop(2)) if len(words) > 2 and words[2].isdigit() else 0
            if not limit:
                wrong.append((FILE, number, f"{words[0]} wants: rule path limit reason"))
        if words[0] not in rules.RULES:
            wrong.append((FILE, number, f"'{words[0]}' is no rule; there are {', '.join(rules.RULES)}"))
        elif len(words) < 5:
            wrong.append((FILE, number, "no reason: say in a few words why this may break the rule"))
        else:
            found.append(Exception_(words[0], words[1], limit, number))
    return found, wrong


def check(tree):
    """Every violation that no exception excuses."""
    exceptions, violations = parse(tree.text(FILE) if tree.exists(FILE) else "")
    for name, rule in rules.WITH_LIMITS.items():
        mine = [e for e in exceptions if e.rule == name]
        violations += rule(tree, {e.path: e.limit for e in mine})
        without = {path for path, _, _ in rule(tree, {})}
        tight = {path for path, _, _ in rule(tree, {e.path: int(e.limit * 0.9) for e in mine})}
        for entry in mine:
            entry.used = entry.path in without
            if entry.used and entry.path not in tight:
                violations.append((FILE, entry.line, f"{entry.path} has shrunk: lower its limit of {entry.limit}"))
    for name, rule in rules.PLAIN.items():
        for violation in rule(tree):
            entry = next((e for e in exceptions if e.rule == name and e.path == violation[0]), None)
            if entry is None:
                violations.append(violation)
            else:
                entry.used = True
    violations += [(FILE, e.line, f"{e.rule} {e.path} is no longer needed: remove the line") for e in exceptions if not e.used]
    return violations
