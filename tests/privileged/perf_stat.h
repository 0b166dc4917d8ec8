// PerfStat: `perf stat -p` of one process, from a moment that is known to one that is known: the witness that counters are compared with.
#ifndef HFTMON_TESTS_PRIVILEGED_PERF_STAT_H_
#define HFTMON_TESTS_PRIVILEGED_PERF_STAT_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

struct PerfStatLine {
  std::string value;  // as perf prints it: of a clock milliseconds, of anything else a number
  uint64_t running_ns = 0;
};

// By event; lines of anything else are skipped.
std::map<std::string, PerfStatLine> ParsePerfStat(const std::string& text);
// "12.345678" milliseconds, as perf prints a clock.
uint64_t NanosecondsOf(const std::string& milliseconds);

class PerfStat {
 public:
  // Empty: perf counts here.
  static std::string WhyNot();
  // Counting when it returns, if counting(). `events` as of -e; `folder` for its files.
  PerfStat(pid_t pid, const std::string& events, const std::string& folder);
  bool counting() const { return perf_ != nullptr; }
  // Stops counting and ends it.
  std::map<std::string, PerfStatLine> Stop();

 private:
  std::string file_;
  std::unique_ptr<Subprocess> perf_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_PERF_STAT_H_
