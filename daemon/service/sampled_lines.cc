#include "daemon/service/sampled_lines.h"

#include <algorithm>
#include <utility>

namespace hftmon {

void SampledLines::Note(uint32_t pid, int64_t start_boottime_ns, const AccessSamples& samples) {
  LineSampling sampling{.pid = pid,
                        .start_boottime_ns = start_boottime_ns,
                        .begin_mono_ns = samples.begin_mono_ns,
                        .end_mono_ns = samples.end_mono_ns,
                        .lines = {}};
  for (const ContendedLine& line : samples.table.lines) {
    if (sampling.lines.size() >= kLinesMax) break;
    if (line.address == 0) continue;
    sampling.lines.push_back({.address = line.address,
                              .contended_count = line.counts.contended(),
                              .sharing = line.sharing,
                              .advice = line.advice.empty() ? "" : line.advice.front().text,
                              .begin_missing = line.begin_missing});
  }
  std::lock_guard lock(mutex_);
  last_.insert_or_assign(pid, std::move(sampling));
  if (last_.size() <= kProcessesMax) return;
  last_.erase(std::min_element(last_.begin(), last_.end(),
                               [](const auto& a, const auto& b) { return a.second.end_mono_ns < b.second.end_mono_ns; }));
}

std::vector<LineSampling> SampledLines::Within(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  std::vector<LineSampling> samplings;
  std::lock_guard lock(mutex_);
  for (const auto& [pid, sampling] : last_) {
    if (sampling.begin_mono_ns >= begin_mono_ns && sampling.end_mono_ns <= end_mono_ns) samplings.push_back(sampling);
  }
  return samplings;
}

}  // namespace hftmon
