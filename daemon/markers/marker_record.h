// MarkerRecord: one mark of a program, validated; MarkerSink: where a file's marks go. Passive data and a seam.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_RECORD_H_
#define HFTMON_DAEMON_MARKERS_MARKER_RECORD_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace hftmon {

enum class MarkerKind : uint8_t { kThread = 1, kBegin = 2, kEnd = 3, kInstant = 4, kHeartbeat = 5 };

struct MarkerRecord {
  uint64_t tsc = 0;        // ticks of this host's counter; does not fall within one ring, is not in the future
  uint64_t value = 0;      // the user's; kThread: the tid
  uint32_t operation = 0;  // below the number of operations that OnOperation told; 0: unnamed
  uint32_t gap_count = 0;  // records of this ring that are missing right before this one: overwritten unread, or refused
  // What the program says that its thread is: a number in the program's own pid namespace, and no proof. 0: not known. Look it up among the
  // threads of this very process, never elsewhere.
  uint32_t tid = 0;
  uint16_t ring = 0;  // index of the ring in its file, below HFT_MARKER_THREADS_MAX
  MarkerKind kind = MarkerKind::kInstant;
  bool error = false;  // kEnd: the operation failed
};

// One per marker file. Called by the thread that drains it.
class MarkerSink {
 public:
  virtual ~MarkerSink() = default;
  // Before the first record of the operation. `operation` ascends by one from 1 on; `name` is valid UTF-8 without control characters.
  virtual void OnOperation(uint32_t operation, std::string_view name) = 0;
  // Records of one ring, in their order. The order of rings among one another is none.
  virtual void OnRecords(std::span<const MarkerRecord> records) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_RECORD_H_
