// What a workload says of the many durations that it measured.
#ifndef HFTMON_TESTS_WORKLOADS_DURATION_SUMMARY_H_
#define HFTMON_TESTS_WORKLOADS_DURATION_SUMMARY_H_

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

namespace hftmon::workload {

// {middle_half_mean_ns, p50_ns, p99_ns, p99_9_ns, max_ns} of at least one; sorts them. The mean of the middle half is finer than the
// clock ticks, and no interrupt or preemption is in it.
inline nlohmann::json SummaryOf(std::vector<uint32_t>& durations_ns) {
  std::sort(durations_ns.begin(), durations_ns.end());
  const auto at = [&](double share) { return durations_ns[static_cast<size_t>(share * static_cast<double>(durations_ns.size() - 1))]; };
  const auto quarter = static_cast<std::ptrdiff_t>(durations_ns.size() / 4);
  const double middle_half_ns = std::accumulate(durations_ns.begin() + quarter, durations_ns.end() - quarter, 0.0) /
                                static_cast<double>(durations_ns.size() - 2 * static_cast<size_t>(quarter));
  return {{"middle_half_mean_ns", middle_half_ns},
          {"p50_ns", at(0.5)},
          {"p99_ns", at(0.99)},
          {"p99_9_ns", at(0.999)},
          {"max_ns", durations_ns.back()}};
}

}  // namespace hftmon::workload

#endif  // HFTMON_TESTS_WORKLOADS_DURATION_SUMMARY_H_
