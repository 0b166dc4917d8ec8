// CounterUpdate: what `targets --set` changes of what is counted of a target's threads. The command line's thread.
#ifndef HFTMON_CLIENT_CLI_COUNTER_UPDATE_H_
#define HFTMON_CLIENT_CLI_COUNTER_UPDATE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

class CounterUpdate {
 public:
  void Declare(CLI::App& verb);
  // The request for each target, but for its pid; none when no target is named. INVALID_ARGUMENT for what cannot be read or is out of
  // range, for a target without a change and for a change without a target.
  absl::StatusOr<v1::UpdateTargetRequest> Request() const;
  absl::StatusOr<std::vector<int32_t>> Pids() const;

 private:
  bool any_change() const { return !events_.empty() || !interval_.empty() || !cache_.empty(); }

  std::vector<std::string> pids_;
  std::vector<std::string> events_;
  std::string interval_;
  std::string cache_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_COUNTER_UPDATE_H_
