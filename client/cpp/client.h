// Client: a typed connection to one hftmond. Requests and answers are the messages of proto/hftmon/v1, where every field's source, unit and
// range is documented; all times and durations are nanoseconds, event times are CLOCK_MONOTONIC.
//
// Threads: every method by any thread, at the same time. A call blocks its thread until the answer or the deadline.
// Errors: absl codes as documented with each RPC; the message names the thing, the cause and the mend; DetailsOf() (errors.h) gives the
// stable reason and the fields that were refused. UNAVAILABLE: nobody answers. PERMISSION_DENIED: the socket may not be opened.
// fork(): a process that forks must do so before its first Client, or exec at once in the child.
#ifndef HFTMON_CLIENT_CPP_CLIENT_H_
#define HFTMON_CLIENT_CPP_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/server_address.h"
#include "client/cpp/stream.h"
#include "hftmon/v1/monitor.pb.h"

namespace hftmon {

using SpikeStream = Stream<v1::StreamSpikesResponse>;
using MetricStream = Stream<v1::WatchMetricsResponse>;

struct ClientOptions {
  // Of each call but the streams, which have none. 1 ms … 1 h.
  int64_t deadline_ns = 5'000'000'000;
  // Who asks, as `hftmon targets` shows it: at most 64 bytes; empty = the program's name and pid.
  std::string name;
  // Whose numbers the pids and tids of requests are. Without either: those of this process's own pid namespace, in a container too. Answers
  // always name a thread by the initial namespace's, with its own namespace's beside it: a client that sends back what it read from an
  // answer needs `host_numbers`.
  bool host_numbers = false;     // the initial namespace's
  int32_t pid_namespace_of = 0;  // those of the namespace that this process is in; it is itself a number of this process's namespace
};

class Client {
 public:
  // `address`: "unix:PATH" or a loopback "HOST:PORT". Checks the arguments only: the connection is made by the first call.
  // FAILED_PRECONDITION: without `host_numbers`, /proc does not say which pid namespace this process is in.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const std::string& address = kDefaultServerAddress,
                                                         const ClientOptions& options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Answers when every thread that existed is watched. All pids and selectors or none. What is attached belongs to this object's session,
  // which the first such call opens, and ends with it (or with this process, however it ends), unless the request says `persist` or names
  // another session.
  absl::StatusOr<v1::AttachResponse> Attach(const v1::AttachRequest& request) const;
  // This object's part, where it has attached something; else, and with `persist`, the part that persists. `force`, and `all` with
  // `persist` or without a session: everybody's.
  absl::StatusOr<v1::DetachResponse> Detach(const v1::DetachRequest& request) const;
  absl::StatusOr<v1::ListTargetsResponse> ListTargets(const v1::ListTargetsRequest& request = {}) const;
  // Changes options, pauses or resumes.
  absl::StatusOr<v1::UpdateTargetResponse> UpdateTarget(const v1::UpdateTargetRequest& request) const;

