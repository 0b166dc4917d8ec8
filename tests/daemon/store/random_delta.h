// Random thread deltas for the store's tests, and the naive model that they are compared with.
#ifndef HFTMON_TESTS_DAEMON_STORE_RANDOM_DELTA_H_
#define HFTMON_TESTS_DAEMON_STORE_RANDOM_DELTA_H_

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "daemon/store/thread_window.h"

namespace hftmon {

inline ThreadKey ThreadOfSlot(uint16_t slot, int64_t generation = 0) {
  return ThreadKey{.tid = 1000u + slot, .tgid = 1000u + slot / 4u, .start_ns = 123'456'789'000 + slot + generation * 1'000'000};
}

// Between nearly empty and every bucket filled; counts from 1 to 2^32 - 1.
inline ThreadDelta RandomDelta(std::mt19937_64& random, uint16_t slot, int64_t generation = 0) {
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  const auto count = [&] { return static_cast<uint32_t>(1 + (below(20) == 0 ? below(UINT32_MAX) : below(300))); };
  ThreadDelta delta;
  delta.thread = ThreadOfSlot(slot, generation);
  delta.slot = slot;
  delta.voluntary_count = below(3) == 0 ? 0 : below(1000);
  delta.involuntary_count = below(3) == 0 ? 0 : below(10);
  delta.run_delay_ns = below(1'000'000'000);
  delta.off_cpu_ns = below(1ull << 40);
  delta.off_cpu_count = below(100'000);
  delta.migration_count = below(3);
  delta.discarded_count = below(50) == 0 ? 1 : 0;
  delta.run_queue_max_ns = static_cast<int64_t>(below(1'000'000));
  delta.off_cpu_max_ns = static_cast<int64_t>(below(1ull << 37));
  delta.run_queue_unbinned_count = below(50) == 0 ? below(1000) : 0;
  delta.off_cpu_unbinned_count = below(50) == 0 ? below(1000) : 0;
  const size_t density = below(100) == 0 ? 400 : below(12);
  for (size_t i = 0; i < density; ++i) {
    delta.run_queue.Add(below(HFT_HISTOGRAM_BUCKETS), count());
    delta.off_cpu.Add(below(HFT_HISTOGRAM_BUCKETS), count());
    delta.kind_count[below(HFT_SWITCH_KINDS)] = count();
    delta.depth[below(HFT_DEPTH_BUCKETS)] = count();
  }
  return delta;
}

using ThreadSums = std::map<std::tuple<uint32_t, uint32_t, int64_t>, ThreadWindow>;

inline std::tuple<uint32_t, uint32_t, int64_t> Ordered(const ThreadKey& thread) {
  return {thread.tid, thread.tgid, thread.start_ns};
}

// The model's addition, one field after the other.
inline void AddTo(ThreadSums& sums, const ThreadDelta& delta) {
  ThreadWindow& sum = sums[Ordered(delta.thread)];
  sum.thread = delta.thread;
  sum.voluntary_count += delta.voluntary_count;
  sum.involuntary_count += delta.involuntary_count;
  sum.run_delay_ns += delta.run_delay_ns;
  sum.off_cpu_ns += delta.off_cpu_ns;
  sum.off_cpu_count += delta.off_cpu_count;
  sum.migration_count += delta.migration_count;
  sum.discarded_count += delta.discarded_count;
  sum.run_queue_max_ns = std::max(sum.run_queue_max_ns, delta.run_queue_max_ns);
  sum.off_cpu_max_ns = std::max(sum.off_cpu_max_ns, delta.off_cpu_max_ns);
  for (size_t i = 0; i < sum.kind_count.size(); ++i) sum.kind_count[i] += delta.kind_count[i];
  for (size_t i = 0; i < sum.depth.size(); ++i) sum.depth[i] += delta.depth[i];
  sum.run_queue_unbinned_count += delta.run_queue_unbinned_count;
  sum.off_cpu_unbinned_count += delta.off_cpu_unbinned_count;
  delta.run_queue.ForEach([&sum](size_t bucket, uint64_t count) { sum.run_queue.Add(bucket, count); });
  delta.off_cpu.ForEach([&sum](size_t bucket, uint64_t count) { sum.off_cpu.Add(bucket, count); });
}

inline bool Same(const ThreadWindow& a, const ThreadWindow& b) {
  return a.thread == b.thread && a.voluntary_count == b.voluntary_count && a.involuntary_count == b.involuntary_count &&
         a.run_delay_ns == b.run_delay_ns && a.off_cpu_ns == b.off_cpu_ns && a.off_cpu_count == b.off_cpu_count &&
         a.migration_count == b.migration_count && a.discarded_count == b.discarded_count && a.run_queue_max_ns == b.run_queue_max_ns &&
         a.off_cpu_max_ns == b.off_cpu_max_ns && a.kind_count == b.kind_count && a.depth == b.depth &&
         a.run_queue_unbinned_count == b.run_queue_unbinned_count && a.off_cpu_unbinned_count == b.off_cpu_unbinned_count &&
         a.run_queue == b.run_queue && a.off_cpu == b.off_cpu;
}

inline bool Same(const ThreadSums& sums, const std::vector<ThreadWindow>& threads) {
  return sums.size() == threads.size() && std::all_of(threads.begin(), threads.end(), [&sums](const ThreadWindow& thread) {
           const auto found = sums.find(Ordered(thread.thread));
           return found != sums.end() && Same(found->second, thread);
         });
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_STORE_RANDOM_DELTA_H_
