#include "daemon/hardware_evidence_book.h"

#include <algorithm>

#include "daemon/hardware_readings.h"

namespace hftmon {
namespace {

constexpr int64_t kSiblingsKeptNs = 1'000'000'000;  // CPUs go offline

int64_t EndOf(const Spike& spike) {
  return spike.start_mono_ns + spike.duration_ns;
}

bool IsEmpty(const HardwareEvidence& evidence) {
  return !evidence.reading_span_ns && std::none_of(evidence.siblings.begin(), evidence.siblings.end(),
                                                   [](const SiblingBusy& sibling) { return sibling.busy_ns.has_value(); });
}

}  // namespace

HardwareEvidenceBook::HardwareEvidenceBook(Parts parts) : parts_(std::move(parts)) {}

void HardwareEvidenceBook::Look() {
  const SeqRing<Spike>& ended = parts_.spikes->ended();
  const uint64_t end = ended.end();
  const int64_t now_ns = parts_.clock->NowNs();
  const bool collecting = parts_.collecting();
  {
    std::lock_guard lock(mutex_);
    attached_mono_ns_ = collecting ? std::optional<int64_t>(attached_mono_ns_.value_or(now_ns)) : std::nullopt;
  }
  if (!collecting) {
    next_ = end;
    waiting_.clear();
    return;
  }
  Readings readings;
  LookAtWaiting(now_ns, &readings);
  next_ = std::max(next_, end > kSpikesPerLookMax ? end - kSpikesPerLookMax : 0);
  Spike spike;
  for (; next_ < end; ++next_) {
    if (ended.Read(next_, &spike) != SeqRead::kOk) continue;
    const HardwareEvidence evidence = Gather(spike, &readings);
    Note(spike, evidence);
    if (!evidence.reading_span_ns && waiting_.size() < kSpikesMax) waiting_.push_back(spike);
  }
}

void HardwareEvidenceBook::LookAtWaiting(int64_t now_ns, Readings* readings) {
  std::erase_if(waiting_, [&](const Spike& spike) {
    HardwareEvidence bounds = BoundsOf(spike, readings);
    if (!bounds.reading_span_ns) return now_ns - EndOf(spike) > kPatienceNs;
    std::lock_guard lock(mutex_);
    const auto noted = evidence_.find(spike.id);
    if (noted == evidence_.end()) return true;  // newer ones took its place
    bounds.siblings = std::move(noted->second.siblings);
    noted->second = std::move(bounds);
    return true;
  });
}

void HardwareEvidenceBook::Note(const Spike& spike, const HardwareEvidence& evidence) {
  std::lock_guard lock(mutex_);
  if (evidence_.insert_or_assign(spike.id, evidence).second) ids_.push_back(spike.id);
  if (ids_.size() <= kSpikesMax) return;
  evidence_.erase(ids_.front());
  ids_.pop_front();
}

std::optional<HardwareEvidence> HardwareEvidenceBook::Of(const Spike& spike) const {
  if (spike.in_progress) return std::nullopt;
  const std::optional<HardwareEvidence> noted = NotedOf(spike);
  const bool is_whole = noted && (noted->reading_span_ns || !parts_.collecting());
  if (is_whole) return IsEmpty(*noted) ? std::nullopt : noted;
  if (!parts_.collecting()) return std::nullopt;
  Readings readings;
  HardwareEvidence now = BoundsOf(spike, &readings);
  if (noted) {
    now.siblings = noted->siblings;  // their logs were less overwritten then
    if (now.reading_span_ns) Complete(spike, now);
  } else if (parts_.clock->NowNs() - EndOf(spike) <= kPatienceNs) {
    AddSiblings(spike, &now);
  }
  return IsEmpty(now) ? std::nullopt : std::optional<HardwareEvidence>(std::move(now));
}

std::optional<HardwareEvidence> HardwareEvidenceBook::NotedOf(const Spike& spike) const {
  std::lock_guard lock(mutex_);
  const auto noted = evidence_.find(spike.id);
  return noted == evidence_.end() ? std::nullopt : std::optional<HardwareEvidence>(noted->second);
}

// A CPU that neither ticks nor idles may take the reading long after it was waited for.
void HardwareEvidenceBook::Complete(const Spike& spike, const HardwareEvidence& evidence) const {
  std::lock_guard lock(mutex_);
  if (const auto noted = evidence_.find(spike.id); noted != evidence_.end()) noted->second = evidence;
}

HardwareEvidence HardwareEvidenceBook::Gather(const Spike& spike, Readings* readings) const {
  HardwareEvidence evidence = BoundsOf(spike, readings);
  AddSiblings(spike, &evidence);
  return evidence;
}

void HardwareEvidenceBook::AddSiblings(const Spike& spike, HardwareEvidence* evidence) const {
  for (const int sibling : SiblingsOf(spike)) evidence->siblings.push_back(BusyOf(sibling, spike));
}

HardwareEvidence HardwareEvidenceBook::BoundsOf(const Spike& spike, Readings* readings) const {
  if (spike.cpu >= parts_.view.hardware.size()) return {};
  if (!MaySurround(parts_.view.hardware[spike.cpu], spike.start_mono_ns, EndOf(spike))) return {};
  const auto [entry, is_new] = readings->try_emplace(spike.cpu);
  if (is_new) entry->second = CopyReadings(parts_.view.hardware[spike.cpu]);
  return EvidenceOf(entry->second, spike.start_mono_ns, EndOf(spike));
}

SiblingBusy HardwareEvidenceBook::BusyOf(int sibling, const Spike& spike) const {
  SiblingBusy unknown;
  unknown.cpu = sibling;
  const int64_t now_ns = parts_.clock->NowNs();
  std::optional<RunQueueClock> clock = ClockOf(sibling, now_ns);
  if (!clock && parts_.one_clock) clock = ClockOf(spike.cpu, now_ns);
  if (!clock || static_cast<size_t>(sibling) >= parts_.view.cpus.size()) return unknown;
  SiblingBusy busy = BusyWithin(CopyRunners(parts_.view.cpus[static_cast<size_t>(sibling)]), spike.start_mono_ns - clock->offset_ns,
                                EndOf(spike) - clock->offset_ns);
  busy.cpu = sibling;
  busy.error_ns = clock->error_ns;
  return busy;
}

std::optional<RunQueueClock> HardwareEvidenceBook::ClockOf(int cpu, int64_t now_mono_ns) const {
  for (const RunQueueClock& clock : parts_.clocks(now_mono_ns)) {
    if (clock.cpu == cpu) return clock;
  }
  return std::nullopt;
}

std::vector<int> HardwareEvidenceBook::SiblingsOf(const Spike& spike) const {
  const int64_t now_ns = parts_.clock->NowNs();
  std::lock_guard lock(mutex_);
  if (!attached_mono_ns_ || spike.start_mono_ns < *attached_mono_ns_) return {};
  if (now_ns - siblings_read_mono_ns_ > kSiblingsKeptNs) {
    siblings_.clear();
    siblings_read_mono_ns_ = now_ns;
  }
  const auto [entry, is_new] = siblings_.try_emplace(spike.cpu);
  if (is_new) entry->second = parts_.siblings_of(spike.cpu);
  return entry->second;
}

}  // namespace hftmon
