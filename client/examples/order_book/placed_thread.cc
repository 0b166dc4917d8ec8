#include "client/examples/order_book/placed_thread.h"

#include <unistd.h>

#include <future>
#include <utility>

namespace hftmon::order_book {

absl::Status PlacedThread::Start(const ThreadPlace& place, std::function<void()> body) {
  std::promise<std::pair<absl::Status, pid_t>> placed;
  std::future<std::pair<absl::Status, pid_t>> answer = placed.get_future();
  thread_ = std::thread([&placed, place, body = std::move(body)] {
    const absl::Status status = TakePlace(place);
    // The promise lives no longer than until its value is there.
    std::promise<std::pair<absl::Status, pid_t>> own = std::move(placed);
    own.set_value({status, gettid()});
    if (status.ok()) body();
  });
  auto [status, tid] = answer.get();
  if (!status.ok()) {
    thread_.join();
    return status;
  }
  tid_ = tid;
  return absl::OkStatus();
}

void PlacedThread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace hftmon::order_book
