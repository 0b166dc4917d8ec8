#include "daemon/service/convert_jitter.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/duration.h"
#include "daemon/service/convert_switches.h"
#include "daemon/service/floors.h"
#include "daemon/service/lateness_percentiles.h"

namespace hftmon {
namespace {

// Since when a floor is in force is looked for down to this.
constexpr int64_t kSinceResolutionNs = 1'000'000;

std::string AttachCommand(uint32_t pid) {
  return absl::StrCat("`hftmon attach ", pid, " --blocked 20us --probes locks`");
}

bool IsSleep(const SwitchEvent& event) {
  return !event.is_migration && event.off_cpu_ns >= 0 && EndsWithWakeUp(event.out_kind);
}

void JitterToProto(const WakeUpJitter& jitter, bool period_given, v1::Jitter* out) {
  out->set_period_ns(jitter.period_ns);
  out->set_period_given(period_given);
  out->set_source(jitter.source == JitterSource::kTimer ? "timer" : "envelope");
  DurationsToProto(jitter.lateness, out->mutable_lateness());
  out->set_missed_period_count(jitter.missed_period_count);
  out->set_ends_at("switch");
}

}  // namespace

JitterGatherer::JitterGatherer(const ServiceCore& core, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns,
                               const v1::QueryThreadsRequest& request)
    : targets_(*core.targets),
      selection_(selection),
      begin_ns_(begin_ns),
      end_ns_(end_ns),
      period_ns_(request.period_ns()),
      percentiles_(LatenessPercentiles(request)),
      covered_begin_ns_(begin_ns) {
  // Of those that have no threshold of their own it is the same.
  std::optional<Recording> without_own;
  for (const TargetInfo& target : selection.targets()) {
    if (target.options.blocked_threshold_ns > 0) {
      recordings_.push_back(RecordingOf(target));
      continue;
    }
    if (!without_own) without_own = RecordingOf(target);
    recordings_.push_back(*without_own);
  }
  // Without them there are only events of long waits: a choice of the late ones.
  const bool any = std::any_of(recordings_.begin(), recordings_.end(), [](const Recording& one) { return one.floor_ns != kNoFloor; });
  if (!any) return;
  Walk(*core.switch_events, {request.tids().begin(), request.tids().end()});
  lost_count_ = core.status->LostBetween(covered_begin_ns_, end_ns_);
  off_ns_ = core.status->OffWithin(covered_begin_ns_, end_ns_);
}

// By the floor that is in force at the end: it may not have been so all the time.
JitterGatherer::Recording JitterGatherer::RecordingOf(const TargetInfo& target) const {
  const int64_t own_ns = target.options.blocked_threshold_ns > 0 ? target.options.blocked_threshold_ns : kNoFloor;
  const auto floor_since = [&](int64_t since_ns) {
    if (own_ns == kNoFloor) return targets_.FloorsSince(since_ns).off_cpu_ns;
    const int64_t known_ns = FloorOf(targets_, target, &Targets::Floors::off_cpu_ns, since_ns, own_ns, own_ns);
    // It ran when it was asked about: what raised the floor since, its end for one, is not of the window.
    const bool is_its_time = target.ended_mono_ns == 0 && since_ns >= target.attached_mono_ns + kAttachingNs;
    return is_its_time ? std::min(known_ns, own_ns) : known_ns;
  };
  const int64_t floor_ns = floor_since(end_ns_);
  if (floor_ns == kNoFloor || floor_since(begin_ns_) <= floor_ns) return {floor_ns, begin_ns_};
  // The highest floor since a moment only falls with it.
  int64_t too_high_ns = begin_ns_;
  int64_t low_ns = end_ns_;
  while (low_ns - too_high_ns > kSinceResolutionNs) {
    const int64_t middle_ns = too_high_ns + (low_ns - too_high_ns) / 2;
    (floor_since(middle_ns) <= floor_ns ? low_ns : too_high_ns) = middle_ns;
  }
  return {floor_ns, low_ns};
}

void JitterGatherer::Walk(const SeqRing<SwitchEvent>& events, const std::unordered_set<uint32_t>& tids) {
  SwitchEvent event;
  int64_t oldest_ns = end_ns_;
  // In the order of time: the first entry before the window is the last one to look at.
  for (uint64_t left = events.end(); left > 0;) {
    if (events.Read(--left, &event) != SeqRead::kOk) {
      covered_begin_ns_ = std::max(begin_ns_, oldest_ns);
      return;
    }
    if (event.end_mono_ns < begin_ns_) return;
    oldest_ns = std::min(oldest_ns, event.end_mono_ns);
    if (event.end_mono_ns > end_ns_ || !IsSleep(event)) continue;
    if ((!tids.empty() && !tids.contains(event.thread.tid)) || !selection_.Keeps(event.thread)) continue;
    sleeps_[event.thread].push_back({.wake_up = {.out_mono_ns = event.end_mono_ns - event.off_cpu_ns,
                                                 .on_cpu_mono_ns = event.end_mono_ns,
                                                 .asked_for_mono_ns = event.wake_at_mono_ns,
                                                 .syscall = event.out_syscall},
                                     .off_cpu_ns = event.off_cpu_ns});
  }
}

std::vector<WakeUp> JitterGatherer::WakeUpsOf(const ThreadKey& thread, const Recording& recording) const {
  std::vector<WakeUp> wake_ups;
  const auto found = sleeps_.find(thread);
  if (found == sleeps_.end()) return wake_ups;
  wake_ups.reserve(found->second.size());
  for (auto sleep = found->second.rbegin(); sleep != found->second.rend(); ++sleep) {
    // Shorter ones have an event only where they ended in a long wait.
    if (sleep->off_cpu_ns > recording.floor_ns && sleep->wake_up.on_cpu_mono_ns >= recording.since_ns) wake_ups.push_back(sleep->wake_up);
  }
  return wake_ups;
}

std::string JitterGatherer::WhyNone(const JitterFinding& finding, const Recording& recording) const {
  const std::string floor = FormatDuration(recording.floor_ns);
  switch (finding.why_not) {
    case NoPeriod::kTooFewWakeUps:
      return absl::StrCat("too few wake-ups to tell a period: ", finding.wake_up_count, " ended a sleep above ", floor,
                          " in the window, it takes ", finding.needed_count,
                          ": ask for a longer window, or have shorter sleeps recorded (--blocked)");
    case NoPeriod::kTooManyGaps:
      return absl::StrCat("its wake-ups fit a period, and too many periods are without one: they may be those of sleeps up to ", floor,
                          ", which are not recorded: have them recorded (--blocked), or give its period");
    case NoPeriod::kOtherPeriod:
      return absl::StrCat("its wake-ups do not have the period of ", FormatDuration(period_ns_), " that was given");
    default:
      return "";
  }
}

std::string JitterGatherer::Missing(const Recording& recording) const {
  std::vector<std::string> parts;
  const auto age_of = [this](int64_t mono_ns) { return FormatDuration(end_ns_ - mono_ns); };
  if (overwritten()) {
    parts.push_back(absl::StrCat("switches from before the last ", age_of(covered_begin_ns_),
                                 " of the window are no longer kept (the daemon's setting switch_history)"));
  }
  if (recording.since_ns > covered_begin_ns_) {
    parts.push_back(absl::StrCat("sleeps above ", FormatDuration(recording.floor_ns), " are recorded for the last ",
                                 age_of(recording.since_ns), " of the window only"));
  }
  if (lost_count_ > 0)
    parts.push_back(absl::StrCat(lost_count_, " records of the window were lost: what looks missed may have been there"));
  if (off_ns_ > 0) parts.push_back(absl::StrCat("nothing was collected for ", FormatDuration(off_ns_), " of the window (hftmon off)"));
  return absl::StrJoin(parts, "; ");
}

void JitterGatherer::Fill(const ThreadKey& thread, v1::ScheduledThread* out) const {
  const TargetInfo* const target = selection_.TargetOf(thread);
  if (target == nullptr) return;
  const Recording& recording = recordings_[static_cast<size_t>(target - selection_.targets().data())];
  if (recording.floor_ns == kNoFloor) {
    out->set_jitter_unavailable(absl::StrCat("sleeps are not recorded: ", AttachCommand(target->pid)));
    return;
  }
  const JitterFinding finding = FindJitter(WakeUpsOf(thread, recording), period_ns_, percentiles_);
  std::string why = finding.jitter ? "" : WhyNone(finding, recording);
  if (finding.jitter) JitterToProto(*finding.jitter, period_ns_ > 0, out->mutable_jitter());
  // Not of one that was found not to be periodic, by enough wake-ups.
  const std::string missing = finding.jitter || !why.empty() ? Missing(recording) : "";
  if (!missing.empty()) absl::StrAppend(&why, why.empty() ? "" : "; ", missing);
  if (!why.empty()) out->set_jitter_unavailable(why);
}

}  // namespace hftmon
