#include "daemon/sampled_process.h"

#include <gmock/gmock.h>

#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ReasonOf(const absl::Status& status) {
  return std::string(status.GetPayload(kErrorReasonPayload).value_or(absl::Cord()));
}

TEST(SampledProcessTest, OneThatEndedAndOneThatWasDetachedAreToldApart) {
  EXPECT_TRUE(CheckRuns(SampledProcess::kRuns, 7, "its counters were").ok());
  const absl::Status ended = CheckRuns(SampledProcess::kEnded, 7, "its counters were");
  EXPECT_TRUE(absl::IsNotFound(ended));
  EXPECT_EQ(ReasonOf(ended), "ENDED");
  EXPECT_THAT(std::string(ended.message()), AllOf(HasSubstr("process 7 ended"), HasSubstr("its counters were")));
  const absl::Status detached = CheckRuns(SampledProcess::kNotTarget, 7, "its counters were");
  EXPECT_TRUE(absl::IsNotFound(detached));
  EXPECT_EQ(ReasonOf(detached), "NOT_A_TARGET");
  EXPECT_THAT(std::string(detached.message()), AllOf(HasSubstr("process 7"), HasSubstr("attach it")));
}

}  // namespace
}  // namespace hftmon
