// Series of wake-ups whose truth is known. Passive; deterministic by the seed.
#ifndef HFTMON_TESTS_DAEMON_ANALYSIS_WAKE_UP_SERIES_H_
#define HFTMON_TESTS_DAEMON_ANALYSIS_WAKE_UP_SERIES_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace hftmon {

inline constexpr int64_t kUs = 1'000;
inline constexpr int64_t kMs = 1'000'000;
inline constexpr int64_t kStartNs = 7'654'321'987'654;

// Exponential above `least_ns`, as wake-ups are late.
inline std::function<int64_t()> LateBy(int64_t least_ns, double mean_ns, uint32_t seed = 1) {
  return [least_ns, distribution = std::exponential_distribution<double>(1 / mean_ns), engine = std::mt19937(seed)]() mutable {
    return least_ns + std::llround(distribution(engine));
  };
}

// The grid's times, `period_ns` apart, without those that skip(i) says; each as late as `lateness_ns` says.
inline std::vector<int64_t> OnGrid(
    size_t count, double period_ns, const std::function<int64_t()>& lateness_ns,
    const std::function<bool(size_t)>& skip = [](size_t) { return false; }) {
  std::vector<int64_t> times_ns;
  for (size_t i = 0; i < count; ++i) {
    const int64_t late_ns = lateness_ns();
    if (!skip(i)) times_ns.push_back(kStartNs + std::llround(period_ns * static_cast<double>(i)) + late_ns);
  }
  return times_ns;
}

inline std::vector<int64_t> Merged(std::vector<int64_t> one_ns, const std::vector<int64_t>& other_ns) {
  one_ns.insert(one_ns.end(), other_ns.begin(), other_ns.end());
  std::sort(one_ns.begin(), one_ns.end());
  return one_ns;
}

// Each begins when the last has ended.
inline std::vector<int64_t> OneAfterTheOther(size_t count, const std::function<int64_t()>& interval_ns) {
  std::vector<int64_t> times_ns;
  int64_t now_ns = kStartNs;
  for (size_t i = 0; i < count; ++i) times_ns.push_back(now_ns += interval_ns());
  return times_ns;
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_ANALYSIS_WAKE_UP_SERIES_H_
