// Convert: counters that were read at overflows -> proto. Pure but for names, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_COUNTER_SAMPLES_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_COUNTER_SAMPLES_H_

#include <vector>

#include "daemon/control/thread_names.h"
#include "daemon/service/counter_sampling.h"
#include "daemon/service/thread_totals.h"
#include "hftmon/v1/cache.pb.h"

namespace hftmon {

// What the conversion of one answer needs besides the samples.
class CounterSampleConverter {
 public:
  // `threads`: of the process, by which a thread is told apart from another one of its number; `percentiles`: none are the defaults.
  CounterSampleConverter(std::vector<ThreadTotal> threads, ThreadNames* names, std::vector<double> percentiles);

  // All but time, pid, namespace_pid and asked_rate_hz.
  void ToProto(uint32_t pid, const CounterSamples& samples, v1::SampleCountersResponse* out) const;

 private:
  ThreadKey KeyOf(uint32_t pid, uint32_t tid) const;
  void ThreadToProto(uint32_t pid, const CounterSamples& samples, const SampledCounters& thread, v1::CounterSampledThread* out) const;

  const std::vector<ThreadTotal> threads_;
  ThreadNames* const names_;
  std::vector<double> percentiles_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_COUNTER_SAMPLES_H_
