#include "daemon/service/evidence/spike_tally.h"

#include <algorithm>
#include <functional>

namespace hftmon {

void SpikeTally::Add(const Spike& spike, int64_t part_ns) {
  Add(spike.id, spike.start_mono_ns, spike.start_mono_ns + spike.duration_ns, part_ns);
  inconclusive_ |= spike.inconclusive;
  runners_truncated_ |= spike.runners_truncated;
  cpus_.insert(spike.cpu);
}

void SpikeTally::Add(uint64_t spike_id, int64_t begin_mono_ns, int64_t end_mono_ns, int64_t part_ns) {
  begin_mono_ns_ = count_ == 0 ? begin_mono_ns : std::min(begin_mono_ns_, begin_mono_ns);
  end_mono_ns_ = std::max(end_mono_ns_, end_mono_ns);
  ++count_;
  sum_ns_ += part_ns;
  longest_ns_ = std::max(longest_ns_, part_ns);
  const std::pair<int64_t, uint64_t> one(part_ns, spike_id);
  longest_.insert(std::upper_bound(longest_.begin(), longest_.end(), one, std::greater<>()), one);
  if (longest_.size() > kFactSpikeIdsMax) longest_.pop_back();
}

void SpikeTally::ToFact(Fact* fact) const {
  fact->values[FactField::kCount] = count_;
  fact->values[FactField::kSumNs] = sum_ns_;
  fact->values[FactField::kLongestNs] = longest_ns_;
  EvidenceToFact(fact);
}

void SpikeTally::EvidenceToFact(Fact* fact) const {
  if (count_ == 0) return;
  // One that ended in the window may have begun before it: what is told is of the window.
  fact->evidence.begin_mono_ns = std::max(fact->evidence.begin_mono_ns, begin_mono_ns_);
  fact->evidence.end_mono_ns = std::min(fact->evidence.end_mono_ns, end_mono_ns_);
  for (const auto& [duration_ns, id] : longest_) fact->evidence.spike_ids.push_back(id);
  fact->quality.inconclusive |= inconclusive_;
  fact->quality.truncated |= runners_truncated_;
}

const Cause* LongestCause(const Spike& spike, CauseKind kind) {
  const Cause* longest = nullptr;
  for (size_t i = 0; i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    const Cause& cause = spike.causes[i];
    if (cause.kind == kind && (longest == nullptr || cause.duration_ns > longest->duration_ns)) longest = &cause;
  }
  return longest;
}

}  // namespace hftmon
