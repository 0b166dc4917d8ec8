// FakeOperationSource: what programs marked, as the test has it.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_OPERATION_SOURCE_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_OPERATION_SOURCE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/service/operation_source.h"

namespace hftmon {

class FakeOperationSource : public OperationSource {
 public:
  std::string WhyNot() const override { return why_not; }
  std::vector<MarkedProgram> ProgramsOf(uint32_t pid) const override {
    const auto found = programs.find(pid);
    return found == programs.end() ? std::vector<MarkedProgram>() : found->second;
  }
  std::vector<OperationSlowness> SlownessOf(uint64_t span_file_id) const override {
    const auto found = slowness.find(span_file_id);
    return found == slowness.end() ? std::vector<OperationSlowness>() : found->second;
  }
  MarkerReader::Status Files() const override { return files; }
  uint64_t ForgottenCount() const override { return forgotten_count; }

  // Set before the server asks.
  std::string why_not;
  std::map<uint32_t, std::vector<MarkedProgram>> programs;
  std::map<uint64_t, std::vector<OperationSlowness>> slowness;  // by MarkedProgram.span_file_id
  MarkerReader::Status files;
  uint64_t forgotten_count = 0;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_OPERATION_SOURCE_H_
