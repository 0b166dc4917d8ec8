// Crowd: many subscribers of spikes in one process, each on a connection of its own, some of which never read. gRPC's callback interface,
// so that no thread is needed for each.
//
// Threads: Join, Leave and the figures by the test's thread; messages arrive on gRPC's.
#ifndef HFTMON_TESTS_CLIENT_CPP_CROWD_H_
#define HFTMON_TESTS_CLIENT_CPP_CROWD_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "hftmon/v1/monitor.grpc.pb.h"

namespace hftmon::testing {

class Crowd {
 public:
  using Wanted = std::function<bool(const v1::Spike&)>;  // by any thread

  // `address` as gRPC takes it. Counts, for each that reads, the ends of spikes that `wanted` takes.
  Crowd(std::string address, v1::StreamSpikesRequest request, Wanted wanted)
      : address_(std::move(address)), request_(std::move(request)), wanted_(std::move(wanted)) {}
  ~Crowd() { Leave(); }

  // Returns when each of the readers has its first message: its subscription is in force.
  void Join(int readers, int silent) {
    for (int i = 0; i < readers + silent; ++i) members_.push_back(std::make_unique<Member>(*this, i < readers));
    for (const auto& member : members_) member->Await(member->in_force);
  }
  // The fewest and the most spikes that one of the readers has got.
  std::pair<int, int> Received() const {
    std::pair<int, int> range{INT32_MAX, 0};
    for (const auto& member : members_) {
      if (!member->reads) continue;
      range.first = std::min(range.first, member->received.load(std::memory_order_relaxed));
      range.second = std::max(range.second, member->received.load(std::memory_order_relaxed));
    }
    return range;
  }
  uint64_t DroppedOfReaders() const {
    uint64_t dropped = 0;
    for (const auto& member : members_) dropped += member->reads ? member->dropped.load(std::memory_order_relaxed) : 0;
    return dropped;
  }
  int EndedEarly() const {
    int count = 0;
    for (const auto& member : members_) count += member->over.load(std::memory_order_acquire) ? 1 : 0;
    return count;
  }
  void Leave() {
    for (const auto& member : members_) {
      if (!member->reads) {
        member->StartRead(&member->message);  // a call ends with its last read only
        member->RemoveHold();
      }
      member->context.TryCancel();
    }
    for (const auto& member : members_) member->Await(*member->done);
    members_.clear();
  }

 private:
  struct Member : grpc::ClientReadReactor<v1::StreamSpikesResponse> {
    Member(const Crowd& crowd, bool reads_on) : owner(crowd), reads(reads_on) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stub = v1::Monitor::NewStub(grpc::CreateCustomChannel(crowd.address_, grpc::InsecureChannelCredentials(), arguments));
      stub->async()->StreamSpikes(&context, &crowd.request_, this);
      if (!reads) AddHold();  // its next read comes from outside of its reactions: the call must be there still
      StartRead(&message);
      StartCall();
    }
    void OnReadDone(bool ok) override {
      if (!ok) return;
      if (!message.has_spike()) {
        in_force.set_value();
        if (!reads) return;  // nothing is asked for any more
      } else if (!message.spike().in_progress() && owner.wanted_(message.spike())) {
        received.fetch_add(1, std::memory_order_relaxed);
      }
      dropped.store(message.dropped(), std::memory_order_relaxed);
      StartRead(&message);
    }
    void OnDone(const grpc::Status&) override {
      over.store(true, std::memory_order_release);
      const std::shared_ptr<std::promise<void>> told = done;  // who waits for it may end this member while it is told
      told->set_value();
    }
    static void Await(std::promise<void>& promise) { promise.get_future().wait_for(std::chrono::seconds(60)); }

    const Crowd& owner;
    const bool reads;
    grpc::ClientContext context;
    std::unique_ptr<v1::Monitor::Stub> stub;
    v1::StreamSpikesResponse message;
    std::promise<void> in_force;
    const std::shared_ptr<std::promise<void>> done = std::make_shared<std::promise<void>>();
    std::atomic<bool> over{false};
    std::atomic<int> received{0};
    std::atomic<uint64_t> dropped{0};
  };

  const std::string address_;
  const v1::StreamSpikesRequest request_;
  const Wanted wanted_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_CLIENT_CPP_CROWD_H_
