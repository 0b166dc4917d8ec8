// WorkloadRun: one of tests/workloads, taking turns with the test (see tests/workloads/session.h).
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_WORKLOAD_RUN_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_WORKLOAD_RUN_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

class WorkloadRun {
 public:
  // Starts it and waits until it is ready. `prefix` is a command that the workload is run by, e.g. {"hftmon", "run", "--"}.
  explicit WorkloadRun(const std::string& name, std::vector<std::string> arguments = {}, std::vector<std::string> prefix = {});

  // What it announced; null when it did not get ready.
  const nlohmann::json& about() const { return about_; }
  pid_t pid() const { return about_.value("pid", -1); }
  // Its word to begin (or a line of its own protocol), and what it printed in answer; null when it printed nothing within the limit.
  nlohmann::json Act(const std::string& line = "go");
  void Say(const std::string& line) { process_.WriteLine(line); }
  // The next object of its stdout; null at the end.
  nlohmann::json Read();
  // Its word to end; the exit code.
  int End();
  Subprocess& process() { return process_; }

 private:
  Subprocess process_;
  nlohmann::json about_;
};

// Waits until every thread of the process is blocked and its counts stand still (they have been written by the thread's own last
// switch). False after 10 s.
bool WaitUntilBlocked(pid_t pid);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_WORKLOAD_RUN_H_
