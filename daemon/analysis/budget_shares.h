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

// Whom a nanosecond is given to: two keys with the same identity are one actor. One word, and no defaults: the table of shares is as long
// as the longest record, and a budget that writes two of them must not pay for all.
struct ShareKey {
  uint64_t identity;  // from the highest bits: kind, source, number, tid; in this order they sort
  uint32_t tgid;      // kThread, and the sender's
  const char* name;   // of a device's handler, or the sender's; HFT_HANDLER_NAME_LENGTH bytes that outlive the shares

  static constexpr ShareKey OfKind(CauseKind kind) { return {uint64_t{static_cast<uint8_t>(kind)} << 56, 0, nullptr}; }
  static constexpr ShareKey OfThread(uint32_t tid, uint32_t tgid) { return {OfKind(CauseKind::kThread).identity | tid, tgid, nullptr}; }
  static constexpr ShareKey OfInterrupt(CauseKind kind, hft_interrupt_source source, uint16_t number, const char* name,
                                        uint32_t sender_tid = 0, uint32_t sender_tgid = 0) {
    return {OfKind(kind).identity | uint64_t{static_cast<uint8_t>(source)} << 48 | uint64_t{number} << 32 | sender_tid, sender_tgid, name};
  }

  constexpr CauseKind kind() const { return static_cast<CauseKind>(identity >> 56); }
  constexpr hft_interrupt_source source() const { return static_cast<hft_interrupt_source>(identity >> 48 & 0xff); }
  constexpr uint16_t number() const { return static_cast<uint16_t>(identity >> 32); }
  constexpr uint32_t tid() const { return static_cast<uint32_t>(identity); }
};
static_assert(HFT_SOURCES <= 256);

class BudgetShares {
 public:
  static constexpr size_t kOtherKinds = 12;  // kWaking … kMigration; handlers that are not told apart, of 3 levels
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
  Share* Find(const ShareKey& key);
  void SumSmallActors(uint16_t cpu);
  static void WriteCause(const Share& share, const Context& context, Cause* cause);

  int64_t left_ns_;
  int64_t withheld_ns_ = 0;
  size_t count_ = 0;
  std::array<Share, kSharesMax> shares_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_BUDGET_SHARES_H_
