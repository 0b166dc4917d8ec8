// NodeBandwidths: what memory controllers and links moved while somebody waited, by the events of BandwidthEvents.
//
// A row is the sum of all counters of its source and package, or it is not there, with the reason: a sum of some of them would be low.
// Counters that take turns are scaled; running_share says so. Opening and reading one interrupts the CPU of the PMU's cpumask: CPUs that
// are to be left alone are not used. One thread; system calls; the events count until the object's end. Bound: kCountersMax.
#ifndef HFTMON_DAEMON_NUMA_NODE_BANDWIDTH_H_
#define HFTMON_DAEMON_NUMA_NODE_BANDWIDTH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/numa/bandwidth_events.h"
#include "daemon/numa/bandwidth_rows.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/numa_nodes.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/pmu/counter_group.h"
#include "daemon/pmu/counter_reading.h"

namespace hftmon {

struct BandwidthPlaces {
  NumaNodes nodes;
  CpuTopology topology;
  std::vector<int> avoided_cpus;  // sorted: kept free of ordinary work, or with watched threads bound to them
};

class NodeBandwidthCounters {
 public:
  static constexpr size_t kCountersMax = 2'048;

  // Opens what can be, and begins to count. `calls` outlives the object.
  NodeBandwidthCounters(PerfEventCalls& calls, BandwidthEvents events, BandwidthPlaces places, const PerfEventRefusalFacts& facts);

  // What was moved since it was made.
  BandwidthRows Read() const;

 private:
  struct Counter {
    size_t event = 0;  // in events_
    int cpu = 0;
    int package = 0;
    std::optional<CounterGroup> group;  // absent: not opened
    CounterReading begin;
    std::string reason;  // why it cannot be told
  };

  void Open(PerfEventCalls& calls, const PerfEventRefusalFacts& facts, Counter* counter) const;
  absl::StatusOr<CounterReading> ReadSince(const Counter& counter) const;
  std::optional<int> NodeOfPackage(int package) const;
  std::string WhyNone(const char* what, const char* pmus) const;
  void AddLink(const BandwidthEvent& event, const Counter& counter, BandwidthRows* rows) const;

  const BandwidthEvents events_;
  const BandwidthPlaces places_;
  size_t left_out_count_ = 0;                          // beyond the bound
  std::set<std::pair<std::string, int>> left_out_of_;  // the sources and packages that lack them
  std::vector<Counter> counters_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_NODE_BANDWIDTH_H_
