#include "daemon/markers/marker_ring_name.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(MarkerRingName, ANameIsReadBackAsItIsWritten) {
  for (const MarkerRingName name : {MarkerRingName{1, 0}, {4711, 12}, {4'194'304, 255}}) {
    EXPECT_EQ(MarkerRingName::Parse(name.FileName()), name) << name.FileName();
  }
}

TEST(MarkerRingName, EveryOtherNameIsNone) {
  for (const char* name : {"", "hftmon", "hftmon.", "hftmon.1", "hftmon.1.", "hftmon..1", "hftmon.0.0", "hftmon.01.0", "hftmon.1.00",
                           "hftmon.1.256", "hftmon.4194305.0", "hftmon.-1.0", "hftmon.+1.0", "hftmon.1.0.0", "hftmon.1.0 ", ".hftmon.1.0",
                           "hftmon.99999999999999999999.0", "hftmon.1.99999999999", "hftmon.1.0x"}) {
    EXPECT_EQ(MarkerRingName::Parse(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace hftmon
