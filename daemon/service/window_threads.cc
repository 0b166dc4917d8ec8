#include "daemon/service/window_threads.h"

#include <algorithm>
#include <set>

namespace hftmon {

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

std::unordered_set<uint32_t> TidsOf(const std::vector<ThreadWindow>& threads) {
  std::unordered_set<uint32_t> tids;
  for (const ThreadWindow& window : threads) tids.insert(window.thread.tid);
  return tids;
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
