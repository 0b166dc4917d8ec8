// WindowedCall: a unary call that answers once the store's bucket that holds its arrival has closed.
//
// Owner: itself; deleted in OnDone. No gRPC thread waits: the poll thread looks every kPollIntervalNs and runs the answer.
// Bound of the wait: the call's deadline or cancel, else twice the sampling interval plus kSlackNs; then it answers with what there is and
// says that it is late. UNAVAILABLE when the daemon stops; RESOURCE_EXHAUSTED when too many calls are in flight.
#ifndef HFTMON_DAEMON_SERVICE_WINDOWED_CALL_H_
#define HFTMON_DAEMON_SERVICE_WINDOWED_CALL_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "daemon/control/status_source.h"
#include "daemon/service/poll_thread.h"
#include "daemon/service/query_gauge.h"
#include "daemon/store/window_store.h"
#include "grpcpp/support/server_callback.h"

namespace hftmon {

struct Arrival {
  TimePair time;      // when the call arrived
  bool late = false;  // its bucket has not closed
};

class WindowedCall : public grpc::ServerUnaryReactor, private Pollee {
 public:
  static constexpr int64_t kPollIntervalNs = 200'000;
  static constexpr int64_t kSlackNs = 100'000'000;
  using Answer = std::function<grpc::Status(const Arrival&)>;

  // What all calls share; outlives them.
  struct Shared {
    const WindowStore* windows = nullptr;
    PollThread* poll_thread = nullptr;
    const std::atomic<bool>* stopping = nullptr;
    QueryGauge* queries = nullptr;
  };

  // Fills the response; by the caller's thread when the bucket has closed already, else by the poll thread.
  // `queries_max`: calls in flight at most. `sampling_interval_ns` 0: nothing is sampled, answer at once.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared, int64_t queries_max,
                                         const TimePair& arrival, int64_t sampling_interval_ns, Answer answer);

  void OnDone() override;

 private:
  WindowedCall(grpc::CallbackServerContext* context, const Shared& shared, const TimePair& arrival, Answer answer);

  int64_t Poll(int64_t now_ns) override;
  bool Closed() const;

  grpc::CallbackServerContext* const context_;
  const Shared shared_;
  Arrival arrival_;
  const Answer answer_;
  int64_t give_up_ns_ = 0;  // steady clock
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_WINDOWED_CALL_H_
