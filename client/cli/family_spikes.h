// FamilySpikes: streams the spikes of a process and its descendants to a callback, on a thread of its own.
//
// Threads: the methods by one thread; the callback runs on the reader's thread. Bounds: the daemon's queue for a slow reader; what it
// dropped is counted.
#ifndef HFTMON_CLIENT_CLI_FAMILY_SPIKES_H_
#define HFTMON_CLIENT_CLI_FAMILY_SPIKES_H_

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "client/cli/family.h"
#include "client/cli/told_spikes.h"
#include "client/cpp/client.h"

namespace hftmon {

// What became of a stream.
struct StreamEnd {
  absl::Status status;   // OK when it was stopped by us
  ToldSpikes told;       // those of the family
  uint64_t dropped = 0;  // spikes that the daemon dropped because the reader was slow
};

class FamilySpikes {
 public:
  using Callback = std::function<void(const v1::Spike&, const v1::TimePair&)>;
  // Subscribes and waits until the subscription is in force. `client` outlives this.
  static absl::StatusOr<std::unique_ptr<FamilySpikes>> Start(const Client& client, int32_t root_pid, const v1::TargetOptions& options,
                                                             Callback callback);
  ~FamilySpikes();
  FamilySpikes(const FamilySpikes&) = delete;
  FamilySpikes& operator=(const FamilySpikes&) = delete;

  // Ends the stream; no callback runs after it. Call once.
  StreamEnd Stop();

 private:
  FamilySpikes(const Client& client, int32_t root_pid, Callback callback, std::unique_ptr<SpikeStream> stream);
  void Read(std::promise<bool>* in_force);
  void Tell(const v1::StreamSpikesResponse& message);

  const Client& client_;
  const Callback callback_;
  const std::unique_ptr<SpikeStream> stream_;
  Family family_;
  StreamEnd end_;  // the reader's until it is joined
  std::thread reader_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_FAMILY_SPIKES_H_
