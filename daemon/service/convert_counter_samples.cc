#include "daemon/service/convert_counter_samples.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "common/saturating_sum.h"
#include "common/utf8.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_cache.h"

namespace hftmon {
namespace {

constexpr double kPercentilesDefault[] = {1, 50, 99, 99.9};
constexpr double kNsPerSecond = 1e9;

std::optional<double> AchievedRate(uint64_t interrupt_count, int64_t on_cpu_ns) {
  if (on_cpu_ns <= 0) return std::nullopt;
  return static_cast<double>(interrupt_count) * kNsPerSecond / static_cast<double>(on_cpu_ns);
}

OverflowCounts SumOf(const std::vector<SampledCounters>& threads) {
  OverflowCounts sum;
  const auto add = [](uint64_t more, uint64_t* to) { *to = SaturatingSum(*to, more); };
  for (const SampledCounters& thread : threads) {
    add(thread.counts.sample_count, &sum.sample_count);
    add(thread.counts.undecoded_count, &sum.undecoded_count);
    add(thread.counts.discarded_count, &sum.discarded_count);
    add(thread.counts.lost_count, &sum.lost_count);
    add(thread.counts.damage_count, &sum.damage_count);
    add(thread.counts.throttle_count, &sum.throttle_count);
    sum.starved |= thread.counts.starved;
    sum.throttled_ns += thread.counts.throttled_ns;
  }
  return sum;
}

void CoverageToProto(const ProcessOverflowCounts& counts, const OverflowCounts& sum, v1::CounterSamplingCoverage* out) {
  out->set_sample_count(sum.sample_count);
  out->set_thread_count(static_cast<uint32_t>(counts.thread_count));
  out->set_born_thread_count(static_cast<uint32_t>(counts.born_thread_count));
  out->set_unsampled_thread_count(static_cast<uint32_t>(counts.unsampled_thread_count));
  out->set_unsampled_reason(ValidUtf8(counts.unsampled_reason));
  out->set_lost_count(sum.lost_count);
  out->set_undecoded_count(sum.undecoded_count);
  out->set_discarded_count(sum.discarded_count);
  out->set_damage_count(sum.damage_count);
  out->set_throttle_count(sum.throttle_count);
  out->set_throttled_ns(sum.throttled_ns);
  out->set_complete(sum.complete() && counts.unsampled_thread_count == 0);
}

void SpansToProto(const std::vector<SampledCounters>& threads, v1::SampleCountersResponse* out) {
  SpanWidths all;
  for (const SampledCounters& thread : threads) all.Add(thread.widths);
  if (all.count == 0) return;
  out->set_narrowest_span_ns(all.narrowest_ns);
  out->set_mean_span_ns(all.sum_ns / static_cast<int64_t>(all.count));
  out->set_widest_span_ns(all.widest_ns);
}

}  // namespace

CounterSampleConverter::CounterSampleConverter(std::vector<ThreadTotal> threads, ThreadNames* names, std::vector<double> percentiles)
    : threads_(std::move(threads)), names_(names), percentiles_(std::move(percentiles)) {
  if (percentiles_.empty()) percentiles_.assign(std::begin(kPercentilesDefault), std::end(kPercentilesDefault));
}

ThreadKey CounterSampleConverter::KeyOf(uint32_t pid, uint32_t tid) const {
  const auto found = std::find_if(threads_.begin(), threads_.end(), [tid](const ThreadTotal& total) { return total.thread.tid == tid; });
  return found == threads_.end() ? ThreadKey{.tid = tid, .tgid = pid} : found->thread;
}

void CounterSampleConverter::ThreadToProto(uint32_t pid, const CounterSamples& samples, const SampledCounters& thread,
                                           v1::CounterSampledThread* out) const {
  v1::ThreadCache* cache = out->mutable_cache();
  hftmon::ThreadToProto(KeyOf(pid, thread.tid), names_, cache->mutable_thread());
  cache->set_available(true);
  CounterWindowToProto(samples.set, samples.rates, thread.window, percentiles_, cache);
  out->set_interrupt_count(thread.counts.interrupt_count());
  if (const auto rate = AchievedRate(thread.counts.interrupt_count(), thread.window.on_cpu_ns)) out->set_achieved_rate_hz(*rate);
  if (thread.widths.count > 0) out->set_narrowest_span_ns(thread.widths.narrowest_ns);
  out->set_lost_count(thread.counts.lost_count);
  out->set_throttle_count(thread.counts.throttle_count);
  out->set_throttled_ns(thread.counts.throttled_ns);
  out->set_throttled_span_count(thread.throttled_span_count);
  out->set_born(thread.born);
}

void CounterSampleConverter::ToProto(uint32_t pid, const CounterSamples& samples, v1::SampleCountersResponse* out) const {
  out->set_begin_monotonic_ns(samples.begin_mono_ns);
  out->set_end_monotonic_ns(samples.end_mono_ns);
  out->set_process_ended(samples.process_ended);
  int64_t on_cpu_ns = 0;
  for (const SampledCounters& thread : samples.threads) {
    on_cpu_ns += thread.window.on_cpu_ns;
    ThreadToProto(pid, samples, thread, out->add_threads());
  }
  const OverflowCounts sum = SumOf(samples.threads);
  v1::CounterOverflow* overflow = out->mutable_overflow();
  overflow->set_event(samples.overflow_event);
  overflow->set_period(samples.overflow_period);
  overflow->set_reason(ValidUtf8(samples.overflow_reason));
  if (const auto rate = AchievedRate(sum.interrupt_count(), on_cpu_ns)) overflow->set_achieved_rate_hz(*rate);
  if (samples.sample_rate_max_hz) overflow->set_max_sample_rate_hz(*samples.sample_rate_max_hz);
  for (const CounterSetEvent& event : samples.set.events) CounterEventToProto(event, out->add_events());
  for (const CounterRate& rate : samples.rates) RateToProto(rate, out->add_rates());
  SpansToProto(samples.threads, out);
  v1::CounterSamplingCost* cost = out->mutable_cost();
  cost->set_interrupt_count(sum.interrupt_count());
  cost->set_event_count(samples.counts.event_count);
  cost->set_cross_call_count_max(samples.counts.cross_call_count_max);
  cost->set_ring_bytes(samples.counts.ring_bytes);
  cost->set_daemon_cpu_ns(samples.daemon_cpu_ns);
  CoverageToProto(samples.counts, sum, out->mutable_coverage());
  for (const auto& [part, reason] : samples.unavailable) {
    v1::UnavailablePart* entry = out->add_unavailable();
    entry->set_part(ValidUtf8(part));
    entry->set_reason(ValidUtf8(reason));
  }
}

}  // namespace hftmon
