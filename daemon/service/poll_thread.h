// PollThread: one thread that polls what gRPC's threads must not wait for. Asleep on a condition variable while nobody is polled.
//
// Threads: every method by any thread; Poll() by the poll thread alone, with no lock of this class held.
// Bounds: at most `pollee_limit` pollees; one Poll at a time, so a slow one delays the others but nothing else. A poll costs
// the logarithm of their number.
#ifndef HFTMON_DAEMON_SERVICE_POLL_THREAD_H_
#define HFTMON_DAEMON_SERVICE_POLL_THREAD_H_

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

namespace hftmon {

inline constexpr int64_t kPollIdle = std::numeric_limits<int64_t>::max();  // not before Wake
inline constexpr int64_t kPollDone = -1;                                   // never again: forget it

class Pollee {
 public:
  virtual ~Pollee() = default;
  // `now_ns` is the steady clock. Returns when it wants to be polled again (steady clock), kPollIdle or kPollDone.
  virtual int64_t Poll(int64_t now_ns) = 0;
};

class PollThread {
 public:
  // Starts the thread. It inherits the affinity of the caller, as the RPC threads do.
  explicit PollThread(size_t pollee_limit);
  // Joins the thread; pollees still there are polled no more.
  ~PollThread();
  PollThread(const PollThread&) = delete;
  PollThread& operator=(const PollThread&) = delete;

  // Polls it at once, then when it says. False at the bound. The pollee lives until Remove has returned.
  bool Add(Pollee* pollee);
  // Forgets it; after the return its Poll neither runs nor will. Must not be called from its own Poll. Unknown pollees are fine.
  void Remove(Pollee* pollee);
  // Polls it at once.
  void Wake(Pollee* pollee);

  static int64_t NowNs();

 private:
  void Run();
  void SetDue(Pollee* pollee, int64_t due_ns);  // mutex_ held; known pollees only
  void Forget(Pollee* pollee);                  // mutex_ held; unknown pollees are fine

  const size_t pollee_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;  // by_due_ or stopping_
  std::condition_variable idle_;     // running_ became null
  // The same pollees twice, so that a thousand of them cost no more a poll than ten.
  std::set<std::pair<int64_t, Pollee*>> by_due_;
  std::unordered_map<Pollee*, int64_t> due_of_;
  Pollee* running_ = nullptr;  // in Poll now
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_POLL_THREAD_H_
