// UnwindProcess: unwinding in a process of its own, because it reads ELF files that the watched program chose.
//
// Whatever such a file makes of libdw (a crash, an endless loop, all its memory) ends that process, costs that one stack and is counted;
// the next stack starts another process. It ends by itself when the daemon does. Threads: one; Cancel and the counters by any. Bounds:
// kPatienceNs a stack, kMemoryBytesMax of address space, one restart a kRestartIntervalNs after a failure.
#ifndef HFTMON_DAEMON_STACKS_UNWIND_PROCESS_H_
#define HFTMON_DAEMON_STACKS_UNWIND_PROCESS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "common/monotonic_clock.h"
#include "daemon/stacks/stack_unwinder.h"

namespace hftmon {

class UnwindProcess : public StackUnwinder {
 public:
  static constexpr int64_t kPatienceNs = 1'000'000'000;
  static constexpr int64_t kRestartIntervalNs = 100'000'000;

  // `path` is the hftmon-unwind binary; `clock` outlives this object.
  UnwindProcess(std::string path, const MonotonicClock* clock) : path_(std::move(path)), clock_(clock) {}
  ~UnwindProcess() override { End(); }

  Stack Unwind(const hft_stack& record) override;
  // An Unwind that waits, and every later one, gives up within kSliceMs.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  // Processes that crashed, answered nonsense or were killed because they took too long.
  uint64_t failure_count() const { return failure_count_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kSliceMs = 20;

  bool Begin(std::string* reason);
  void End();
  bool Answer(std::string* text, std::string* reason);

  const std::string path_;
  const MonotonicClock* const clock_;
  std::string answer_;
  pid_t pid_ = -1;
  int socket_ = -1;
  int64_t failed_mono_ns_ = 0;
  std::atomic<bool> cancelled_{false};  // relaxed: a request, nothing is handed over with it
  std::atomic<uint64_t> failure_count_{0};
};

// Where hftmon-unwind lies: beside the running binary.
std::string UnwindBinaryPath();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_UNWIND_PROCESS_H_
