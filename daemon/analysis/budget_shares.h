// BudgetShares: hands out a spike's nanoseconds to whoever had them: nobody gets more than what is left, so the sums are exact by
// construction.
//
// One budget at a time, no allocation, bounded by kSharesMax. Used by the housekeeping thread.
#ifndef HFTMON_DAEMON_ANALYSIS_BUDGET_SHARES_H_
#define HFTMON_DAEMON_ANALYSIS_BUDGET_SHARES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/analysis/spike.h"

namespace hftmon {

// Whom a nanosecond is given to. Two keys with the same kind, tid, source and number are one actor.
struct ShareKey {
  CauseKind kind = CauseKind::kThread;
  uint32_t tid = 0;                               // kThread
  uint32_t tgid = 0;                              // kThread
  hft_interrupt_source source = HFT_SOURCE_NONE;  // kNmi, kHardIrq, kSoftirq
  uint16_t number = 0;
  const char* name = nullptr;  // of a device's handler; HFT_HANDLER_NAME_LENGTH bytes that outlive the shares
};

class BudgetShares {
 public:
  static constexpr size_t kOtherKinds = 3;  // kWaking, kMigrating, kBlocked
  static constexpr size_t kSharesMax = kRunnerSpansMax + kInterruptSpansMax + kOtherKinds;

  explicit BudgetShares(int64_t duration_ns) : left_ns_(duration_ns) {}

  // Gives `duration_ns`, at most `limit_ns` and at most what is left; returns what was given.
  int64_t Give(const ShareKey& key, uint16_t cpu, int64_t duration_ns, int64_t limit_ns);
  // Takes nanoseconds out of the partition: they stay unexplained.
  void Withhold(int64_t duration_ns);

  int64_t left_ns() const { return left_ns_; }
  int64_t unexplained_ns() const { return left_ns_ + withheld_ns_; }

  // Sets the spike's causes (largest first), cause_count and unexplained_ns. Actors beyond what fits are one cause of their kind, `others`.
  // `prev_tid` is the thread whose name is `prev_comm`; `syscall` is the call it was blocked in.
  struct Context {
    uint16_t cpu = 0;
    uint32_t prev_tid = 0;
    const char* prev_comm = nullptr;  // HFT_COMM_LENGTH bytes, or nullptr
    int32_t syscall = -1;
  };
  void Write(const Context& context, Spike* spike);

 private:
  // What one actor, or one kind without actor, has of the spike.
  struct Share {
    ShareKey key;
    uint16_t cpu;  // of its longest part
    uint16_t run_count;
    bool others;
    int64_t duration_ns;
    int64_t longest_ns;
  };

  static bool LargerFirst(const Share& a, const Share& b);
  Share& Find(const ShareKey& key, uint16_t cpu);
  void SumSmallActors(uint16_t cpu);
  static void WriteCause(const Share& share, const Context& context, Cause* cause);

  int64_t left_ns_;
  int64_t withheld_ns_ = 0;
  size_t count_ = 0;
  std::array<Share, kSharesMax> shares_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_BUDGET_SHARES_H_
