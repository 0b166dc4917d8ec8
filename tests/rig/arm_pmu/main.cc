// The first and only process of a guest of tests/rig/arm-pmu: runs all cases, says how they ended, and switches the machine off.
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/guest_machine.h"
#include "tests/rig/arm_pmu/result_lines.h"

int main(int argc, char** argv) {
  if (!hftmon::SetUpGuest()) return 1;
  testing::InitGoogleTest(&argc, argv);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new hftmon::ResultLines);
  // What did not pass stands on the console; a guest has no exit code.
  (void)RUN_ALL_TESTS();
  hftmon::PowerOff();
}
