// SelectorFlags: rules on the command line, shared by `attach` and `detach`.
#ifndef HFTMON_CLIENT_CLI_SELECTOR_FLAGS_H_
#define HFTMON_CLIENT_CLI_SELECTOR_FLAGS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "hftmon/v1/targets.pb.h"

namespace hftmon {

class SelectorFlags {
 public:
  void Declare(CLI::App& verb);
  bool empty() const { return names_.empty() && cgroups_.empty() && units_.empty() && cpus_.empty(); }
  // What they may hold is the daemon's to check.
  void AddTo(google::protobuf::RepeatedPtrField<v1::TargetSelector>* selectors) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::string> cgroups_;
  std::vector<std::string> units_;
  std::string cpus_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_SELECTOR_FLAGS_H_
