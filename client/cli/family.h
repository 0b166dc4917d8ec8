// Family: which targets descend from one process, as the daemon's list of targets tells.
//
// Threads: one.
#ifndef HFTMON_CLIENT_CLI_FAMILY_H_
#define HFTMON_CLIENT_CLI_FAMILY_H_

#include <cstdint>
#include <map>

#include "hftmon/v1/targets.pb.h"

namespace hftmon {

class Family {
 public:
  explicit Family(int32_t root_pid) : root_pid_(root_pid) {}

  // Takes over the targets of an answer; parents of targets that have gone since stay known. At most as many as the daemon has targets a
  // time.
  void Learn(const v1::ListTargetsResponse& response);
  // Whether Learn has ever named this process.
  bool Knows(int32_t pid) const { return pid == root_pid_ || parents_.count(pid) > 0; }
  bool Contains(int32_t pid) const;

 private:
  const int32_t root_pid_;
  std::map<int32_t, int32_t> parents_;  // target → the target it is a child of, 0 = none
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_FAMILY_H_
