// CheckSeries: how the figures that two runs are compared by went over a run: one value a segment of it. Counts and sums are a second's.
#ifndef HFTMON_CLIENT_CHECK_CHECK_SERIES_H_
#define HFTMON_CLIENT_CHECK_CHECK_SERIES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/check/module_result.h"

namespace hftmon {

struct CheckSeries {
  int64_t segment_ns = 0;
  // "isolation.p99_runqueue_ns" → a value for each segment that had one.
  std::map<std::string, std::vector<double>> values;

  // The compared figures of one segment's result.
  void Add(const ModuleResult& result, int64_t length_ns);
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_SERIES_H_
