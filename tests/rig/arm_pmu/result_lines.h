// ResultLines: says each case's outcome on one line, for the rig to read off the guest's console.
// "PASS name", "FAIL name file:line: text; …", "SKIP name reason", and at the end "N passed, N failed, N skipped". The thread of main.
#ifndef HFTMON_TESTS_RIG_ARM_PMU_RESULT_LINES_H_
#define HFTMON_TESTS_RIG_ARM_PMU_RESULT_LINES_H_

#include "gtest/gtest.h"

namespace hftmon {

class ResultLines final : public testing::EmptyTestEventListener {
 public:
  void OnTestEnd(const testing::TestInfo& info) override;
  void OnTestProgramEnd(const testing::UnitTest& program) override;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_RIG_ARM_PMU_RESULT_LINES_H_
