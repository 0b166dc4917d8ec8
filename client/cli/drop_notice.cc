#include "client/cli/drop_notice.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon {

void DropNotice::Note(uint64_t dropped, int64_t now_ns) {
  dropped_ = std::max(dropped_, dropped);
  if (dropped_ == said_ || (said_ > 0 && now_ns - said_at_ns_ < kIntervalNs)) return;
  said_at_ns_ = now_ns;
  Finish();
}

void DropNotice::Finish() {
  if (dropped_ == said_) return;
  console_->Err(fmt::format("hftmon: spikes: {} dropped: the output is read too slowly: raise --threshold\n", dropped_));
  said_ = dropped_;
}

}  // namespace hftmon
