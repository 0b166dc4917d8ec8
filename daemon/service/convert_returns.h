// ReturnGatherer: how late the threads of an answer were back from their sleeps until a time, in its window -> hftmon.v1.TimerReturns. One
// call's own; any thread but the housekeeping thread.
//
// Source: the rings of returns (TimerReturns), read once for all threads. Bound: what these keep.
//
// What is not so of the whole window is said in `to_return_unavailable`, beside the figures of the rest: since when they are asked for,
// from when on they are still kept, how long nothing was collected.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_RETURNS_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_RETURNS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/threads.pb.h"

namespace hftmon {

class ReturnGatherer {
 public:
  // Reads the rings, if anybody asks. `core`'s parts and `selection` outlive the object. Of `request`: percentiles (checked already).
  ReturnGatherer(const ServiceCore& core, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns,
                 const v1::QueryThreadsRequest& request);

  // Sets `to_return`, `to_return_unavailable` or both.
  void Fill(const ThreadKey& thread, v1::ScheduledThread* out) const;

 private:
  struct OfThread {
    std::vector<int64_t> lateness_ns;
    uint64_t interrupted_count = 0;
    uint64_t time_lost_count = 0;
  };

  // Why the target's threads have none; empty: they have.
  std::string WhyNot(const TargetInfo& target) const;
  // What is missing in the window; empty: nothing.
  std::string Missing(const TargetInfo& target) const;

  const TimerReturns& returns_;
  const TargetSelection& selection_;
  const int64_t begin_ns_;
  const int64_t end_ns_;
  const std::vector<double> percentiles_;
  int64_t kept_since_ns_;
  int64_t off_ns_ = 0;
  std::map<std::pair<uint32_t, int64_t>, OfThread> threads_;  // by tid and start
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_RETURNS_H_
