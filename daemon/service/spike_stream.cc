#include "daemon/service/spike_stream.h"

#include <algorithm>
#include <utility>

#include "daemon/service/convert.h"
#include "daemon/service/convert_hardware.h"
#include "daemon/service/convert_spike.h"
#include "daemon/service/convert_stack.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

grpc::ServerWriteReactor<v1::StreamSpikesResponse>* SpikeStream::Start(const v1::StreamSpikesRequest& request,
                                                                       const SpikeStreamShared& shared) {
  using Refused = RefusedStream<v1::StreamSpikesResponse>;
  const ServiceLimits limits = shared.limits->Get();
  if (const grpc::Status checked = Check(request, limits); !checked.ok()) return new Refused(checked);
  TargetSelection selection;
  if (const grpc::Status selected = selection.Select(*shared.core->targets, request.pids()); !selected.ok()) return new Refused(selected);

  SpikeFilter filter{.threshold_ns = request.threshold_ns(), .blocked_threshold_ns = request.blocked_threshold_ns()};
  filter.pids.insert(request.pids().begin(), request.pids().end());
  const size_t queue_limit =
      request.queue_limit() > 0 ? request.queue_limit() : std::min<int64_t>(kQueueLimitDefault, limits.stream_queue_max);
  shared.limits->NoteQueue(static_cast<int64_t>(queue_limit));
  std::unique_ptr<SpikeStream> stream(new SpikeStream(shared, std::move(filter), queue_limit));
  // gRPC knows the stream only once it is returned: until then it can be deleted like any object.
  if (const grpc::Status added = shared.streams->Add(stream.get(), limits.spike_streams_max); !added.ok()) return new Refused(added);
  auto lease = shared.core->targets->LeaseThresholds(request.threshold_ns(), request.blocked_threshold_ns());
  if (!lease.ok()) {
    shared.streams->Remove(stream.get());
    return new Refused(ToGrpcStatus(lease.status()));
  }
  stream->unslotted_thread_count_ = selection.UnslottedSince(shared.core->status->Now().monotonic_ns);
  stream->Open(*std::move(lease));
  return stream.release();
}

void SpikeStream::Open(std::unique_ptr<ThresholdLease> lease) {
  {
    std::lock_guard lock(mutex());
    if (!ended()) lease_ = std::move(lease);
  }
  shared_.notifier->Subscribe(this);
  Pump();
}

SpikeStream::SpikeStream(const SpikeStreamShared& shared, SpikeFilter filter, size_t queue_limit)
    : shared_(shared), filter_(std::move(filter)), queue_limit_(queue_limit) {}

void SpikeStream::OnSpike(const SpikePosition& position, const Spike& spike) {
  const bool wanted = filter_.Wants(spike, spike.duration_ns, shared_.thresholds);
  std::lock_guard lock(mutex());
  if (ended()) return;
  // The end of one that was told in progress is told, though the scheduler's clock may find it a little shorter than the threshold.
  const bool told = !spike.in_progress && going_on_.erase(spike.id) > 0;
  if (!wanted && !told) return;
  // It is told again at each threshold that others have.
  if (spike.in_progress && !going_on_.insert(spike.id).second) return;
  // Those whose end was overwritten would stay for ever: the oldest make room.
  if (going_on_.size() > kGoingOnMax) going_on_.erase(going_on_.begin());
  if (waiting_.size() >= queue_limit_) {
    waiting_.pop_front();
    Drop(1);
  }
  waiting_.push_back(position);
}

void SpikeStream::OnOverwritten(uint64_t count) {
  std::lock_guard lock(mutex());
  if (!ended()) Drop(count);
}

void SpikeStream::Drop(uint64_t count) {
  dropped_ += count;
  shared_.dropped_count->fetch_add(count, std::memory_order_relaxed);
}

bool SpikeStream::NextMessage(v1::StreamSpikesResponse* message) {
  Spike spike;
  if (!announced_) {
    message->set_unslotted_thread_count(unslotted_thread_count_);
  } else {
    bool found = false;
    while (!found && !waiting_.empty()) {
      found = shared_.core->spikes->Read(waiting_.front(), &spike) == SeqRead::kOk;
      waiting_.pop_front();
      if (!found) Drop(1);
    }
    if (!found) return false;
    SpikeToProto(spike, shared_.core->names, message->mutable_spike());
    AddStack(shared_.core->stacks, spike.thread.tid, spike.record_mono_ns, message->mutable_spike());
    AddHardware(shared_.core->hardware, spike, shared_.core->names, message->mutable_spike());
  }
  announced_ = true;
  message->set_dropped(dropped_);
  message->set_lost_records(shared_.core->status->lost_records());
  TimePairToProto(shared_.core->status->Now(), message->mutable_time());
  if (message->has_spike()) PlaceInTime(spike, message);
  return true;
}

void SpikeStream::PlaceInTime(const Spike& spike, v1::StreamSpikesResponse* message) {
  const TimeSource& time = *shared_.core->time;
  const std::vector<ClockEpoch> epochs = time.Epochs();
  SpikeTimeToProto(spike, epochs, time.ErrorOfBegin(spike.cpu, spike.record_clock_ns, spike.record_mono_ns, spike.duration_ns),
                   message->mutable_spike());
  const ClockEpoch* begun = EpochOf(epochs, spike.start_mono_ns);
  // Of now unless the wall clock was set since it began.
  if (begun != nullptr && begun->number != message->time().epoch()) EpochPairToProto(*begun, message->mutable_time());
}

void SpikeStream::Release() {
  lease_.reset();
  waiting_.clear();
  going_on_.clear();
}

void SpikeStream::Detach() {
  shared_.notifier->Unsubscribe(this);
  shared_.streams->Remove(this);
}

}  // namespace hftmon
