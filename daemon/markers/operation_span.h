// OperationSpan: an operation of a program from its begin to its end, or the time between two heartbeats; OperationSpanSink: where they go.
#ifndef HFTMON_DAEMON_MARKERS_OPERATION_SPAN_H_
#define HFTMON_DAEMON_MARKERS_OPERATION_SPAN_H_

#include <cstdint>

namespace hftmon {

struct OperationSpan {
  uint64_t begin_tsc = 0;
  uint64_t duration_tsc = 0;
  int64_t duration_ns = 0;
  uint64_t value = 0;      // the user's, of both marks; of a heartbeat: the later one's
  uint32_t operation = 0;  // 0: unnamed
  uint32_t tid = 0;        // as MarkerRecord's
  uint16_t ring = 0;
  bool heartbeat = false;
  bool error = false;
};

// Called by the thread that drains the file, for each span when it ends: in the order of the ends within a ring.
class OperationSpanSink {
 public:
  virtual ~OperationSpanSink() = default;
  virtual void OnSpan(const OperationSpan& span) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_OPERATION_SPAN_H_
