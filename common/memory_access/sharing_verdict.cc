#include "common/memory_access/sharing_verdict.h"

#include <algorithm>

namespace hftmon {

std::string_view SharingVerdictName(SharingVerdict verdict) {
  switch (verdict) {
    case SharingVerdict::kWriterNotSeen:
      return "writer_not_seen";
    case SharingVerdict::kFalse:
      return "false";
    case SharingVerdict::kTrue:
      return "true";
    case SharingVerdict::kBoth:
      return "both";
  }
  return "writer_not_seen";
}

void WriterSet::Add(uint32_t tid) {
  if (kind_ == Kind::kNone) {
    kind_ = Kind::kOne;
    tid_ = tid;
  } else if (HasOtherThan(tid)) {
    kind_ = Kind::kSeveral;
    tid_ = 0;
  }
}

void WriterSet::Add(const WriterSet& other) {
  if (other.several()) {
    *this = other;
  } else if (!other.empty()) {
    Add(other.tid_);
  }
}

AccessSharing JudgeAccess(uint32_t tid, const WriterSet& at_offset, const WriterSet& of_line) {
  if (at_offset.HasOtherThan(tid)) return AccessSharing::kTrue;
  return of_line.HasOtherThan(tid) ? AccessSharing::kFalse : AccessSharing::kNoWriter;
}

SharingSplit JudgeSharing(uint64_t contended, std::span<const OffsetContention> offsets, std::span<const ThreadContention> threads) {
  WriterSet of_line;
  for (const OffsetContention& offset : offsets) of_line.Add(offset.writers);
  SharingSplit split;
  // Where several threads wrote, whose access it was does not matter: that holds for dropped sites too.
  for (const OffsetContention& offset : offsets) {
    if (offset.writers.several()) {
      split.true_contended += offset.contended;
    } else if (offset.writers.empty() && of_line.several()) {
      split.false_contended += offset.contended;
    }
  }
  for (const ThreadContention& thread : threads) {
    const auto at = std::lower_bound(offsets.begin(), offsets.end(), thread.offset,
                                     [](const OffsetContention& offset, uint16_t wanted) { return offset.offset < wanted; });
    if (at->writers.several() || (at->writers.empty() && of_line.several())) continue;
    const AccessSharing sharing = JudgeAccess(thread.tid, at->writers, of_line);
    if (sharing == AccessSharing::kTrue) split.true_contended += thread.contended;
    if (sharing == AccessSharing::kFalse) split.false_contended += thread.contended;
  }
  split.no_writer_contended = contended - split.true_contended - split.false_contended;
  if (split.true_contended != 0 && split.false_contended != 0) {
    split.verdict = SharingVerdict::kBoth;
  } else if (split.true_contended != 0) {
    split.verdict = SharingVerdict::kTrue;
  } else if (split.false_contended != 0) {
    split.verdict = SharingVerdict::kFalse;
  }
  return split;
}

}  // namespace hftmon
