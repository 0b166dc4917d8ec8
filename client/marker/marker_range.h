// SPDX-License-Identifier: Apache-2.0
// MarkerRange: a piece of memory that has a name for hftmon as long as the object lives. C++17.
//
// One of the object's threads at a time. The memory outlives the object, and so does the marker; a marker that is NULL, and a range that
// there is no room for, make it do nothing. Stands behind the memory that it names, so that it is destroyed before.
#ifndef HFTMON_CLIENT_MARKER_MARKER_RANGE_H_
#define HFTMON_CLIENT_MARKER_MARKER_RANGE_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "client/marker/hftmon_marker.h"

namespace hftmon {

class MarkerRange {
 public:
  MarkerRange(hftmon_marker* marker, const char* name, const void* address, std::size_t bytes)
      : marker_(marker), range_(hftmon_marker_range(marker, name, address, bytes)), error_(range_ == 0 ? errno : 0) {}
  ~MarkerRange() { hftmon_marker_range_end(marker_, range_); }
  MarkerRange(const MarkerRange&) = delete;
  MarkerRange& operator=(const MarkerRange&) = delete;

  // 0, or the errno of hftmon_marker_range.
  int error() const { return error_; }

 private:
  hftmon_marker* const marker_;
  const uint32_t range_;
  const int error_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_MARKER_MARKER_RANGE_H_
