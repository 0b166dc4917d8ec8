#include "daemon/analysis/exact_percentile.h"

#include <algorithm>
#include <iterator>

namespace hftmon {
namespace {

void CopyOfBucket(const std::vector<int64_t>& durations_ns, size_t bucket, std::vector<int64_t>* out) {
  std::copy_if(durations_ns.begin(), durations_ns.end(), std::back_inserter(*out),
               [bucket](int64_t duration_ns) { return BucketOf(duration_ns) == bucket; });
}

}  // namespace

EventWindow::EventWindow(const WindowAnswer& answer)
    : begin_first_ns(answer.begin_mono_ns - kClockSlackNs),
      begin_last_ns(answer.begin_mono_ns + answer.begin_read_ns + kClockSlackNs),
      end_first_ns(answer.end_mono_ns - kClockSlackNs),
      end_last_ns(answer.end_mono_ns + answer.end_read_ns + kClockSlackNs) {}

std::optional<int64_t> EventDurations::At(const PercentilePlace& place) const {
  std::vector<int64_t> values_ns;
  CopyOfBucket(inside_, place.bucket, &values_ns);
  // All that are surely inside are in the histogram: as many as it has leave no room for one at an edge.
  if (values_ns.size() < place.bucket_count && BucketLowerNs(place.bucket) > edges_above_ns_)
    CopyOfBucket(at_edge_, place.bucket, &values_ns);
  if (values_ns.size() != place.bucket_count) return std::nullopt;
  const auto at = values_ns.begin() + static_cast<std::ptrdiff_t>(place.rank - 1);
  std::nth_element(values_ns.begin(), at, values_ns.end());
  return *at;
}

void ThreadEvents::Add(const SwitchEvent& event, const EventWindow& window) {
  if (event.is_migration || event.is_end || !window.MayHold(event.end_mono_ns)) return;
  const bool inside = window.Holds(event.end_mono_ns);
  run_queue.Add(event.wait_ns, inside);
  // Its beginning was not seen: it is in the other histogram only.
  if (event.off_cpu_ns >= 0) off_cpu.Add(event.off_cpu_ns, inside);
}

EventsOfThreads CollectEvents(const SeqRing<SwitchEvent>& history, const WindowAnswer& answer, const EventEvidence& evidence,
                              const std::function<bool(const ThreadKey&)>& keeps) {
  EventsOfThreads events;
  const EventWindow window(answer);
  const uint64_t end = history.end();
  const uint64_t first = end > kEventsLookedAtMax ? end - kEventsLookedAtMax : 0;
  bool whole = first == 0;  // everything that the window needs was looked at
  SwitchEvent event;
  for (uint64_t index = end; index > first; --index) {
    if (history.Read(index - 1, &event) != SeqRead::kOk) {
      whole = false;
      break;
    }
    // In the order of time: what is older than the first one before the window is outside too.
    if (event.end_mono_ns < window.begin_first_ns) {
      whole = true;
      break;
    }
    if (window.MayHold(event.end_mono_ns) && keeps(event.thread)) events[event.thread].Add(event, window);
  }
  if (!whole || evidence.lost_any) return events;
  for (auto& [thread, of_thread] : events) {
    of_thread.run_queue.TakeEdgesAbove(evidence.run_queue_floor_ns);
    of_thread.off_cpu.TakeEdgesAbove(evidence.off_cpu_floor_ns);
  }
  return events;
}

}  // namespace hftmon
