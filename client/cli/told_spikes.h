// ToldSpikes: which spikes were told already, when a spike comes both of a stream and of a query.
//
// A spike has its id from its first telling on, which may be while it goes on: an id below others may still come for the first time. What
// was told in progress is told again at its end, and then no more.
//
// Threads: one. Bounds: kIdsMax ids, more than a query answers; beyond that the ids first noted are forgotten.
#ifndef HFTMON_CLIENT_CLI_TOLD_SPIKES_H_
#define HFTMON_CLIENT_CLI_TOLD_SPIKES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

class ToldSpikes {
 public:
  static constexpr size_t kIdsMax = 100'000;

  bool Knows(const v1::Spike& spike) const {
    const auto told = at_end_.find(spike.id());
    return told != at_end_.end() && (told->second || spike.in_progress());
  }
  void Note(const v1::Spike& spike) {
    const auto [told, is_new] = at_end_.try_emplace(spike.id(), !spike.in_progress());
    if (!spike.in_progress()) told->second = true;
    if (!is_new) return;
    oldest_first_.push_back(spike.id());
    if (oldest_first_.size() <= kIdsMax) return;
    at_end_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }

 private:
  std::map<uint64_t, bool> at_end_;  // by id: told at its end, or only in progress
  std::deque<uint64_t> oldest_first_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_TOLD_SPIKES_H_
