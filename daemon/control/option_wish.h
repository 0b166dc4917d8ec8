// OptionWish: what was asked, once or more often, of an option whose lowest value satisfies all, so that a default that changes while the
// daemon runs reaches those that left it to the default, and only those. Not thread-safe: the registry's mutex guards it.
#ifndef HFTMON_DAEMON_CONTROL_OPTION_WISH_H_
#define HFTMON_DAEMON_CONTROL_OPTION_WISH_H_

#include <algorithm>
#include <cstdint>
#include <limits>

namespace hftmon {

class OptionWish {
 public:
  // 0 leaves it to the default.
  void Add(int64_t asked_ns) {
    follows_default_ = follows_default_ || asked_ns == 0;
    if (asked_ns != 0) lowest_ns_ = std::min(lowest_ns_, asked_ns);
  }
  void Add(const OptionWish& other) {
    follows_default_ = follows_default_ || other.follows_default_;
    lowest_ns_ = std::min(lowest_ns_, other.lowest_ns_);
  }
  // Requires that something was asked.
  int64_t Resolve(int64_t default_ns) const { return follows_default_ ? std::min(lowest_ns_, default_ns) : lowest_ns_; }

 private:
  bool follows_default_ = false;
  int64_t lowest_ns_ = std::numeric_limits<int64_t>::max();
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_OPTION_WISH_H_
