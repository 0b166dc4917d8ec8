// DropNotice: says on standard error how many spikes the daemon dropped for this reader, at most once a second, and the rest at the end.
//
// Threads: one. The console outlives it.
#ifndef HFTMON_CLIENT_CLI_DROP_NOTICE_H_
#define HFTMON_CLIENT_CLI_DROP_NOTICE_H_

#include <cstdint>

#include "client/cli/console.h"

namespace hftmon {

class DropNotice {
 public:
  static constexpr int64_t kIntervalNs = 1'000'000'000;

  explicit DropNotice(Console* console) : console_(console) {}

  // `dropped`: since the stream began. `now_ns`: of a clock that does not go back.
  void Note(uint64_t dropped, int64_t now_ns);
  // Says what was not said yet.
  void Finish();
  bool any() const { return dropped_ > 0; }

 private:
  Console* const console_;
  uint64_t dropped_ = 0;
  uint64_t said_ = 0;
  int64_t said_at_ns_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_DROP_NOTICE_H_
