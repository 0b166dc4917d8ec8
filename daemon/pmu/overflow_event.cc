#include "daemon/pmu/overflow_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string_view>
#include <vector>

#include "daemon/os/cpu_topology.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
// Seen 2026-11-27 in a virtual machine: at 50,000 a second a thread got on, at 100,000 it did not finish in 30 s what takes it 0.2 s. What
// the processor's counters interrupt the kernel bounds (kernel.perf_cpu_time_max_percent).
constexpr int64_t kTimerRateMaxHz = 20'000;
constexpr uint64_t kTriedPeriod = uint64_t{1} << 30;  // so seldom that the try itself interrupts nobody

OverflowEvent EventOf(std::string name, uint32_t type, uint64_t config, uint64_t period) {
  OverflowEvent overflow{.event = {.name = std::move(name)}, .period = std::max<uint64_t>(period, 1)};
  perf_event_attr& attributes = overflow.event.attributes;
  attributes.type = type;
  attributes.config = config;
  attributes.sample_period = overflow.period;
  attributes.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_READ;
  attributes.sample_id_all = 1;
  UseMonotonicClock(&attributes);
  return overflow;
}

OverflowEvent Cycles(int64_t rate_hz, const CycleRate& rate) {
  OverflowEvent overflow =
      EventOf("cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, rate.per_second / static_cast<uint64_t>(rate_hz));
  const char* const clock = rate.current
                                ? "at the clock that /proc/cpuinfo tells; more where the CPU runs faster, fewer where it runs slower"
                                : "the top frequency, and fewer below it";
  overflow.reason = fmt::format("the processor's cycles, one sample in {}: {} a second at {} MHz, {}", overflow.period, rate_hz,
                                rate.per_second / 1'000'000, clock);
  return overflow;
}

absl::StatusOr<OverflowEvent> CpuClock(int64_t rate_hz, const std::string& why) {
  if (rate_hz > kTimerRateMaxHz) {
    return absl::InvalidArgumentError(fmt::format(
        "{} readings a second by the kernel's timer are more than {}: the kernel does not bound what its timer takes of a thread, "
        "which may stand still: give a lower rate ({})",
        rate_hz, kTimerRateMaxHz, why));
  }
  OverflowEvent overflow = EventOf("cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, kNsPerSecond / static_cast<uint64_t>(rate_hz));
  overflow.reason = fmt::format("the kernel's timer, each {} ns that the thread is on a CPU: {}", overflow.period, why);
  return overflow;
}

std::optional<uint64_t> NumberIn(const FileRoot& root, const std::string& path) {
  const absl::StatusOr<std::string> text = root.ReadFile(path);
  return text.ok() ? ParseNumber<uint64_t>(Trim(*text)) : std::nullopt;
}

}  // namespace

void UseMonotonicClock(perf_event_attr* attributes) {
  attributes->use_clockid = 1;
  attributes->clockid = CLOCK_MONOTONIC;
}

absl::StatusOr<OverflowEvent> ChooseOverflowEvent(OverflowBy by, int64_t rate_hz, const absl::Status& cycles,
                                                  std::optional<CycleRate> cycle_rate) {
  if (by == OverflowBy::kCpuClock) return CpuClock(rate_hz, "as it was asked for");
  absl::Status usable = cycles;
  if (usable.ok() && cycle_rate.value_or(CycleRate()).per_second == 0) {
    usable = absl::FailedPreconditionError(
        "how many cycles a second has is not known (neither cpufreq nor /proc/cpuinfo tells it): sample by cpu-clock");
  }
  if (usable.ok()) return Cycles(rate_hz, *cycle_rate);
  if (by == OverflowBy::kCycles) return usable;
  return CpuClock(rate_hz, fmt::format("cycles cannot be sampled: {}", std::string(usable.message())));
}

absl::Status TrySampledCycles(PerfEventCalls& calls, const PerfEventRefusalFacts& facts) {
  PerfEventRequest request{.attributes = CycleAttributes()};
  request.attributes.sample_period = kTriedPeriod;
  request.attributes.disabled = 1;
  const int descriptor = OpenRetrying(calls, request.attributes, 0, -1, -1);
  if (descriptor < 0) return StatusOf(ExplainPerfEventError(-descriptor, request, facts));
  calls.Close(descriptor);
  return absl::OkStatus();
}

std::optional<CycleRate> ReadTopCyclesPerSecond(const FileRoot& root) {
  uint64_t top_khz = 0;
  if (const absl::StatusOr<std::vector<int>> cpus = ReadOnlineCpus(root); cpus.ok()) {
    for (const int cpu : *cpus) {
      const auto khz = NumberIn(root, fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq/cpuinfo_max_freq", cpu));
      top_khz = std::max(top_khz, khz.value_or(0));
    }
  }
  if (top_khz > 0) return CycleRate{.per_second = top_khz * 1'000};
  uint64_t top_mhz = 0;
  const absl::StatusOr<std::vector<std::string>> lines = root.ReadLines("/proc/cpuinfo");
  if (!lines.ok()) return std::nullopt;
  for (const std::string_view line : *lines) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || Trim(line.substr(0, colon)) != "cpu MHz") continue;
    const std::string_view value = Trim(line.substr(colon + 1));
    top_mhz = std::max(top_mhz, ParseNumber<uint64_t>(value.substr(0, value.find('.'))).value_or(0));
  }
  if (top_mhz == 0) return std::nullopt;
  return CycleRate{.per_second = top_mhz * 1'000'000, .current = true};
}

std::optional<int64_t> ReadSampleRateMax(const FileRoot& root) {
  const std::optional<uint64_t> rate = NumberIn(root, "/proc/sys/kernel/perf_event_max_sample_rate");
  return rate ? std::optional<int64_t>(static_cast<int64_t>(std::min<uint64_t>(*rate, INT64_MAX))) : std::nullopt;
}

}  // namespace hftmon
