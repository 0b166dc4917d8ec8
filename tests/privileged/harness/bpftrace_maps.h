// BpftraceMaps: a bpftrace script whose maps are read when it ends. In force between the constructor's return and Stop(). One thread.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_BPFTRACE_MAPS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_BPFTRACE_MAPS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

// Tracepoints need tracefs, which is mounted in a mount namespace of the tool's own.
std::vector<std::string> InOwnMounts(std::vector<std::string> command);

class BpftraceMaps {
 public:
  // Runs on that CPU. why_not() says why it did not begin; then nothing runs.
  BpftraceMaps(const std::string& probes, int cpu);

  const std::string& why_not() const { return why_not_; }
  // Of each map the numbers by key; a map without keys has the key "". What is no number is left out.
  std::map<std::string, std::map<std::string, int64_t>> Stop();

 private:
  std::unique_ptr<Subprocess> process_;
  std::string why_not_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_BPFTRACE_MAPS_H_
