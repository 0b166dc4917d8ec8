// SpikeStream: one subscriber of StreamSpikes.
//
// The kernel's thresholds are leased while it is open. What waits for a slow reader are positions in the spike history, at most
// queue_limit: beyond that the oldest are dropped and counted; so are spikes that the history overwrote meanwhile.
#ifndef HFTMON_DAEMON_SERVICE_SPIKE_STREAM_H_
#define HFTMON_DAEMON_SERVICE_SPIKE_STREAM_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>

#include "daemon/analysis/spike_history.h"
#include "daemon/control/targets.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "daemon/service/spike_filter.h"
#include "daemon/service/spike_notifier.h"
#include "daemon/service/stream_reactor.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

// What all spike streams share; outlives them.
struct SpikeStreamShared {
  const ServiceCore* core = nullptr;
  SpikeNotifier* notifier = nullptr;
  StreamList* streams = nullptr;
  TargetThresholds* thresholds = nullptr;
  LimitBook* limits = nullptr;
  std::atomic<uint64_t>* dropped_count = nullptr;  // over all streams since start
};

class SpikeStream : public StreamReactor<v1::StreamSpikesResponse>, private SpikeListener {
 public:
  // Checks the request, takes the lease and subscribes; or refuses.
  static grpc::ServerWriteReactor<v1::StreamSpikesResponse>* Start(const v1::StreamSpikesRequest& request, const SpikeStreamShared& shared);

 private:
  SpikeStream(const SpikeStreamShared& shared, SpikeFilter filter, size_t queue_limit);

  // Holds the lease, hears of spikes from now on, and sends the first message.
  void Open(std::unique_ptr<ThresholdLease> lease);

  void OnSpike(const SpikePosition& position, const Spike& spike) override;
  void OnOverwritten(uint64_t count) override;
  void OnRoundEnd() override { Pump(); }

  bool NextMessage(v1::StreamSpikesResponse* message) override;
  void Release() override;
  void Detach() override;
  void PlaceInTime(const Spike& spike, v1::StreamSpikesResponse* message);
  void Drop(uint64_t count);  // mutex held

  const SpikeStreamShared shared_;
  const SpikeFilter filter_;
  const size_t queue_limit_;
  std::unique_ptr<ThresholdLease> lease_;
  static constexpr size_t kGoingOnMax = 1'024;
  std::set<uint64_t> going_on_;        // ids of spikes that were told in progress and have not ended; the newest kGoingOnMax
  std::deque<SpikePosition> waiting_;  // oldest first
  uint64_t dropped_ = 0;
  uint64_t unslotted_thread_count_ = 0;  // when it began
  bool announced_ = false;               // the first message, without a spike, was sent
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SPIKE_STREAM_H_
