// Which spikes of a recording count, and for how long, where their time is summed: no moment of a thread counts twice. Pure, any thread.
//
// Of a thread's spikes that overlap, the one that began first counts whole (of two that begin together the longer one), a later one from
// where that ends on. CountedByDefault leaves out `blocked`, because a sleep is a loss only where the thread had work, and `operation` and
// `gap`, whose time is that of the same stalls again and what the operation takes anyway.
#ifndef HFTMON_CLIENT_EXPORT_COUNTED_STALLS_H_
#define HFTMON_CLIENT_EXPORT_COUNTED_STALLS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "client/recording/recording.h"

namespace hftmon {

// Every kind a spike can have, and those that count unless somebody says otherwise.
const std::vector<std::string>& SpikeKinds();
const std::set<std::string>& CountedByDefault();

struct CountedStall {
  const RecordedSpike* spike = nullptr;  // of the recording
  int64_t counted_ns = 0;                // of its duration; above 0

  // So much of a cause's time, or of what is unexplained, counts.
  double Part(int64_t ns) const {
    return static_cast<double>(ns) * static_cast<double>(counted_ns) / static_cast<double>(spike->duration_ns);
  }
};

// By start.
std::vector<CountedStall> CountedStalls(const Recording& recording, const std::set<std::string>& kinds);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_COUNTED_STALLS_H_
