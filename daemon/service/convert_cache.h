// Convert: counters of threads, their windows and rates -> proto. Pure functions, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_CACHE_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_CACHE_H_

#include <vector>

#include "daemon/analysis/counter_history.h"
#include "daemon/service/counter_totals.h"
#include "hftmon/v1/cache.pb.h"

namespace hftmon {

void CounterEventToProto(const CounterSetEvent& event, v1::CounterEvent* out);

// events, interval_ns, available, reason, unavailable, total_cross_call_count. `set`: that the answer is of.
void CounterStateToProto(const CounterTotals::State& state, const CounterSet& set, v1::QueryCacheResponse* out);

void RateToProto(const CounterRate& rate, v1::RateDefinition* out);

// on_cpu_ns, spans, values of the window and rates. Values of events that no span has are absent.
void CounterWindowToProto(const CounterSet& set, const std::vector<CounterRate>& rates, const CounterWindow& window,
                          const std::vector<double>& percentiles, v1::ThreadCache* out);

// reading_count, counted_since, last_reading, and the totals of each counter; adds the counters where no window has.
void CounterTotalToProto(const CounterSet& set, const ThreadCounterTotal& total, v1::ThreadCache* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_CACHE_H_
