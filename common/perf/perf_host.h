// PerfHost: the machine that a recording was made on, as the recording tells. A value; all text is bytes of the file.
#ifndef HFTMON_COMMON_PERF_PERF_HOST_H_
#define HFTMON_COMMON_PERF_PERF_HOST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hftmon {

struct PerfNode {
  uint32_t node = 0;
  uint64_t total_kb = 0;
  uint64_t free_kb = 0;
  std::string cpus;  // a list: "0-7,16-23"
};

// Empty text and no value: not told.
struct PerfHost {
  std::string hostname, release, perf_version, arch, cpu, cpu_id;
  std::vector<std::string> command;
  std::optional<uint32_t> cpus_online, cpus_available;
  std::optional<uint64_t> memory_kb;
  std::vector<PerfNode> nodes;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_HOST_H_