  // What happened before the call is in the answer; it may wait one sampling interval for that.
  absl::StatusOr<v1::QueryContextSwitchesResponse> QueryContextSwitches(const v1::QueryContextSwitchesRequest& request) const;
  // What interrupts took from watched threads, and on each CPU.
  absl::StatusOr<v1::QueryInterruptsResponse> QueryInterrupts(const v1::QueryInterruptsRequest& request = {}) const;
  // Page faults and TLB flushes of watched threads; it may wait one sampling interval.
  absl::StatusOr<v1::QueryMemoryResponse> QueryMemory(const v1::QueryMemoryRequest& request = {}) const;
  // What to change, from what was measured in the window, each with its command, its undo and what proves it.
  absl::StatusOr<v1::RecommendResponse> Recommend(const v1::RecommendRequest& request = {}) const;
  // What the processor's counters say of watched threads: rates with percentiles; it may wait one sampling interval.
  absl::StatusOr<v1::QueryCacheResponse> QueryCache(const v1::QueryCacheRequest& request = {}) const;
  // Polls, drops and retransmits of packets, and how long packets took to the watched threads that read them; it may wait one
  // sampling interval.
  absl::StatusOr<v1::QueryNetworkResponse> QueryNetwork(const v1::QueryNetworkRequest& request = {}) const;
  // What hardware and hypervisor do to CPUs.
  absl::StatusOr<v1::QueryHardwareResponse> QueryHardware(const v1::QueryHardwareRequest& request = {}) const;
  // How long the operations took that programs mark themselves.
  absl::StatusOr<v1::QueryOperationsResponse> QueryOperations(const v1::QueryOperationsRequest& request = {}) const;
  // How threads are scheduled and where their time went; it may wait one sampling interval.
  absl::StatusOr<v1::QueryThreadsResponse> QueryThreads(const v1::QueryThreadsRequest& request = {}) const;
  // Counters of a process's threads, read at a stated rate: each reading interrupts the thread; it takes as long as the request says,
  // beside the deadline.
  absl::StatusOr<v1::SampleCountersResponse> SampleCounters(const v1::SampleCountersRequest& request) const;
  // Memory nodes, devices' nodes, and where the memory of targets lies; it takes as long as the looks do (0.3 s a process unless the
  // request asks for more pages), up to a minute beside the deadline.
  absl::StatusOr<v1::QueryNumaResponse> QueryNuma(const v1::QueryNumaRequest& request = {}) const;
  absl::StatusOr<v1::MeasureNumaResponse> MeasureNuma(const v1::MeasureNumaRequest& request = {}) const;
  // What CPUs do, looked at up to a million times a second; it takes as long as the request says, beside the deadline.
  absl::StatusOr<v1::SampleStateResponse> SampleState(const v1::SampleStateRequest& request = {}) const;
  // Which cache lines a target's threads take from each other, and where its loads are served; it takes as long as the request says, beside
  // the deadline, and interrupts the threads.
  absl::StatusOr<v1::SampleAccessesResponse> SampleAccesses(const v1::SampleAccessesRequest& request) const;
  // What the threads did over a window, piece by piece; it may wait one sampling interval.
  absl::StatusOr<v1::QueryTimelineResponse> QueryTimeline(const v1::QueryTimelineRequest& request = {}) const;
  // Which stalls hit moments that the caller names, at most 10,000 a call; it may wait one sampling interval.
  absl::StatusOr<v1::CorrelateEventsResponse> CorrelateEvents(const v1::CorrelateEventsRequest& request) const;
  // What watched threads block in, and the locks that they wait for; it may wait one sampling interval.
  absl::StatusOr<v1::QueryLocksResponse> QueryLocks(const v1::QueryLocksRequest& request = {}) const;
  // Waits for locks whose owner is less urgent or does not run, and priority inheritance; it may wait one sampling interval.
  absl::StatusOr<v1::QueryInversionsResponse> QueryInversions(const v1::QueryInversionsRequest& request = {}) const;
  // Spikes that ended in the window or go on, newest last.
  absl::StatusOr<v1::DetectSpikesResponse> DetectSpikes(const v1::DetectSpikesRequest& request) const;
  // Spikes as they are detected. The first message carries none: it says that the subscription is in force.
  std::unique_ptr<SpikeStream> StreamSpikes(const v1::StreamSpikesRequest& request) const;

  // A snapshot of the chosen metrics each period.
  std::unique_ptr<MetricStream> WatchMetrics(const v1::WatchMetricsRequest& request) const;
  absl::StatusOr<v1::ListMetricsResponse> ListMetrics(const v1::ListMetricsRequest& request = {}) const;

  absl::StatusOr<v1::GetStatusResponse> GetStatus(const v1::GetStatusRequest& request = {}) const;
  absl::StatusOr<v1::GetCapabilitiesResponse> GetCapabilities(const v1::GetCapabilitiesRequest& request = {}) const;

  // How the loop polls; whether whatever would disturb the host is refused; whether the kernel's programs do anything at all.
  absl::StatusOr<v1::SetModeResponse> SetMode(const v1::SetModeRequest& request) const;
  absl::StatusOr<v1::SetQuietResponse> SetQuiet(const v1::SetQuietRequest& request) const;
  absl::StatusOr<v1::SetCollectingResponse> SetCollecting(const v1::SetCollectingRequest& request) const;

 private:
  class Connection;  // gRPC's part of it: who includes this file need not compile the calls' own code
  explicit Client(std::unique_ptr<Connection> connection);

  const std::unique_ptr<Connection> connection_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CPP_CLIENT_H_
