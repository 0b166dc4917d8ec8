#include "daemon/numa/probe/memory_speed.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>

namespace hftmon {
namespace {

// Between two looks at the clock, which is a system call.
constexpr int kLoadsPerLook = 1'024;
constexpr size_t kLinesPerLook = 4'096;
// A clock that stands still ends a run all the same.
constexpr int kLooksMax = 1'000'000;

// What is read must be used, or it would not be read. Relaxed: nobody reads it.
std::atomic<uint64_t> used;

double Median(std::array<double, MemorySpeed::kRuns> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// `portion` reads some, and says how much; a run is as many as fit its time.
template <typename Portion, typename Rate>
MemorySpeed Measure(const ThreadClock& now_ns, Portion portion, Rate rate) {
  MemorySpeed speed;
  std::array<double, MemorySpeed::kRuns> runs{};
  for (double& run : runs) {
    const int64_t begin_ns = now_ns();
    int64_t spent_ns = 0;
    uint64_t amount = 0;
    for (int look = 0; look < kLooksMax && spent_ns < MemorySpeed::kRunNs; ++look) {
      amount += portion(&speed.bytes);
      spent_ns = now_ns() - begin_ns;
    }
    run = spent_ns > 0 ? rate(amount, spent_ns) : 0;
  }
  speed.value = Median(runs);
  return speed;
}

uint64_t SumOf(std::span<const CacheLine> lines) {
  uint64_t sum = 0;
  for (const CacheLine& line : lines) {
    sum += reinterpret_cast<uintptr_t>(line.next);
    sum = std::accumulate(std::begin(line.rest), std::end(line.rest), sum);
  }
  return sum;
}

}  // namespace

int64_t ThreadNowNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

MemorySpeed MeasureLoads(std::span<const CacheLine> cycle, const ThreadClock& now_ns) {
  const CacheLine* line = &cycle.front();
  const auto portion = [&line](uint64_t* bytes) {
    for (int i = 0; i < kLoadsPerLook; ++i) line = line->next;
    used.store(reinterpret_cast<uintptr_t>(line), std::memory_order_relaxed);
    *bytes += kLoadsPerLook * kProbeLineBytes;
    return uint64_t{kLoadsPerLook};
  };
  return Measure(now_ns, portion, [](uint64_t loads, int64_t ns) { return static_cast<double>(ns) / static_cast<double>(loads); });
}

MemorySpeed MeasureReading(std::span<const CacheLine> lines, const ThreadClock& now_ns) {
  size_t at = 0;
  const auto portion = [&at, lines](uint64_t* bytes) {
    const size_t count = std::min(kLinesPerLook, lines.size() - at);
    used.store(SumOf(lines.subspan(at, count)), std::memory_order_relaxed);
    at = (at + count) % lines.size();
    *bytes += count * kProbeLineBytes;
    return static_cast<uint64_t>(count * kProbeLineBytes);
  };
  return Measure(now_ns, portion, [](uint64_t bytes, int64_t ns) { return static_cast<double>(bytes) * 1e3 / static_cast<double>(ns); });
}

}  // namespace hftmon
