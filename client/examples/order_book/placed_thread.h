// PlacedThread: a thread that runs its body only once it is where it should be. Owned by one thread, which joins it.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PLACED_THREAD_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PLACED_THREAD_H_

#include <sys/types.h>

#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "client/examples/order_book/thread_place.h"

namespace hftmon::order_book {

class PlacedThread {
 public:
  PlacedThread() = default;
  // Waits for the body to return: whoever owns the thread has told it to.
  ~PlacedThread() { Join(); }
  PlacedThread(const PlacedThread&) = delete;
  PlacedThread& operator=(const PlacedThread&) = delete;

  // Returns when the thread has taken its place and `body` runs, or with the reason why it did not; then no thread is left. Once only.
  absl::Status Start(const ThreadPlace& place, std::function<void()> body);
  void Join();
  // 0 before Start.
  pid_t tid() const { return tid_; }

 private:
  std::thread thread_;
  pid_t tid_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PLACED_THREAD_H_
