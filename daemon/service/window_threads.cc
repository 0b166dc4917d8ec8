#include "daemon/service/window_threads.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "daemon/analysis/exact_percentile.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

int64_t WindowBegin(const TargetSelection& selection, int64_t requested_ns, int64_t end_mono_ns) {
  if (requested_ns > 0) return std::max<int64_t>(0, end_mono_ns - requested_ns);
  return std::min(end_mono_ns, selection.first_attached_mono_ns());
}

std::vector<ThreadWindow> ThreadsOf(const ServiceCore& core, const ThreadFilter& filter, std::vector<ThreadWindow> active) {
  std::set<ThreadKey, ThreadKeyOrder> known;
  for (const ThreadWindow& window : active) known.insert(window.thread);
  std::unordered_set<uint32_t> pids;
  for (const TargetInfo& target : filter.selection.targets()) {
    if (!pids.insert(target.pid).second) continue;
    for (const ThreadTotal& total : core.totals->AllOf(target.pid)) {
      if (!filter.Keeps(total.thread) || !known.insert(total.thread).second) continue;
      active.push_back({.thread = total.thread});
    }
  }
  std::sort(active.begin(), active.end(),
            [](const ThreadWindow& a, const ThreadWindow& b) { return ThreadKeyOrder()(a.thread, b.thread); });
  return active;
}

grpc::Status CheckTidsFound(const google::protobuf::RepeatedField<int32_t>& tids, const std::vector<ThreadWindow>& threads,
                            std::string_view verb) {
  std::unordered_set<uint32_t> found;
  for (const ThreadWindow& window : threads) found.insert(window.thread.tid);
  for (const int32_t tid : tids) {
    if (found.contains(static_cast<uint32_t>(tid))) continue;
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_THREAD",
                     absl::StrCat("thread ", tid, " is not a watched thread of the targets asked for: `hftmon ",
                                  absl::string_view(verb.data(), verb.size()), "` without -t lists them"));
  }
  return grpc::Status::OK;
}

void WindowAnswerToProto(const ServiceCore& core, const TargetSelection& selection, int64_t requested_ns, int64_t begin_mono_ns,
                         const Arrival& arrival, const WindowAnswer& answer, v1::Window* out) {
  out->set_begin_monotonic_ns(answer.begin_mono_ns);
  out->set_end_monotonic_ns(answer.end_mono_ns);
  out->set_requested_ns(requested_ns);
  out->set_resolution_ns(answer.resolution_ns);
  out->set_truncated(answer.truncated || (requested_ns > 0 && begin_mono_ns < selection.last_attached_mono_ns()));
  out->set_late(arrival.late);
  out->set_off_ns(core.status->OffWithin(answer.begin_mono_ns, answer.end_mono_ns));
}

}  // namespace hftmon
