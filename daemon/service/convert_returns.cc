#include "daemon/service/convert_returns.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/duration.h"
#include "daemon/analysis/wake_up_jitter.h"
#include "daemon/control/target_options.h"
#include "daemon/service/convert_switches.h"
#include "daemon/service/floors.h"
#include "daemon/service/lateness_percentiles.h"

namespace hftmon {

ReturnGatherer::ReturnGatherer(const ServiceCore& core, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns,
                               const v1::QueryThreadsRequest& request)
    : returns_(*core.timer_returns),
      selection_(selection),
      begin_ns_(begin_ns),
      end_ns_(end_ns),
      percentiles_(LatenessPercentiles(request)),
      kept_since_ns_(begin_ns) {
  const auto& targets = selection.targets();
  if (std::none_of(targets.begin(), targets.end(), [this](const TargetInfo& target) { return WhyNot(target).empty(); })) return;
  const KeptReturns kept = returns_.Between(begin_ns, end_ns);
  kept_since_ns_ = kept.since_mono_ns;
  off_ns_ = core.status->OffWithin(kept_since_ns_, end_ns_);
  for (const TimerReturn& one : kept.returns) {
    OfThread& thread = threads_[{one.tid, one.start_ns}];
    if (one.end == SleepEnd::kTime) thread.lateness_ns.push_back(one.mono_ns - one.wake_at_mono_ns);
    thread.interrupted_count += one.end == SleepEnd::kSignal ? 1 : 0;
    thread.time_lost_count += one.end == SleepEnd::kTimeLost ? 1 : 0;
  }
}

std::string ReturnGatherer::WhyNot(const TargetInfo& target) const {
  if (const std::string refusal = returns_.refusal(); !refusal.empty()) return refusal;
  if (target.kernel_thread) return "a kernel thread returns to no program";
  if (!HasProbeGroup(target.options, kReturnsGroup)) {
    return absl::StrCat("its target does not ask: `hftmon attach ", target.pid, " --probes returns`");
  }
  return "";
}

std::string ReturnGatherer::Missing(const TargetInfo& target) const {
  std::vector<std::string> parts;
  const auto age_of = [this](int64_t mono_ns) { return FormatDuration(end_ns_ - mono_ns); };
  if (kept_since_ns_ > begin_ns_)
    parts.push_back(absl::StrCat("returns from before the last ", age_of(kept_since_ns_), " are no longer kept"));
  const auto since = target.probes_since_mono_ns.find(kReturnsGroup);
  const int64_t since_ns = since == target.probes_since_mono_ns.end() ? begin_ns_ : since->second;
  if (since_ns > std::max(kept_since_ns_, target.attached_mono_ns + kAttachingNs)) {
    parts.push_back(absl::StrCat("returns are asked for in the last ", age_of(since_ns), " of the window only"));
  }
  if (!returns_.collecting() && target.ended_mono_ns == 0) parts.push_back("the program is not attached now: `hftmon status` says why");
  if (off_ns_ > 0) parts.push_back(absl::StrCat("nothing was collected for ", FormatDuration(off_ns_), " of the window (hftmon off)"));
  return absl::StrJoin(parts, "; ");
}

void ReturnGatherer::Fill(const ThreadKey& thread, v1::ScheduledThread* out) const {
  const TargetInfo* const target = selection_.TargetOf(thread);
  if (target == nullptr) return;
  std::string why = WhyNot(*target);
  if (!why.empty()) return out->set_to_return_unavailable(why);
  const auto found = threads_.find({thread.tid, thread.start_ns});
  if (found == threads_.end()) {
    why = "it returned from no sleep until a time of CLOCK_MONOTONIC (clock_nanosleep) in the window";
  } else {
    v1::TimerReturns* returns = out->mutable_to_return();
    returns->set_ends_at("return");
    DurationsToProto(SummarizeLateness(found->second.lateness_ns, percentiles_), returns->mutable_lateness());
    returns->set_interrupted_count(found->second.interrupted_count);
    returns->set_time_lost_count(found->second.time_lost_count);
  }
  if (const std::string missing = Missing(*target); !missing.empty()) absl::StrAppend(&why, why.empty() ? "" : "; ", missing);
  if (!why.empty()) out->set_to_return_unavailable(why);
}

}  // namespace hftmon
