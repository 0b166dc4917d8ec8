// SharedNetworkTotals: what the programs keep of packets, read from the memory that they write, and what the host's files say.
// Threads: any. Bound: the possible CPUs, the sockets' table, the slots up to the highest ever used.
#ifndef HFTMON_DAEMON_SHARED_NETWORK_TOTALS_H_
#define HFTMON_DAEMON_SHARED_NETWORK_TOTALS_H_

#include <functional>
#include <string>
#include <vector>

#include "daemon/collectors/drop_reasons.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/os/file_root.h"
#include "daemon/service/network_totals.h"

namespace hftmon {

class SharedNetworkTotals : public NetworkTotals {
 public:
  struct Parts {
    KernelView view;                       // its memory outlives the object
    std::function<uint32_t()> high_water;  // the highest slot that may be in use
    std::function<bool()> collecting;      // whether the programs are attached
    std::string refusal;                   // NetworkPrograms::refusal, and
    std::vector<std::string> missing;      // missing
    DropReasons reasons;
    FileRoot files = FileRoot();
    uint32_t own_namespace = 0;  // 0: not known
  };
  explicit SharedNetworkTotals(Parts parts) : parts_(std::move(parts)) {}

  NetworkTotal Read() const override;
  std::vector<ThreadNetworkTotal> ThreadsOf(uint32_t tgid) const override;
  HostNetwork ReadHost(const std::string& interface) const override;

 private:
  std::string WhyNot(uint32_t slot) const;
  bool IsOther(uint32_t namespace_id) const;
  std::vector<InterfacePollTotal> PollsOf(const hft_cpu_network& cpu) const;

  const Parts parts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_NETWORK_TOTALS_H_
