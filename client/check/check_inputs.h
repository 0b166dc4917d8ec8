// CheckInputs: all that the modules of `check` judge by: what was asked, and the daemon's answers. Passive data.
//
// Answers whose sums count since something began (interrupts, memory, locks, network, visits) are of the time between here: the
// differences of two. An answer that there is not has the status of why.
#ifndef HFTMON_CLIENT_CHECK_CHECK_INPUTS_H_
#define HFTMON_CLIENT_CHECK_CHECK_INPUTS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/check/module_result.h"
#include "hftmon/v1/monitor.pb.h"

namespace hftmon {

inline absl::Status NotAsked() {
  return absl::UnavailableError("it was not asked for");
}

struct CheckInputs {
  std::set<CheckModule> modules;
  std::vector<int32_t> pids;  // as the daemon names them; none: CPUs or an interface alone
  bool tids_given = false;    // then `threads` has the threads that the user named
  std::vector<int> cpus;      // of --cpus
  std::string interface;      // of --interface
  int online_cpu_count = 1;

  int64_t begin_ns = 0;  // CLOCK_MONOTONIC: the first questions were answered
  int64_t end_ns = 0;    // the last were asked
  bool interrupted = false;
  // Probe groups that the daemon refused ("irq", "memory" …), each with its reason and mend.
  std::map<std::string, std::string> refused_groups;
  int64_t off_ns = 0;              // of that time the programs were off
  uint64_t lost_record_count = 0;  // of the daemon's rings meanwhile

  absl::StatusOr<v1::QueryThreadsResponse> threads = NotAsked();
  absl::StatusOr<v1::QueryContextSwitchesResponse> switches = NotAsked();  // p50, p99, p99.999
  absl::StatusOr<v1::QueryInterruptsResponse> interrupts = NotAsked();     // with lines
  int64_t interrupts_duration_ns = 0;  // between the two answers that it is the difference of; it ends with its own time
  absl::StatusOr<v1::QueryMemoryResponse> memory = NotAsked();
  absl::StatusOr<v1::QueryLocksResponse> locks = NotAsked();
  absl::StatusOr<v1::QueryNetworkResponse> network = NotAsked();
  absl::StatusOr<v1::QueryNetworkResponse> network_first = NotAsked();  // the first of the two: its longest ones were before
  absl::StatusOr<v1::QueryNumaResponse> numa = NotAsked();
  absl::StatusOr<v1::DetectSpikesResponse> spikes = NotAsked();
  absl::StatusOr<v1::RecommendResponse> advice = NotAsked();
  // The rule of `cpus`: found_count and visits of the time between.
  absl::StatusOr<v1::TargetRule> rule = NotAsked();
};

// The status's message, for people.
inline std::string WhyNot(const absl::Status& status) {
  return std::string(status.message());
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_INPUTS_H_
