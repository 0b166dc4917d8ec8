#include "tests/workloads/thread_counts.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace hftmon::workload {
namespace {

std::string Slurp(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The word after "key:\t", empty when the key is absent.
std::string Field(const std::string& status, const std::string& key) {
  const std::string opening = "\n" + key + ":";
  const size_t at = ("\n" + status).find(opening);
  if (at == std::string::npos) return "";
  std::istringstream rest(status.substr(at + opening.size() - 1));
  std::string word;
  rest >> word;
  return word;
}

}  // namespace

std::optional<ThreadCounts> ReadThreadCounts(pid_t pid, pid_t tid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/";
  const std::string status = Slurp(folder + "status");
  std::istringstream schedstat(Slurp(folder + "schedstat"));
  int64_t run_ns = 0;
  ThreadCounts counts;
  if (status.empty() || !(schedstat >> run_ns >> counts.run_delay_ns)) return std::nullopt;
  counts.tid = tid;
  counts.comm = Field(status, "Name");
  counts.state = Field(status, "State").empty() ? '?' : Field(status, "State")[0];
  counts.voluntary_count = std::stoull(Field(status, "voluntary_ctxt_switches"));
  counts.involuntary_count = std::stoull(Field(status, "nonvoluntary_ctxt_switches"));
  return counts;
}

std::vector<ThreadCounts> ReadProcessCounts(pid_t pid) {
  std::vector<ThreadCounts> threads;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    if (auto counts = ReadThreadCounts(pid, std::stoi(entry.path().filename().string()))) threads.push_back(*counts);
  }
  std::sort(threads.begin(), threads.end(), [](const auto& a, const auto& b) { return a.tid < b.tid; });
  return threads;
}

uint64_t ReadStartTicks(pid_t pid) {
  const std::string stat = Slurp("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(')');  // the name may hold spaces and brackets
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string word;
  for (int field = 3; field <= 22 && (fields >> word); ++field) {
  }
  return word.empty() ? 0 : std::stoull(word);
}

}  // namespace hftmon::workload
