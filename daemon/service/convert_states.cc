#include "daemon/service/convert_states.h"

#include <algorithm>
#include <optional>

#include "common/histogram.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

constexpr double kLatenessPercentiles[] = {50, 99, 99.9, 99.99};
constexpr const char* kLevelNames[HFT_LEVELS] = {"softirq", "hard_irq", "nmi"};

double ShareOf(uint64_t count, uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
}

void LatenessToProto(const StateSamples& samples, v1::DurationStatistics* out) {
  out->set_count(samples.on_time_count + samples.late_count);
  out->set_sum_ns(samples.lateness_sum_ns);
  if (out->count() == 0) return;
  out->set_max_ns(samples.lateness_max_ns);
  for (const double percent : kLatenessPercentiles) {
    const std::optional<int64_t> value_ns = PercentileNs(samples.lateness, percent);
    if (!value_ns) continue;
    v1::Percentile* percentile = out->add_percentiles();
    percentile->set_percent(percent);
    // A bucket's middle may lie above the largest value in it.
    percentile->set_value_ns(std::min(*value_ns, samples.lateness_max_ns));
  }
}

void ThreadsToProto(const CpuSamples& cpu, ThreadNames* names, v1::SampledCpu* out) {
  std::vector<const SampledThread*> threads;
  for (const SampledThread& thread : cpu.threads.entries()) {
    if (thread.count > 0) threads.push_back(&thread);
  }
  std::sort(threads.begin(), threads.end(), [](const SampledThread* one, const SampledThread* other) {
    return one->count != other->count ? one->count > other->count : one->tid < other->tid;
  });
  uint64_t unlisted = cpu.unlisted_count;
  for (size_t i = 0; i < threads.size(); ++i) {
    const SampledThread& thread = *threads[i];
    if (i >= kSampledThreadsListedMax) {
      unlisted += thread.count;
      continue;
    }
    v1::SampledThread* listed = out->add_threads();
    listed->set_tid(static_cast<int32_t>(thread.tid));
    listed->set_pid(static_cast<int32_t>(thread.tgid));
    listed->set_comm(ValidUtf8(names->NameOf(thread.tid)));
    listed->set_share(ShareOf(thread.count, cpu.sample_count));
    listed->set_watched(thread.watched);
  }
  out->set_unlisted_thread_sample_count(unlisted);
}

void InterruptsToProto(const CpuSamples& cpu, v1::SampledCpu* out) {
  uint64_t sum = 0;
  for (size_t level = 0; level < HFT_LEVELS; ++level) {
    if (cpu.level_count[level] == 0) continue;
    sum += cpu.level_count[level];
    v1::SampledInterrupt* interrupt = out->add_interrupts();
    interrupt->set_kind(kLevelNames[level]);
    interrupt->set_share(ShareOf(cpu.level_count[level], cpu.sample_count));
  }
  std::sort(out->mutable_interrupts()->begin(), out->mutable_interrupts()->end(),
            [](const v1::SampledInterrupt& one, const v1::SampledInterrupt& other) { return one.share() > other.share(); });
  out->set_interrupt_share(ShareOf(sum, cpu.sample_count));
}

void CpuToProto(const StateSamples& samples, const CpuSamples& cpu, ThreadNames* names, v1::SampledCpu* out) {
  out->set_cpu(cpu.cpu);
  out->set_sample_count(cpu.sample_count);
  out->set_torn_count(cpu.torn_count);
  out->set_idle_share(ShareOf(cpu.idle_count, cpu.sample_count));
  ThreadsToProto(cpu, names, out);
  InterruptsToProto(cpu, out);
  out->set_longest_run_ns(cpu.longest_run_ns);
  out->set_longest_run_tid(static_cast<int32_t>(cpu.longest_run_tid));
  out->set_longest_interrupt_ns(cpu.longest_interrupt_ns);
  // A look is at one of them: at all of them there were so many at a time.
  if (cpu.waiting_count > 0) out->set_waiting_watched_mean(ShareOf(cpu.waiting_count, samples.look_count) * samples.watched_count);
}

}  // namespace

void StatesToProto(const StateSamples& samples, const std::vector<UnsampledState>& unsampled, ThreadNames* names,
                   v1::SampleStateResponse* out) {
  out->set_begin_monotonic_ns(samples.begin_mono_ns);
  out->set_end_monotonic_ns(samples.end_mono_ns);
  out->set_interval_ns(samples.interval_ns);
  out->set_due_count(samples.due_count);
  out->set_on_time_count(samples.on_time_count);
  out->set_late_count(samples.late_count);
  out->set_missed_count(samples.missed_count);
  LatenessToProto(samples, out->mutable_lateness());
  const int64_t whole_ns = samples.end_mono_ns - samples.begin_mono_ns;
  if (whole_ns > 0) out->set_cpu_share(static_cast<double>(samples.tick_sum_ns) / static_cast<double>(whole_ns));
  for (const CpuSamples& cpu : samples.cpus) CpuToProto(samples, cpu, names, out->add_cpus());
  for (const UnsampledState& state : unsampled) {
    v1::UnsampledMetric* metric = out->add_unavailable();
    metric->set_name(state.name);
    metric->set_reason(state.reason);
  }
}

}  // namespace hftmon
