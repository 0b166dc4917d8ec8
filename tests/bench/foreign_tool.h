// ForeignTool: another tool that watches the host, run on a CPU of its own with its output thrown away. In force between the factory's
// return and the destructor's beginning; both wait until it is so.
#ifndef HFTMON_TESTS_BENCH_FOREIGN_TOOL_H_
#define HFTMON_TESTS_BENCH_FOREIGN_TOOL_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

class ForeignTool {
 public:
  // Both null when it does not start; why_not says why.
  // `perf sched record` on all CPUs into `file`.
  static std::unique_ptr<ForeignTool> PerfSchedRecord(int cpu, const std::string& file, std::string* why_not);
  static std::unique_ptr<ForeignTool> Bpftrace(int cpu, const std::string& probes, std::string* why_not);
  ~ForeignTool();

 private:
  // `word` is the line that says that it has begun.
  static std::unique_ptr<ForeignTool> Start(const std::vector<std::string>& command, int cpu, const std::string& word, bool by_input,
                                            std::string* why_not);
  ForeignTool(std::unique_ptr<Subprocess> process, bool by_input) : process_(std::move(process)), by_input_(by_input) {}

  std::unique_ptr<Subprocess> process_;
  bool by_input_;  // ends with a line on stdin, else with SIGINT
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_FOREIGN_TOOL_H_
