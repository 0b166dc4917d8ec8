// SharedWindow: the time in which another thread's disturbance is there for the engine to run into.
//
// Threads: Open and Close: the disturbing one. Meet and IsOpen: the engine's.
// Invariant: each window is met at most once, so that there are never more meetings than windows.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_SHARED_WINDOW_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_SHARED_WINDOW_H_

#include <atomic>
#include <cstdint>

namespace hftmon::order_book {

class SharedWindow {
 public:
  // `number`: above 0, and not that of the window before.
  void Open(uint32_t number) { number_.store(number, std::memory_order_release); }  // pairs with Meet's acquire
  void Close() { number_.store(0, std::memory_order_release); }

  // Whether a window is open that the engine has not met.
  bool Meet() {
    const uint32_t number = number_.load(std::memory_order_acquire);  // pairs with Open's release
    if (number == 0 || number == met_) [[likely]]
      return false;
    met_ = number;
    return true;
  }
  // Whether the window that was met last is still open.
  bool IsOpen() const { return number_.load(std::memory_order_relaxed) == met_; }

 private:
  alignas(64) std::atomic<uint32_t> number_{0};  // 0: none is open
  alignas(64) uint32_t met_ = 0;                 // the engine's own
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_SHARED_WINDOW_H_
