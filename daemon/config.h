// Config: what an operator may set. Passive data: each member is the setting of its name, with its default. Ranges, units, meanings and
// what may change while the daemon runs stand in one table (config_settings.h), which flags, file, help and documentation draw from.
#ifndef HFTMON_DAEMON_CONFIG_H_
#define HFTMON_DAEMON_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/service/service_limits.h"

namespace hftmon {

inline constexpr char kDefaultListenAddress[] = "unix:/run/hftmon/hftmond.sock";
inline constexpr char kRuntimeDirectory[] = "/run/hftmon";  // of that socket
inline constexpr char kDefaultBtfPath[] = "/sys/kernel/btf/vmlinux";

struct Config {
  std::vector<std::string> listen = {kDefaultListenAddress};
  std::string mode = "auto";
  int64_t cpu = -1;
  std::string quiet = "off";
  std::string scheduling = "other";
  int64_t nice = -20;
  int64_t spike_threshold_ns = 50'000;
  int64_t sampling_interval_ns = 10'000'000;
  std::string kernel_access = "auto";
  std::string btf_path = kDefaultBtfPath;
  int64_t targets_max = 1024;
  int64_t threads_max = 16384;
  int64_t rings_bytes = 8 << 20;
  int64_t spike_history = 4096;
  int64_t switch_history = 16384;
  int64_t threshold_leases_max = 4096;
  ServiceLimits limits;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_H_
