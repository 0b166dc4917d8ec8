// TargetFlags: the options of a target on the command line, shared by `attach` and `run`.
#ifndef HFTMON_CLIENT_CLI_TARGET_FLAGS_H_
#define HFTMON_CLIENT_CLI_TARGET_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

class TargetFlags {
 public:
  void Declare(CLI::App& verb);
  // INVALID_ARGUMENT for what cannot be read or is out of range.
  absl::StatusOr<v1::TargetOptions> Options() const;

 private:
  std::string threshold_;
  std::string blocked_;
  std::string operations_;
  std::string interval_;
  std::vector<std::string> probe_groups_;
  std::string stacks_;
  std::vector<std::string> counter_events_;
  std::string counter_interval_;
  bool waker_ = false;
  bool no_children_ = false;
  bool cache_ = false;
  bool numa_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_TARGET_FLAGS_H_
