#include "daemon/store/loss_history.h"

#include <algorithm>

namespace hftmon {
namespace {

// A loss counted twice because it aged during the look is looked at again this often, then left as the upper bound it is.
constexpr int kAttempts = 4;

}  // namespace

void LossHistory::OnLoss(const LossEvent& loss) {
  total_.store(total_.load(std::memory_order_relaxed) + loss.lost_count, std::memory_order_relaxed);
  const uint64_t end = losses_.end();
  LossEvent oldest;
  if (end >= losses_.capacity() && losses_.Read(end - losses_.capacity(), &oldest) == SeqRead::kOk) {
    older_until_mono_ns_.store(std::max(older_until_mono_ns_.load(std::memory_order_relaxed), oldest.end_mono_ns),
                               std::memory_order_relaxed);
    older_count_.store(older_count_.load(std::memory_order_relaxed) + oldest.lost_count, std::memory_order_relaxed);
  }
  losses_.Append(loss);  // its releases publish the two stores above to whoever finds the cell overwritten
}

uint64_t LossHistory::KeptBetween(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  uint64_t lost = 0;
  const uint64_t end = losses_.end();
  for (uint64_t n = losses_.begin(); n < end; ++n) {
    LossEvent loss;
    if (losses_.Read(n, &loss) != SeqRead::kOk) continue;
    if (loss.end_mono_ns >= begin_mono_ns && loss.begin_mono_ns <= end_mono_ns) lost += loss.lost_count;
  }
  return lost;
}

uint64_t LossHistory::LostBetween(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  uint64_t lost = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint64_t before = losses_.end();
    lost = KeptBetween(begin_mono_ns, end_mono_ns);
    if (older_until_mono_ns_.load(std::memory_order_relaxed) >= begin_mono_ns) lost += older_count_.load(std::memory_order_relaxed);
    if (losses_.end() == before) break;
  }
  return lost;
}

std::vector<CpuTimeSpan> LossHistory::SpansWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  std::vector<CpuTimeSpan> spans;
  const uint64_t end = losses_.end();
  for (uint64_t n = losses_.begin(); n < end; ++n) {
    LossEvent loss;
    if (losses_.Read(n, &loss) != SeqRead::kOk) continue;
    if (loss.end_mono_ns < begin_mono_ns || loss.begin_mono_ns > end_mono_ns) continue;
    spans.push_back({.span = {loss.begin_mono_ns, loss.end_mono_ns}, .cpu = loss.cpu});
  }
  // After the look at the cells: one that was overwritten meanwhile is in it.
  const int64_t older_until_ns = older_until_mono_ns_.load(std::memory_order_relaxed);
  if (older_until_ns >= begin_mono_ns) spans.push_back({.span = {0, older_until_ns}, .cpu = -1});
  return spans;
}

}  // namespace hftmon
