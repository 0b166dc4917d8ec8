#include "common/perf/perf_attr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "common/perf/perf_event.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

PerfAttr FullAttr(uint32_t size) {
  PerfAttr attr;
  attr.type = 4;
  attr.size = size;
  attr.config = 0x1cd;
  attr.period_or_frequency = 4000;
  attr.sample_type = PerfSampleBit::kKnown;
  attr.read_format = PerfReadBit::kKnown;
  attr.flags = 0x61d63701;
  attr.breakpoint_type = 3;
  attr.config1 = 30;
  attr.config2 = 0x1122334455667788;
  attr.config3 = 0x99;
  attr.branch_sample_type = 1u << 17;
  attr.user_registers = 0xff0fff;
  attr.user_stack_bytes = 8192;
  attr.clock_id = -3;
  attr.interrupt_registers = 0xfff;
  return attr;
}

TEST(PerfAttrTest, EverySizeThatKernelsHadIsReadAsFarAsItGoes) {
  for (const uint32_t size : {64u, 72u, 80u, 96u, 104u, 112u, 120u, 128u, 136u, 144u, 4096u}) {
    SCOPED_TRACE(size);
    PerfAttr expected = FullAttr(size);
    if (size < 72) expected.config2 = 0;
    if (size < 80) expected.branch_sample_type = 0;
    if (size < 96) expected.user_registers = expected.user_stack_bytes = 0, expected.clock_id = 0;
    if (size < 104) expected.interrupt_registers = 0;
    if (size < 136) expected.config3 = 0;
    // What lies behind is not the attr's.
    const Bytes bytes = ByteWriter().Append(AttrBytes(FullAttr(size))).Fill(64, 0xff).bytes;
    const absl::StatusOr<PerfAttr> attr = ParsePerfAttr(bytes);
    ASSERT_TRUE(attr.ok()) << attr.status();
    EXPECT_EQ(*attr, expected);
  }
}

TEST(PerfAttrTest, FlagsAreTheKernelsBits) {
  PerfAttr attr;
  const auto with = [&](int bit) {
    attr.flags = uint64_t{1} << bit;
    return attr;
  };
  EXPECT_TRUE(with(1).inherit());
  EXPECT_TRUE(with(4).exclude_user());
  EXPECT_TRUE(with(5).exclude_kernel());
  EXPECT_TRUE(with(6).exclude_hypervisor());
  EXPECT_TRUE(with(10).frequency());
  EXPECT_EQ(with(15).precise_ip(), 1);
  EXPECT_EQ(with(16).precise_ip(), 2);
  EXPECT_TRUE(with(18).sample_id_all());
  EXPECT_TRUE(with(25).uses_clock_id());
  attr.flags = 0;
  EXPECT_FALSE(attr.inherit() || attr.exclude_user() || attr.frequency() || attr.sample_id_all() || attr.precise_ip() != 0);
}

TEST(PerfAttrTest, SizesThatCannotBeAreErrors) {
  Bytes bytes = AttrBytes(FullAttr(136));
  for (const uint32_t size : {0u, 8u, 63u, 137u, ~0u}) {
    std::memcpy(bytes.data() + 4, &size, sizeof(size));
    const auto attr = ParsePerfAttr(bytes);
    ASSERT_EQ(attr.status().code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(std::string(attr.status().message()), HasSubstr(std::to_string(size)));
  }
  const Bytes whole = AttrBytes(FullAttr(64));
  for (size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(ParsePerfAttr(std::span(whole).first(length)).ok()) << length;
}

TEST(GenericEventNameTest, EventsThatNobodyNamedAreNamedByTheirNumbers) {
  const auto name = [](uint32_t type, uint64_t config) {
    PerfAttr attr;
    attr.type = type;
    attr.config = config;
    attr.config1 = 0x7ffd0010;
    return GenericEventName(attr);
  };
  EXPECT_EQ(name(0, 0), "cycles");
  EXPECT_EQ(name(0, 9), "ref-cycles");
  EXPECT_EQ(name(0, 10), "type 0 config 0xa");
  EXPECT_EQ(name(0, 0xa00000001), "pmu 10 instructions");
  EXPECT_EQ(name(1, 2), "page-faults");
  EXPECT_EQ(name(1, 99), "software 99");
  EXPECT_EQ(name(2, 620), "tracepoint 620");
  EXPECT_EQ(name(3, 0x10000), "L1-dcache-load-misses");
  EXPECT_EQ(name(3, 0x103), "dTLB-stores");
  EXPECT_EQ(name(3, 0x10200), "L1-dcache-prefetch-misses");
  EXPECT_EQ(name(3, 0x20000), "type 3 config 0x20000");
  EXPECT_EQ(name(4, 0x1cd), "raw 0x1cd");
  EXPECT_EQ(name(5, 0), "breakpoint 0x7ffd0010");
  EXPECT_EQ(name(26, 3), "type 26 config 0x3");
}

}  // namespace
}  // namespace hftmon
