#include "tests/privileged/harness/workload_run.h"

#include <fstream>
#include <string>

#include "tests/privileged/harness/eventually.h"
#include "tests/workloads/thread_counts.h"

namespace hftmon::testing {
namespace {

std::vector<std::string> Command(const std::string& name, std::vector<std::string> arguments, std::vector<std::string> prefix) {
  std::vector<std::string> command = std::move(prefix);
  command.push_back(BinaryPath(name == "stalled_workload" ? name : "tests/" + name));
  command.push_back("--interactive");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

bool Same(const std::vector<workload::ThreadCounts>& a, const std::vector<workload::ThreadCounts>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.tid == y.tid && x.voluntary_count == y.voluntary_count && x.involuntary_count == y.involuntary_count;
  });
}

// Whether it is off its CPU for good. A thread that was preempted on its way to sleep looks asleep, and has a switch to come: for this file
// the kernel waits until the thread has left its run queue.
bool IsOffItsQueue(pid_t pid, pid_t tid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/syscall");
  std::string word;
  file >> word;
  return word != "running";
}

}  // namespace

WorkloadRun::WorkloadRun(const std::string& name, std::vector<std::string> arguments, std::vector<std::string> prefix)
    : process_(Command(name, std::move(arguments), std::move(prefix))) {
  about_ = Read();
}

nlohmann::json WorkloadRun::Read() {
  // What runs the workload may print lines of its own.
  for (int lines = 0; lines < 10'000; ++lines) {
    const std::optional<std::string> line = process_.ReadLine(300'000);
    if (!line) return nullptr;
    nlohmann::json object = nlohmann::json::parse(*line, nullptr, false);
    if (object.is_object() && object.contains("pid")) return object;
  }
  return nullptr;
}

nlohmann::json WorkloadRun::Act(const std::string& line) {
  process_.WriteLine(line);
  return Read();
}

int WorkloadRun::End() {
  process_.WriteLine("");
  process_.CloseInput();
  return process_.Wait().value_or(-1);
}

bool WaitUntilBlocked(pid_t pid) {
  std::vector<workload::ThreadCounts> last;
  return Eventually([&] {
    const std::vector<workload::ThreadCounts> now = workload::ReadProcessCounts(pid);
    bool blocked = !now.empty();
    for (const auto& thread : now) {
      blocked = blocked && (thread.state == 'S' || thread.state == 'T') && IsOffItsQueue(pid, static_cast<pid_t>(thread.tid));
    }
    const bool still = blocked && Same(now, last);
    last = now;
    return still;
  });
}

}  // namespace hftmon::testing
