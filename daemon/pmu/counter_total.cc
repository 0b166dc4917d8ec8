#include "daemon/pmu/counter_total.h"

#include "common/saturating_sum.h"

namespace hftmon {
namespace {

void Add(const CounterReading& reading, CounterTotal& total) {
  if (reading.lost) total.lost = SaturatingSum(total.lost.value_or(0), *reading.lost);
  if (const auto count = reading.Scaled()) {
    total.count = SaturatingSum(total.count.value_or(0), *count);
    total.exact = total.exact && reading.exact();
  } else if (reading.enabled_ns > 0) {
    ++total.uncounted_thread_count;
    total.exact = false;
  }
}

}  // namespace

std::vector<CounterTotal> SumOfThreads(std::span<const ThreadReadings> threads) {
  std::vector<CounterTotal> totals(threads.empty() ? 0 : threads.front().readings.size());
  for (const ThreadReadings& thread : threads) {
    for (size_t event = 0; event < totals.size(); ++event) Add(thread.readings[event], totals[event]);
  }
  for (CounterTotal& total : totals) total.exact = total.exact && total.count.has_value();
  return totals;
}

}  // namespace hftmon
