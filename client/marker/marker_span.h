// MarkerSpan: an operation that lasts as long as a scope. The C++ face of hftmon_marker.h; nothing of it is in the library.
//
// Threads: made and ended by the handle's thread. Cost: a record at each end. A scope that an exception leaves ends as it would by return:
// say Fail() before the throw where it counts as an error.
#ifndef HFTMON_CLIENT_MARKER_MARKER_SPAN_H_
#define HFTMON_CLIENT_MARKER_MARKER_SPAN_H_

#include <cstdint>

#include "client/marker/hftmon_marker.h"

namespace hftmon {

class MarkerSpan {
 public:
  // `thread` may be nullptr: nothing is marked. It outlives the span.
  MarkerSpan(hftmon_marker_thread* thread, uint32_t operation, uint64_t value) : thread_(thread), value_(value), operation_(operation) {
    hftmon_marker_begin(thread_, operation_, value_);
  }
  ~MarkerSpan() { hftmon_marker_put(thread_, operation_, value_, HFT_MARKER_END, status_); }
  MarkerSpan(const MarkerSpan&) = delete;
  MarkerSpan& operator=(const MarkerSpan&) = delete;

  // The operation ends as an error.
  void Fail() { status_ = HFT_MARKER_ERROR; }

 private:
  hftmon_marker_thread* const thread_;
  const uint64_t value_;
  const uint32_t operation_;
  uint8_t status_ = HFT_MARKER_OK;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_MARKER_MARKER_SPAN_H_
