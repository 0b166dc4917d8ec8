// WindowThreads: what answers about threads over a window of the store have in common (QueryContextSwitches, QueryThreads): which threads,
// the window's edges, what the answer says about it. Any thread; one call's own.
#ifndef HFTMON_DAEMON_SERVICE_WINDOW_THREADS_H_
#define HFTMON_DAEMON_SERVICE_WINDOW_THREADS_H_

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "daemon/store/thread_window.h"
#include "hftmon/v1/common.pb.h"

namespace hftmon {

// Which threads a request is about.
struct ThreadFilter {
  const TargetSelection& selection;
  std::unordered_set<uint32_t> tids;  // empty = all

  bool Keeps(const ThreadKey& thread) const { return (tids.empty() || tids.contains(thread.tid)) && selection.Keeps(thread); }
};

// Threads with activity in the window, then those that are watched and had none; by process and thread id.
std::vector<ThreadWindow> ThreadsOf(const ServiceCore& core, const ThreadFilter& filter, std::vector<ThreadWindow> active);

std::unordered_set<uint32_t> TidsOf(const std::vector<ThreadWindow>& threads);

// `begin_mono_ns`: as asked for.
void WindowAnswerToProto(const ServiceCore& core, const TargetSelection& selection, int64_t requested_ns, int64_t begin_mono_ns,
                         const Arrival& arrival, const WindowAnswer& answer, v1::Window* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_WINDOW_THREADS_H_
