#include "client/cli/own_cpus.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

namespace hftmon {
namespace {

std::vector<int> CpusOf(pid_t tid) {
  std::vector<int> cpus;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(tid, sizeof(mask), &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

bool BindTo(const std::vector<int>& cpus) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int cpu : cpus) CPU_SET(cpu, &mask);
  return sched_setaffinity(0, sizeof(mask), &mask) == 0;
}

std::vector<pid_t> ThreadsOf(int32_t pid) {
  std::vector<pid_t> tids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/task", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t tid = 0;
    std::from_chars(name.data(), name.data() + name.size(), tid);
    if (tid > 0) tids.push_back(tid);
  }
  return tids;
}

}  // namespace

std::vector<int> OtherCpus(const std::vector<int>& kept_free) {
  if (kept_free.empty()) return {};
  std::vector<int> cpus = CpusOf(0);
  std::erase_if(cpus, [&kept_free](int cpu) { return std::find(kept_free.begin(), kept_free.end(), cpu) != kept_free.end(); });
  return cpus;
}

KeptOff::KeptOff(const std::vector<int>& cpus) {
  const std::vector<int> others = OtherCpus(cpus);
  const std::vector<int> former = CpusOf(0);
  if (!others.empty() && BindTo(others)) former_ = former;
}

KeptOff::~KeptOff() {
  if (!former_.empty()) BindTo(former_);
}

std::vector<int> CpusOfBoundThreads(const std::vector<int32_t>& pids) {
  const auto online = static_cast<size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  std::set<int> bound;
  for (const int32_t pid : pids) {
    for (const pid_t tid : ThreadsOf(pid)) {
      const std::vector<int> cpus = CpusOf(tid);
      if (cpus.size() < online) bound.insert(cpus.begin(), cpus.end());
    }
  }
  return {bound.begin(), bound.end()};
}

}  // namespace hftmon
