// Marks: the one place where the order book tells hftmon of its operations, so that a run with marks can be compared with one without.
//
// A mark is (operation, 64-bit value, kind, cycle counter); the value is the message's sequence, which no two messages share.
//   order    begin and end, the engine's: from when it turned to the message until it was done
//   match, cancel, modify  begin and end within their order: the book's own work, after what an injection does to the engine
//   sent     instant, the gateway's
//   engine   heartbeat, the engine's: every 10 us or so, whether it has work or not; a longer gap between two is time that it had not
// Ranges: book (the levels of all prices), pool (the orders that rest), queue (what the gateway hands over): where they lie is told by
// name. Cost: nearly all of a mark is its reading of the counter. So the marks of an order are stamped with readings that gateway and
// engine make anyhow; only kAll makes one more. Nobody waits for a reader: a ring keeps its latest marks and writes over the oldest.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_MARKS_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_MARKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "client/examples/order_book/time_stamp_counter.h"
#include "client/marker/hftmon_marker.h"
#include "client/marker/marker_range.h"

namespace hftmon::order_book {

enum class Operation : uint8_t {
  kOrder,   // engine in → engine done; of every message
  kMatch,   // a limit or market order meets the book
  kCancel,  // an order is looked up and leaves the book
  kModify,  // an order is looked up and changed, or leaves and enters again
  kSent,    // the gateway hands a message to the queue
  kEngine,  // the engine's loop turns
};
inline constexpr size_t kOperations = 6;
inline constexpr std::array<const char*, kOperations> kOperationNames = {"order", "match", "cancel", "modify", "sent", "engine"};

enum class MarkLevel : uint8_t {
  kOff,
  kOrder,  // order, sent and engine
  kAll,    // match, cancel and modify too
};

// One thread's handle. Used by that thread alone; `tsc` never lies before that of its mark before. Default: every call does nothing.
class alignas(HFT_MARKER_LINE_BYTES) MarkThread {
 public:
  static constexpr uint32_t kIdleTurnsPerLook = 16;  // a power of two

  MarkThread() = default;
  // `thread` may be nullptr. `beat_ticks`: between two heartbeats at least.
  MarkThread(hftmon_marker_thread* thread, const std::array<uint32_t, kOperations>& ids, MarkLevel level, uint64_t beat_ticks)
      : thread_(thread), ids_(ids), all_(thread != nullptr && level == MarkLevel::kAll), beat_ticks_(beat_ticks) {}

  bool on() const { return thread_ != nullptr; }
  // Whether the parts of an order are marked.
  bool all() const { return all_; }

  void BeginOrder(uint64_t sequence, uint64_t tsc) { Put(Operation::kOrder, sequence, HFT_MARKER_BEGIN, tsc); }
  void EndOrder(uint64_t sequence, uint64_t tsc) {
    Put(Operation::kOrder, sequence, HFT_MARKER_END, tsc);
    BeatIfDue(sequence, tsc);
  }
  // Within an order.
  void BeginPart(Operation operation, uint64_t sequence) { Put(operation, sequence, HFT_MARKER_BEGIN, ReadTsc()); }
  void EndPart(Operation operation, uint64_t sequence, uint64_t tsc) { Put(operation, sequence, HFT_MARKER_END, tsc); }
  void Sent(uint64_t sequence, uint64_t tsc) {
    if (on()) Put(Operation::kSent, sequence, HFT_MARKER_INSTANT, tsc);
  }
  // With each turn without a message; `sequence` is of the latest.
  void Idle(uint64_t sequence) {
    if (on() && (++idle_turns_ & (kIdleTurnsPerLook - 1)) == 0) BeatIfDue(sequence, ReadTsc());
  }

  // Marks in the ring since it was made, the one that announces the thread included. By the thread, or after it has ended.
  uint64_t record_count() const { return hftmon_marker_published_count(thread_); }

 private:
  void Put(Operation operation, uint64_t value, uint8_t kind, uint64_t tsc) {
    hftmon_marker_put_at(thread_, tsc, ids_[static_cast<size_t>(operation)], value, kind, HFT_MARKER_OK);
  }

  void BeatIfDue(uint64_t sequence, uint64_t tsc) {
    if (tsc - beat_tsc_ < beat_ticks_) [[likely]]
      return;
    beat_tsc_ = tsc;
    Put(Operation::kEngine, sequence, HFT_MARKER_HEARTBEAT, tsc);
  }

  hftmon_marker_thread* thread_ = nullptr;
  std::array<uint32_t, kOperations> ids_{};
  bool all_ = false;
  uint32_t idle_turns_ = 0;
  uint64_t beat_ticks_ = 0;
  uint64_t beat_tsc_ = 0;
};

// The process's rings. Constructed, asked and destroyed by the control thread, which joins the threads that mark before.
class Marks {
 public:
  struct Plan {
    MarkLevel level = MarkLevel::kOff;
    std::string directory;        // empty: where the daemon looks
    double ticks_per_second = 0;  // of the cycle counter
  };

  // Where no ring can be made there are no marks, and reason() says why.
  explicit Marks(const Plan& plan);
  ~Marks();
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;

  // Called by the thread that will use the handle, before it is in a hurry: system calls, and the ring is touched. The marks outlive it.
  // Each slot is one thread's. Where the thread has no ring its marks do nothing.
  MarkThread* OpenGateway() { return Open(&gateway_); }
  MarkThread* OpenEngine() { return Open(&engine_); }

  // Tells where that memory lies as long as the object lives, which ends before the memory and the marks. Before any thread is in a hurry:
  // system calls. Where there are no marks, or no room, nothing is told.
  MarkerRange Name(const char* name, std::span<const std::byte> memory) { return MarkerRange(marker_, name, memory.data(), memory.size()); }

  // The rest after the threads have ended. Whether each thread that asked for one had its ring.
  bool on() const { return marker_ != nullptr && gateway_.error == 0 && engine_.error == 0; }
  // Empty when on, or never wanted.
  std::string reason() const;
  // Marks in the rings, one for each thread included.
  uint64_t record_count() const;

 private:
  struct Slot {
    MarkThread thread;
    int error = 0;  // errno; each slot is written by its thread alone
  };

  MarkThread* Open(Slot* slot);

  const Plan plan_;
  hftmon_marker* marker_ = nullptr;
  int error_ = 0;
  std::array<uint32_t, kOperations> ids_{};
  Slot gateway_;
  Slot engine_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_MARKS_H_
