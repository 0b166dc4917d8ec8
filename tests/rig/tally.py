"""Tally: how many cases passed, failed and were skipped; prints what did not pass, with its reason."""

import sys


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def passes(self):
        self.passed += 1

    def fail(self, text):
        self.failed += 1
        print(f"FAILED  {text}", flush=True)

    def skip(self, text):
        self.skipped += 1
        print(f"SKIPPED {text}", flush=True)

    def end(self):
        """The last line stands alone: "N passed, N failed, N skipped".

        Ends the program, with 0 when something passed and nothing failed, else 1.
        """
        print(f"\n{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed or not self.passed else 0)
