// ThreadFlags: of which processes and threads a question is, shared by the verbs that ask.
#ifndef HFTMON_CLIENT_CLI_THREAD_FLAGS_H_
#define HFTMON_CLIENT_CLI_THREAD_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/option_values.h"

namespace hftmon {

class ThreadFlags {
 public:
  void Declare(CLI::App& verb, const std::string& tids_help = "thread ids, a list (default: all)") {
    verb.add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb.add_option("-t,--tid", tids_, tids_help);
  }
  // `Request` has pids and tids.
  template <typename Request>
  absl::Status AddTo(Request* request) const {
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    const auto tids = ParseIds("--tid", tids_);
    if (!tids.ok()) return tids.status();
    request->mutable_pids()->Add(pids->begin(), pids->end());
    request->mutable_tids()->Add(tids->begin(), tids->end());
    return absl::OkStatus();
  }

 private:
  std::vector<std::string> pids_;
  std::vector<std::string> tids_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_THREAD_FLAGS_H_
