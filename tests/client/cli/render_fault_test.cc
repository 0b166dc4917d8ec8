// Spikes of the kind fault.
#include "client/cli/render/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/render/spikes.h"
#include "tests/client/cli/answers.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::PageFault FaultInAFile() {
  v1::PageFault fault;
  fault.set_address(0x7f0000001010);
  fault.set_mapping("file");
  fault.set_mapping_start(0x7f0000000000);
  fault.set_file("/opt/libfoo.so");
  fault.set_file_offset(0x1010);
  return fault;
}

TEST(RenderFaultTest, ASpikeHasALineAndAnObjectOfItsFault) {
  v1::Spike spike = SomeSpike();
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}), Not(HasSubstr("page fault")));
  EXPECT_FALSE(SpikeJson(spike, SomeTime()).contains("fault"));
  spike.set_kind("fault");
  *spike.mutable_fault() = FaultInAFile();
  spike.mutable_causes(0)->clear_actor();
  spike.mutable_causes(0)->set_kind("fault");
  spike.mutable_causes(0)->set_evidence("the kernel handled it");
  spike.mutable_causes(1)->set_kind("runnable");
  EXPECT_EQ(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}),
            "03:04:04.999500  matcher[4711/4712]  fault  312us  CPU 3  queue 2  #12\n"
            "    page fault: minor, at 0x7f0000001010, now file /opt/libfoo.so +0x1010\n"
            "    #############.......   67.2 %     210us  fault: the kernel handled it\n"
            "    ######..............   32.0 %     100us  runnable: idle exit (estimated)\n"
            "    ....................    0.8 %     2.4us  unexplained\n");
  const Json json = SpikeJson(spike, SomeTime());
  EXPECT_EQ(json["kind"], "fault");
  EXPECT_EQ(json["fault"].dump(), R"({"major":false,"in_kernel":false,"address":139637976731664,"mapping":"file","shared":false,)"
                                  R"("mapping_start":139637976727552,"file":"/opt/libfoo.so","file_offset":4112})");
}

TEST(RenderFaultTest, EachKindOfMappingIsNamed) {
  v1::PageFault fault = FaultInAFile();
  fault.set_major(true);
  fault.set_in_kernel(true);
  fault.set_shared(true);
  EXPECT_EQ(FaultText(fault), "    page fault: major, in a system call, at 0x7f0000001010, now shared file /opt/libfoo.so +0x1010\n");
  fault.clear_file();
  fault.clear_file_offset();
  fault.clear_shared();
  fault.set_mapping("anonymous");
  EXPECT_THAT(FaultText(fault), HasSubstr(", now anonymous memory from 0x7f0000000000\n"));
  EXPECT_FALSE(FaultJson(fault).contains("file"));
  EXPECT_FALSE(FaultJson(fault).contains("file_offset"));
  fault.set_mapping("heap");
  EXPECT_THAT(FaultText(fault), HasSubstr(", now heap from 0x7f0000000000\n"));
  fault.set_mapping("special");
  EXPECT_THAT(FaultText(fault), HasSubstr(", now special mapping from 0x7f0000000000\n"));
}

TEST(RenderFaultTest, WhereTheMappingIsNotKnownOnlyTheAddressIsSaid) {
  v1::PageFault fault;
  fault.set_address(0x1000);
  EXPECT_EQ(FaultText(fault), "    page fault: minor, at 0x1000\n");
  EXPECT_EQ(FaultJson(fault).dump(), R"({"major":false,"in_kernel":false,"address":4096})");
}

TEST(RenderFaultTest, AnOffsetOfZeroIsOneAndNamesCannotDriveTheTerminal) {
  v1::PageFault fault = FaultInAFile();
  fault.set_file_offset(0);
  fault.set_file("\033[2Jevil");
  EXPECT_THAT(FaultText(fault), HasSubstr(", now file ?[2Jevil +0x0\n"));
  EXPECT_EQ(FaultJson(fault)["file_offset"], 0);
}

}  // namespace
}  // namespace hftmon
