// SpanFiles: where the spans of marker files go besides into the sums of their operations. A seam.
#ifndef HFTMON_DAEMON_MARKERS_SPAN_FILES_H_
#define HFTMON_DAEMON_MARKERS_SPAN_FILES_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "daemon/markers/marker_ring_name.h"
#include "daemon/markers/operation_span.h"

namespace hftmon {

// One file's. By the reader's thread.
class SpanFile : public OperationSpanSink {
 public:
  // Before the first span of the operation.
  virtual void OnOperation(uint32_t operation, std::string_view name) = 0;
  // No span comes any more.
  virtual void End() = 0;
  // 1, 2, 3 ... in the order of their beginnings. Any thread.
  virtual uint64_t id() const = 0;
};

// By the reader's thread.
class SpanFiles {
 public:
  virtual ~SpanFiles() = default;
  virtual std::shared_ptr<SpanFile> Begin(const MarkerRingName& name) = 0;
  // All files had their turn. True while there is something to do soon: the next turn is not to be put off.
  virtual bool EndTurn() = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_SPAN_FILES_H_
