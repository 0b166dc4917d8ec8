#include "daemon/analysis/counter_level.h"

#include <algorithm>

namespace hftmon {
namespace {

constexpr size_t kNodeBytes = 64;  // what a map's entry takes beside its value

}  // namespace

void CounterLevel::Add(const SpanRates& rates, const CounterSpan& span) {
  const int64_t begin_ns = FloorOf(std::max<int64_t>(0, span.end_mono_ns - 1));
  if (begin_ns < whole_from_ns_) return;
  const auto [entry, added] = stretches_[begin_ns].try_emplace(span.thread);
  CounterWindow& window = entry->second;
  if (!added) bytes_ -= window.bytes() + kNodeBytes;
  window.Add(rates, span);
  bytes_ += window.bytes() + kNodeBytes;
  while (bytes_ > bytes_max_) DropOldest();
}

void CounterLevel::DropOldest() {
  const auto oldest = stretches_.begin();
  for (const auto& [thread, window] : oldest->second) bytes_ -= window.bytes() + kNodeBytes;
  whole_from_ns_ = oldest->first + width_ns_;
  stretches_.erase(oldest);
}

void CounterLevel::AddTo(int64_t begin_mono_ns, int64_t end_mono_ns, const ThreadFilterFunction& keeps, WindowsOfThreads* out) const {
  const auto end = stretches_.lower_bound(end_mono_ns);
  for (auto stretch = stretches_.lower_bound(begin_mono_ns); stretch != end && stretch->first < end_mono_ns; ++stretch) {
    for (const auto& [thread, window] : stretch->second) {
      if (keeps(thread)) (*out)[thread].Add(window);
    }
  }
}

void CounterLevel::Clear() {
  stretches_.clear();
  whole_from_ns_ = 0;
  bytes_ = 0;
}

}  // namespace hftmon
