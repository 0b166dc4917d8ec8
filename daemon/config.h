// Config: what an operator may set. One flag, one key of the config file, one field each; parsed and validated in one place.
// The file is TOML (CLI11 reads it): `key = value` with the long option's name as key, e.g. `threads-max = 4096`.
#ifndef HFTMON_DAEMON_CONFIG_H_
#define HFTMON_DAEMON_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/switch_collector.h"

namespace hftmon {

inline constexpr char kDefaultListenAddress[] = "unix:/run/hftmon/hftmond.sock";

struct Config {
  std::vector<std::string> listen;   // unix:PATH or HOST:PORT of the loopback; empty = kDefaultListenAddress
  std::string mode = "auto";         // auto, latency, balanced, economy: how the housekeeping loop polls
  int32_t cpu = -1;                  // CPU of the housekeeping loop; -1 = chosen
  bool quiet = false;                // from the start on: see QuietGate
  std::string scheduling = "other";  // other (SCHED_OTHER, nice), fifo
  int32_t nice = -20;                // of the loop under SCHED_OTHER
  uint32_t targets_max = 1024;
  uint32_t threads_max = 16384;
  uint64_t rings_bytes = 8u << 20;  // all CPUs together
  uint64_t spike_history = 4096;    // spikes kept
  uint64_t switch_history = 16384;  // switch events kept
  int64_t spike_threshold_ns = 50'000;
  int64_t sampling_interval_ns = 10'000'000;
  std::string btf_path = "/sys/kernel/btf/vmlinux";
  KernelAccess kernel_access = KernelAccess::kAuto;
  bool check_only = false;  // --check-config: say whether the configuration is sound, and end
};

struct ParsedConfig {
  Config config;
  int exit_code = -1;  // >= 0: print `output` and end with it (help, version, --check-config)
  std::string output;
};

// INVALID_ARGUMENT names the option, its value and the values that are allowed.
absl::StatusOr<ParsedConfig> ParseConfig(int argc, const char* const* argv);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_H_
