// What `top` learns of the daemon, as it travels from the threads that ask to the one that shows. Passive data.
#ifndef HFTMON_CLIENT_TOP_TOP_UPDATE_H_
#define HFTMON_CLIENT_TOP_TOP_UPDATE_H_

#include <cstdint>
#include <string>
#include <variant>

#include "hftmon/v1/monitor.pb.h"

namespace hftmon {

// Whether the daemon answers; `trouble` says why not, empty when it does.
struct TopConnection {
  std::string trouble;
};

// A snapshot of WatchMetrics.
struct TopMetrics {
  v1::WatchMetricsResponse snapshot;
  bool per_thread = false;
  bool missed_before = false;  // one before it was never shown: what it counted is in no sum
};

struct TopSpike {
  // Which daemon told it, from 1 on: ids begin anew with each.
  uint32_t daemon_number = 0;
  v1::Spike spike;
  v1::TimePair time;  // of the epoch in which it began
};

// Spikes that the daemon dropped for this reader since the stream began; the first says that those of the past were asked for.
struct TopStreamLosses {
  uint64_t dropped = 0;
};

using TopUpdate = std::variant<TopConnection, v1::GetStatusResponse, v1::ListTargetsResponse, v1::QueryThreadsResponse, TopMetrics,
                               TopSpike, TopStreamLosses>;

// Of the catalogue: what the tables are made of.
inline constexpr const char* kTopMetrics[] = {"context_switches_voluntary_count",
                                              "context_switches_involuntary_count",
                                              "run_queue_latency_p50_ns",
                                              "run_queue_latency_p99_ns",
                                              "run_queue_latency_max_ns",
                                              "interrupted_sum_ns",
                                              "spikes_count"};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_UPDATE_H_
