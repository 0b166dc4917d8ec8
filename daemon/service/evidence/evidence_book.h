// EvidenceBook: snapshots of the programs' sums, so that a question about a window is answered by the difference of two.
//
// Kept: those of the last 10 seconds, and of the older ones the newest that is older than 20, 40, 80 … 1,280 s, about twenty in all; the
// bytes of all together are bounded, and beyond that they are thinned out, never the oldest or the newest: first those whose neighbours
// lie close by for their age. Where four still take too much the oldest go. So windows are shorter than asked for, not figures wrong. The
// newest is kept whatever it takes: about a kilobyte a thread, of all that can be watched 20 MiB.
//
// Threads: Take by one, Around by any.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_BOOK_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>

#include "daemon/service/evidence/evidence_snapshot.h"

namespace hftmon {

inline constexpr size_t kEvidenceBytesMax = 16u << 20;
inline constexpr size_t kEvidenceProcessesMax = 1024;  // of targets, those that run

class EvidenceBook {
 public:
  using Read = std::function<EvidenceSnapshot()>;  // now, with its time

  explicit EvidenceBook(Read read, size_t bytes_max = kEvidenceBytesMax) : read_(std::move(read)), bytes_max_(bytes_max) {}

  void Take();
  // From the oldest snapshot that is not before `begin_mono_ns` to one that is read now; null where none is kept: the window is shorter
  // than asked for, never longer, as what a mend ended must not be in it. `cut`: one that it could have begun with took too many bytes.
  SnapshotPair Around(int64_t begin_mono_ns) const;
  size_t bytes() const;
  size_t count() const;

 private:
  static constexpr size_t kThinnedMin = 4;  // thinned further they would be the oldest, of use to few windows, and the newest

  void DropLocked(int64_t now_mono_ns);
  // Of three or more, which is neither the oldest nor the newest.
  size_t LeastMissedLocked(int64_t now_mono_ns) const;

  const Read read_;
  const size_t bytes_max_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const EvidenceSnapshot>> kept_;   // by time
  int64_t cut_mono_ns_ = std::numeric_limits<int64_t>::min();  // of the newest that went as the oldest, for its bytes
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_BOOK_H_
