#include "client/cli/family_spikes.h"

#include <utility>

namespace hftmon {

absl::StatusOr<std::unique_ptr<FamilySpikes>> FamilySpikes::Start(const Client& client, int32_t root_pid, const v1::TargetOptions& options,
                                                                  Callback callback) {
  v1::StreamSpikesRequest request;  // all targets: children become targets of their own
  request.set_threshold_ns(options.spike_threshold_ns());
  request.set_blocked_threshold_ns(options.blocked_threshold_ns());
  std::unique_ptr<FamilySpikes> spikes(new FamilySpikes(client, root_pid, std::move(callback), client.StreamSpikes(request)));
  std::promise<bool> in_force;
  spikes->reader_ = std::thread([self = spikes.get(), &in_force] { self->Read(&in_force); });
  if (!in_force.get_future().get()) {
    const absl::Status status = spikes->Stop().status;
    return status.ok() ? absl::UnavailableError("the stream of spikes: ended before it began: see `hftmon status`") : status;
  }
  return spikes;
}

FamilySpikes::FamilySpikes(const Client& client, int32_t root_pid, Callback callback, std::unique_ptr<SpikeStream> stream)
    : client_(client), callback_(std::move(callback)), stream_(std::move(stream)), family_(root_pid) {}

FamilySpikes::~FamilySpikes() {
  if (reader_.joinable()) Stop();
}

StreamEnd FamilySpikes::Stop() {
  stream_->Cancel();
  reader_.join();
  return end_;
}

void FamilySpikes::Read(std::promise<bool>* in_force) {
  v1::StreamSpikesResponse message;
  const bool began = stream_->Read(&message);
  in_force->set_value(began);  // not to be touched afterwards: it lives on the stack of Start
  if (began) {
    do {
      Tell(message);
    } while (stream_->Read(&message));
  }
  end_.status = stream_->Finish();
}

void FamilySpikes::Tell(const v1::StreamSpikesResponse& message) {
  end_.dropped = message.dropped();
  if (!message.has_spike()) return;
  const int32_t pid = message.spike().target_pid();
  if (!family_.Knows(pid)) {
    if (const auto targets = client_.ListTargets(); targets.ok()) family_.Learn(*targets);
  }
  if (!family_.Contains(pid)) return;
  end_.told.Note(message.spike());
  callback_(message.spike(), message.time());
}

}  // namespace hftmon
