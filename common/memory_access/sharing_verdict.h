// The verdict on a contended line: do its threads share data (true sharing), or only the line that different data lies in (false sharing)?
// Pure functions, any thread.
//
// A contended access of a thread at an offset is true sharing where another thread wrote to that very offset, false sharing where others
// wrote to other offsets of the line alone, and without a writer where no other thread's write of the line was sampled.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_SHARING_VERDICT_H_
#define HFTMON_COMMON_MEMORY_ACCESS_SHARING_VERDICT_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace hftmon {

enum class SharingVerdict : uint8_t { kWriterNotSeen, kFalse, kTrue, kBoth };

// "writer_not_seen", "false", "true", "both".
std::string_view SharingVerdictName(SharingVerdict verdict);

// Who wrote: nobody, one thread, or several. All that a verdict asks, in bounded memory and whatever the order.
class WriterSet {
 public:
  void Add(uint32_t tid);
  void Add(const WriterSet& other);
  bool empty() const { return kind_ == Kind::kNone; }
  bool several() const { return kind_ == Kind::kSeveral; }
  bool HasOtherThan(uint32_t tid) const { return several() || (kind_ == Kind::kOne && tid_ != tid); }
  bool operator==(const WriterSet&) const = default;

 private:
  enum class Kind : uint8_t { kNone, kOne, kSeveral };
  Kind kind_ = Kind::kNone;
  uint32_t tid_ = 0;  // of kOne
};

// Of one contended access.
enum class AccessSharing : uint8_t { kNoWriter, kFalse, kTrue };
AccessSharing JudgeAccess(uint32_t tid, const WriterSet& at_offset, const WriterSet& of_line);

struct SharingSplit {
  SharingVerdict verdict = SharingVerdict::kWriterNotSeen;
  uint64_t false_contended = 0;  // contended accesses (HITM and peer); the three sum to the line's
  uint64_t true_contended = 0;
  uint64_t no_writer_contended = 0;  // with no other thread's write, or of a dropped site whose thread is not known any more

  bool operator==(const SharingSplit&) const = default;
};

// Contended accesses of one thread at one offset.
struct ThreadContention {
  uint16_t offset = 0;
  uint32_t tid = 0;
  uint64_t contended = 0;
};
// Of one offset, whichever threads: `contended` is at least the sum over its threads, more where sites were dropped.
struct OffsetContention {
  uint16_t offset = 0;
  uint64_t contended = 0;
  WriterSet writers;
};

// `contended`: of the whole line, at least the sum over the offsets. Requires ascending offsets, each once, and every offset of `threads`
// among them.
SharingSplit JudgeSharing(uint64_t contended, std::span<const OffsetContention> offsets, std::span<const ThreadContention> threads);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_SHARING_VERDICT_H_
