// Off-CPU intervals for the analysis tests.
#ifndef HFTMON_TESTS_DAEMON_ANALYSIS_INTERVAL_MAKER_H_
#define HFTMON_TESTS_DAEMON_ANALYSIS_INTERVAL_MAKER_H_

#include <cstring>
#include <vector>

#include "daemon/ingest/interval.h"

namespace hftmon {

inline constexpr uint32_t kWaiter = 77;

inline OffCpuInterval MakeInterval(int64_t wait_ns, hft_switch_kind out_kind = HFT_SWITCH_USER_PREEMPTION) {
  OffCpuInterval interval;
  interval.thread = {.tid = kWaiter, .tgid = 70, .start_ns = 5};
  interval.slot = 9;
  interval.cpu = 1;
  interval.out_cpu = 1;
  interval.out_kind = out_kind;
  interval.end_mono_ns = 1'000'000'000;
  interval.end_clock_ns = 999'999'400;
  interval.off_cpu_ns = wait_ns;
  interval.wait_ns = wait_ns;
  return interval;
}

inline void AddSegment(OffCpuInterval& interval, uint16_t cpu, int64_t wait_ns, const std::vector<RunnerSpan>& spans) {
  interval.segments[interval.segment_count++] = {
      .cpu = cpu, .first_span = interval.span_count, .span_count = static_cast<uint16_t>(spans.size()), .wait_ns = wait_ns};
  for (const RunnerSpan& span : spans) interval.spans[interval.span_count++] = span;
}

inline RunnerSpan Ran(uint32_t tid, int64_t duration_ns) {
  return {.tid = tid, .tgid = tid == 0 ? 0 : tid / 10 * 10, .duration_ns = duration_ns};
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_ANALYSIS_INTERVAL_MAKER_H_
