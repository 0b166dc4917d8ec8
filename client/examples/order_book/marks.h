// Marks: the one place where the order book tells of its operations, so that a run with marks can be compared with one without.
//
// A mark is (operation, 64-bit value, begin or end); the value is the message's sequence, which no two messages share. An `order` begins in
// the gateway's thread and ends in the engine's; the others begin and end in the engine's.
//
// This build has no marker library: Open(true) is refused, and a MarkThread's calls are empty and cost nothing. Who brings the library in
// changes this file alone: Open creates the ring and registers kOperationNames, Thread makes the calling thread's handle, and Begin, End
// and Instant write a record each, without allocation or system call.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_MARKS_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_MARKS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

namespace hftmon::order_book {

enum class Operation : uint8_t {
  kOrder,   // gateway in → engine done; of every message
  kMatch,   // a limit or market order meets the book
  kCancel,  // an order is looked up and leaves the book
  kModify,  // an order is looked up and changed, or leaves and enters again
};
inline constexpr std::array<const char*, 4> kOperationNames = {"order", "match", "cancel", "modify"};

// One thread's handle. Used by that thread alone.
class MarkThread {
 public:
  void Begin(Operation, uint64_t) {}
  void End(Operation, uint64_t) {}
  void Instant(Operation, uint64_t) {}
};

class Marks {
 public:
  // Control thread, before the others start. `on` false: every call of every handle does nothing.
  static absl::StatusOr<Marks> Open(bool on) {
    if (!on) return Marks();
    return absl::UnimplementedError("--markers on: this build has no marker library: leave it off");
  }

  // Called by the thread that will use the handle. The marks outlive it.
  MarkThread Thread() { return {}; }
  bool on() const { return false; }
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_MARKS_H_
