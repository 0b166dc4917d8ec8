"""What a run of the tests amounted to, case by case.

Reads: a folder that tests/run filled: TIER.xml (CTest's JUnit), TIER/*.xml (what each GoogleTest binary wrote itself), TIER.log, TIER.ms.
Produces: on stdout each failure with the end of its output, each skip with its reason, a table by tier; the file `totals`.

A CTest entry counts as its GoogleTest cases when it wrote them; else as one case. An entry that failed counts at least one failure,
so a crash or a leak report after the last case is never lost.
"""

import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

OUTPUT_LINES = 60  # of a failed test


@dataclass
class Tier:
    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: list = field(default_factory=list)  # (test, output)
    skipped: list = field(default_factory=list)  # (test, reason)

    @property
    def total(self):
        return self.passed + len(self.failed) + len(self.skipped)


def one_line(text):
    return " ".join(text.split())


def skip_reason(message):
    """GoogleTest's message opens with file:line; the reason is the rest."""
    return one_line(re.sub(r"^\S+:\d+\n", "", message)) or "no reason given"


def add_gtest_cases(tier, binary, path):
    """Adds the cases of one GoogleTest report; returns how many of them failed."""
    failed_before = len(tier.failed)
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{binary}: {case.get('classname')}.{case.get('name')}"
        failures = case.findall("failure")
        skip = case.find("skipped")
        if failures:
            tier.failed.append((name, "\n".join(f.get("message", "") for f in failures)))
        elif case.get("status") == "notrun":
            tier.skipped.append((name, "disabled in the source"))
        elif skip is not None:
            tier.skipped.append((name, skip_reason(skip.get("message", ""))))
        else:
            tier.passed += 1
    return len(tier.failed) - failed_before


def verdict_in_log(log, name):
    """CTest's own word for an entry that failed, such as Timeout or Exception: SegFault: only its log has it."""
    found = re.findall(rf"Test +#\d+: {re.escape(name)} \.*\s*\**(.+?)\s*$", log, re.MULTILINE)
    return one_line(found[-1]) if found else "failed"


def add_ctest_entry(tier, case, gtest_dir, log):
    name = case.get("name")
    output = case.findtext("system-out") or ""
    reports = sorted(p for p in gtest_dir.glob(f"{name}*.xml") if re.fullmatch(re.escape(name) + r"(_\d+)?\.xml", p.name))
    status = case.get("status")
    failures = 0
    counted = 0
    for report in reports:
        before = tier.total
        try:
            failures += add_gtest_cases(tier, name, report)
        except ElementTree.ParseError as error:  # the binary died while it wrote
            tier.failed.append((name, f"its report {report.name} is broken: {error}"))
            failures += 1
        counted += tier.total - before
    if status == "run":
        if counted == 0:
            tier.passed += 1
    elif case.find("skipped") is not None and status == "notrun" and "SKIPPED:" in output:
        tier.skipped.append((name, one_line(output.split("SKIPPED:")[-1])))
    elif failures == 0:
        tier.failed.append((name, f"{verdict_in_log(log, name)}\n{output}"))


def read_tier(results, name):
    tier = Tier(name)
    duration = results / f"{name}.ms"
    if duration.exists():
        tier.seconds = int(duration.read_text(encoding="utf-8")) / 1000
    junit = results / f"{name}.xml"
    log_path = results / f"{name}.log"
    log = log_path.read_text(encoding="utf-8", errors="replace") if log_path.exists() else ""
    if not junit.exists():
        tier.failed.append(("ctest", log or "it wrote no report"))
        return tier
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        add_ctest_entry(tier, case, results / name, log)
    return tier


def print_tier(tier):
    for name, output in tier.failed:
        print(f"  FAILED {name}")
        lines = output.strip().splitlines()
        if len(lines) > OUTPUT_LINES:
            print(f"    … {len(lines) - OUTPUT_LINES} lines before")
        for line in lines[-OUTPUT_LINES:]:
            print(f"    {line}")
    reasons = {}
    for name, reason in tier.skipped:
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        print(f"  skipped {len(names)}: {reason}")
        for name in names:
            print(f"    {name}")
    print(f"  {tier.passed} passed, {len(tier.failed)} failed, {len(tier.skipped)} skipped in {tier.seconds:.1f} s", flush=True)


def print_summary(tiers, results, may_be_empty):
    for tier in tiers:
        if tier.total == 0 and not may_be_empty:
            tier.failed.append((tier.name, "a tier without a single test"))
            print(f"\nFAILED {tier.name}: no test carries this label, so nothing was shown; is its folder missing from tests/CMakeLists.txt?")
    print(f"\n{'tier':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>10}")
    for tier in tiers:
        print(f"{tier.name:<14}{tier.passed:>8}{len(tier.failed):>8}{len(tier.skipped):>9}{tier.seconds:>10.1f}")
    passed = sum(t.passed for t in tiers)
    failed = sum(len(t.failed) for t in tiers)
    skipped = sum(len(t.skipped) for t in tiers)
    (results / "totals").write_text(f"passed {passed}\nfailed {failed}\nskipped {skipped}\n", encoding="utf-8")
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tier", help="print this tier alone")
    parser.add_argument("--summary", action="store_true", help="print the table and the last line; the exit code is 1 when anything failed")
    parser.add_argument("--may-be-empty", action="store_true", help="a tier without tests is no failure (a filter was given)")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("tiers", nargs="*")
    arguments = parser.parse_args()
    if arguments.tier:
        print_tier(read_tier(arguments.results, arguments.tier))
    if arguments.summary:
        return print_summary([read_tier(arguments.results, t) for t in arguments.tiers], arguments.results, arguments.may_be_empty)
    return 0


if __name__ == "__main__":
    sys.exit(main())
