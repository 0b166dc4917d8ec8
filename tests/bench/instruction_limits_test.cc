// No BPF program grows unnoticed: the instructions that the kernel runs (translated, as the daemon's status counts them) stay within the
// limits of instruction_limits.txt. A limit is lowered when a program shrinks and is not raised without a measurement of what the growth
// costs.
#include <fstream>
#include <map>
#include <sstream>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

constexpr char kLimitsPath[] = "tests/bench/instruction_limits.txt";

// "name limit" lines; # begins a comment.
std::map<std::string, int> ReadLimits() {
  std::map<std::string, int> limits;
  std::ifstream file(kLimitsPath);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    int limit = 0;
    if (words >> name >> limit) limits[name] = limit;
  }
  return limits;
}

class InstructionLimitsTest : public PrivilegedTest {};

TEST_F(InstructionLimitsTest, EveryProgramStaysWithinItsLimit) {
  const std::map<std::string, int> limits = ReadLimits();
  ASSERT_FALSE(limits.empty()) << kLimitsPath << " cannot be read: run this from the top of the source tree";
  const auto status = daemon_.client().GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  ASSERT_GT(status->probes_size(), 0);
  for (const v1::ProbeStatus& probe : status->probes()) {
    SCOPED_TRACE(probe.name());
    if (!probe.left_out_reason().empty()) continue;
    ASSERT_GT(probe.instruction_count(), 0) << "the daemon does not say how long the program is";
    const auto limit = limits.find(probe.name());
    ASSERT_NE(limit, limits.end()) << "add \"" << probe.name() << " " << probe.instruction_count() << "\" to " << kLimitsPath;
    EXPECT_LE(probe.instruction_count(), limit->second);
    if (probe.instruction_count() < limit->second * 9 / 10) {
      std::printf("%s has %d instructions: its limit of %d can be lowered\n", probe.name().c_str(), probe.instruction_count(),
                  limit->second);
    }
  }
}

}  // namespace
}  // namespace hftmon::testing
