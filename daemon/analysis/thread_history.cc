#include "daemon/analysis/thread_history.h"

#include <algorithm>

namespace hftmon {
namespace {

void AddMigration(const SwitchEvent& event, const EventWindow& edges, const WindowAnswer& answer, ThreadHistory* history) {
  if (!edges.Holds(event.end_mono_ns)) ++history->edge_count;
  if (event.end_mono_ns < answer.begin_mono_ns || event.end_mono_ns >= answer.end_mono_ns) return;
  history->migrations.push_back({.mono_ns = event.end_mono_ns, .from_cpu = event.cpu_out, .to_cpu = event.cpu_in});
}

void AddInterval(const SwitchEvent& event, int64_t begin_ns, ThreadHistory* history) {
  const int64_t start_ns = event.end_mono_ns - event.off_cpu_ns;
  if (event.off_cpu_ns < 0 || event.end_mono_ns < begin_ns || start_ns >= begin_ns) return;
  history->off_before_ns = begin_ns - start_ns;
  history->wait_before_ns = std::max<int64_t>(begin_ns - (event.end_mono_ns - event.wait_ns), 0);
}

}  // namespace

HistoryOfThreads CollectHistory(const SeqRing<SwitchEvent>& events, const WindowAnswer& answer,
                                const std::function<bool(const ThreadKey&)>& keeps) {
  HistoryOfThreads found;
  const EventWindow edges(answer);
  SwitchEvent event;
  uint64_t left = kHistoryEventsMax;
  for (uint64_t index = events.end(); index > 0; --index) {
    if (left-- == 0 || events.Read(index - 1, &event) != SeqRead::kOk) {
      found.truncated = true;
      break;
    }
    // The history is in the order of time.
    if (event.end_mono_ns < edges.begin_first_ns) break;
    if (!keeps(event.thread)) continue;
    if (!event.is_migration) {
      AddInterval(event, answer.begin_mono_ns, &found.threads[event.thread]);
    } else if (edges.MayHold(event.end_mono_ns)) {
      AddMigration(event, edges, answer, &found.threads[event.thread]);
    }
  }
  for (auto& [thread, history] : found.threads) std::reverse(history.migrations.begin(), history.migrations.end());
  return found;
}

}  // namespace hftmon
