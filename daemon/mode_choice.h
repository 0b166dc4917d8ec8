// Which mode suits a host. Pure: facts in, the mode and the reason for it out.
#ifndef HFTMON_DAEMON_MODE_CHOICE_H_
#define HFTMON_DAEMON_MODE_CHOICE_H_

#include <cstddef>
#include <string>

#include "daemon/os/cpu_topology.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct HostFacts {
  // Below this many CPUs a loop that spins takes too large a part of what its neighbours and the RPC threads need.
  static constexpr size_t kCpusForSpinning = 4;
  // A virtual CPU may share its core with another one of the same guest, or with another guest: spinning is paid for by somebody.
  static constexpr size_t kVirtualCpusForSpinning = 8;

  size_t usable_cpus = 0;  // allowed, online, neither isolated nor nohz_full
  int loop_cpu = 0;
  bool loop_cpu_reserved = false;  // isolated or nohz_full: the operator set it apart for the loop
  bool core_shared = false;        // another CPU of its core is isolated or nohz_full: spinning would slow what runs there
  bool is_virtual = false;
  bool watched_pinned_here = false;  // a watched thread may run on the loop's CPU only
};

struct ModeChoice {
  std::string mode;    // latency or balanced
  std::string reason;  // for people, e.g. "2 usable CPUs, fewer than 4"
};

ModeChoice ChooseMode(const HostFacts& facts);

// All but watched_pinned_here.
HostFacts ReadHostFacts(const CpuTopology& topology, const FileRoot& files, size_t usable_cpus, int loop_cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MODE_CHOICE_H_
