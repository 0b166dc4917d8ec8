#include "daemon/service/sampled_lines.h"

#include <algorithm>
#include <utility>

namespace hftmon {
namespace {

// Addresses from here on are the kernel's.
constexpr uint64_t kKernelBegin = uint64_t{1} << 63;

LineHeat HeatOfTable(const AccessSamples& samples) {
  LineHeat heat{.begin_mono_ns = samples.begin_mono_ns,
                .end_mono_ns = samples.end_mono_ns,
                .line_bytes = samples.table.line_bytes,
                .lines = {},
                .left_out_count = samples.table.busy_line_count};
  for (const BusyLine& line : samples.table.busy_lines) {
    if (line.address < kKernelBegin) heat.lines.push_back(line);
  }
  heat.left_out_count -= heat.lines.size();
  return heat;
}

}  // namespace

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
  Kept kept{.contended = std::move(sampling), .heat = HeatOfTable(samples)};
  std::lock_guard lock(mutex_);
  last_.insert_or_assign(pid, std::move(kept));
  if (last_.size() <= kProcessesMax) return;
  last_.erase(std::min_element(last_.begin(), last_.end(),
                               [](const auto& a, const auto& b) { return a.second.heat.end_mono_ns < b.second.heat.end_mono_ns; }));
}

std::vector<LineSampling> SampledLines::Within(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  std::vector<LineSampling> samplings;
  std::lock_guard lock(mutex_);
  for (const auto& [pid, kept] : last_) {
    const LineSampling& sampling = kept.contended;
    if (sampling.begin_mono_ns >= begin_mono_ns && sampling.end_mono_ns <= end_mono_ns) samplings.push_back(sampling);
  }
  return samplings;
}

std::optional<LineHeat> SampledLines::HeatOf(uint32_t pid, int64_t start_boottime_ns) const {
  std::lock_guard lock(mutex_);
  const auto found = last_.find(pid);
  if (found == last_.end() || found->second.contended.start_boottime_ns != start_boottime_ns) return std::nullopt;
  return found->second.heat;
}

}  // namespace hftmon
