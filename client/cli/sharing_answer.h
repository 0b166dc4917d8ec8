// SharingAnswer: the daemon's answer to SampleAccesses as the values that are printed, the same as of an imported recording. Pure, any
// thread.
#ifndef HFTMON_CLIENT_CLI_SHARING_ANSWER_H_
#define HFTMON_CLIENT_CLI_SHARING_ANSWER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/placed_line.h"
#include "common/memory_access/memory_load_table.h"
#include "hftmon/v1/sharing.pb.h"

namespace hftmon {

struct SharingAnswer {
  MemoryLoadTable loads;
  ContendedLineTable table;  // its lines are taken out: they are in the two below
  std::vector<PlacedLine> lines;
  std::vector<PlacedLine> shared_lines;
};

// FAILED_PRECONDITION: it has a verdict, level or advice that this program does not know, a newer daemon's.
absl::StatusOr<SharingAnswer> SharingAnswerOf(const v1::SampleAccessesResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_SHARING_ANSWER_H_
