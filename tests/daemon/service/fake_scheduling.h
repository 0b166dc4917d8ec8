// FakeScheduling: how threads are scheduled, as the test says. Set before the calls.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_SCHEDULING_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_SCHEDULING_H_

#include <map>
#include <optional>
#include <vector>

#include "daemon/control/scheduling_source.h"

namespace hftmon {

class FakeScheduling : public SchedulingSource {
 public:
  std::optional<SeenScheduling> Find(const ThreadKey& thread) const override {
    const auto found = seen.find(thread.tid);
    return found == seen.end() ? std::nullopt : std::optional(found->second);
  }
  SchedulingChanges ChangesWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const override {
    SchedulingChanges found{.changes = {}, .incomplete = incomplete};
    for (const SchedulingChange& change : changes) {
      if (change.before_mono_ns >= begin_mono_ns && change.before_mono_ns < end_mono_ns) found.changes.push_back(change);
    }
    return found;
  }
  KeptFreeCpus KeptFree() const override { return kept_free; }

  std::map<uint32_t, SeenScheduling> seen;  // by tid
  std::vector<SchedulingChange> changes;
  bool incomplete = false;
  KeptFreeCpus kept_free;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_SCHEDULING_H_
