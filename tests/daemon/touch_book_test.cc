#include "daemon/touch_book.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kPid = 900;
constexpr int64_t kStartNs = 77'000'000'000;
constexpr char kBefore[] =
    "00400000-00500000 r-xp 00000000 08:01 7 /bin/engine\n"
    "00700000-00800000 rw-p 00000000 00:00 0 [heap]\n";
constexpr char kAfter[] =
    "00400000-00500000 r-xp 00000000 08:01 7 /bin/engine\n"
    "00700000-00900000 rw-p 00000000 00:00 0 [heap]\n"
    "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n";

// One frame a stack: the function is named by the instruction's block of 4 KiB.
class FakeUnwinder final : public StackUnwinder {
 public:
  Stack Unwind(const hft_stack& record) override {
    records.push_back(record);
    Stack stack;
    const uint64_t ip = record.registers[16];
    stack.user = {.state = StackState::kComplete, .reason = {}, .frames = {{.address = ip, .symbol = "f" + std::to_string(ip >> 12)}}};
    return stack;
  }
  std::vector<hft_stack> records;
};

// A fault with its bytes.
struct Made {
  std::vector<uint64_t> registers = std::vector<uint64_t>(20);
  std::vector<uint64_t> stack;
  SampledFault fault;
};

Made Fault(uint64_t address, uint64_t ip, std::vector<uint64_t> stack, uint64_t weight = 1, uint32_t cpu = 0) {
  Made made;
  for (size_t i = 0; i < made.registers.size(); ++i) made.registers[i] = 0x1000 + i;
  made.registers[8] = ip;
  made.stack = std::move(stack);
  made.fault = {.pid = kPid, .tid = kPid + 1, .address = address, .cpu = cpu, .weight = weight};
  return made;
}

class TouchBookTest : public ::testing::Test {
 protected:
  void Add(Made made) {
    made.fault.registers = std::as_bytes(std::span(made.registers));
    made.fault.stack = std::as_bytes(std::span(made.stack));
    book_.Add(made.fault);
  }
  ProcessGrowth Tell() {
    ProcessGrowth growth;
    book_.Tell(ProcMaps::Parse(kAfter), &growth);
    return growth;
  }
  FakeUnwinder unwinder_;
  TouchBook book_{kPid, kStartNs, ProcMaps::Parse(kBefore), &unwinder_};
};

TEST_F(TouchBookTest, FaultsOfOnePathInOneMappingAreOneSite) {
  Add(Fault(0x7f0000001000, 0x401000, {1, 0x402000}, 3, 0));
  Add(Fault(0x7f0000002000, 0x401000, {2, 0x402000}, 4, 1));
  Add(Fault(0x701000, 0x401000, {2, 0x402000}, 1, 1));
  EXPECT_EQ(book_.Unwind(10), 0u);
  EXPECT_THAT(unwinder_.records, SizeIs(1)) << "words that are no addresses of code tell no paths apart";
  const ProcessGrowth growth = Tell();
  ASSERT_THAT(growth.sites, SizeIs(2));
  EXPECT_EQ(growth.sites[0].fault_count, 7u);
  EXPECT_EQ(growth.sites[0].sample_count, 2u);
  EXPECT_EQ(growth.sites[0].start, 0x7f0000000000u);
  EXPECT_THAT(growth.sites[0].faults_of_cpu, ElementsAre(std::pair(0u, 3u), std::pair(1u, 4u)));
  EXPECT_EQ(growth.sites[0].stack.frames[0].symbol, "f1025");
  EXPECT_EQ(growth.sites[1].name, "[heap]");
  EXPECT_EQ(growth.unkept_fault_count, 0u);
}

TEST_F(TouchBookTest, RegistersComeToTheUnwinderInItsOrderWithTheProcessInTheThreadsPlace) {
  Add(Fault(0x701000, 0x401000, {0x11, 0x22}));
  book_.Unwind(1);
  const hft_stack& record = unwinder_.records[0];
  EXPECT_EQ(record.tid, kPid);
  EXPECT_EQ(record.tgid, kPid);
  EXPECT_EQ(record.start_ns, static_cast<uint64_t>(kStartNs));
  EXPECT_EQ(record.kernel_problem, HFT_STACK_NOT_ASKED);
  EXPECT_EQ(record.user_problem, HFT_STACK_FINE);
  EXPECT_EQ(record.registers[16], 0x401000u);  // ip
  EXPECT_EQ(record.registers[19], 0x1007u);    // sp
  EXPECT_EQ(record.registers[4], 0x1006u);     // bp
  EXPECT_EQ(record.registers[10], 0x1000u);    // ax
  EXPECT_EQ(record.registers[0], 0x1013u);     // r15
  EXPECT_EQ(record.registers[9], 0x100cu);     // r8
  EXPECT_EQ(record.user_bytes, 16u);
  uint64_t second = 0;
  std::memcpy(&second, record.user + 8, 8);
  EXPECT_EQ(second, 0x22u);
}

TEST_F(TouchBookTest, OtherReturnAddressesAreOtherPathsAndEqualLinesAreToldOnce) {
  Add(Fault(0x701000, 0x401000, {0x402000}));
  Add(Fault(0x702000, 0x401000, {0x403000}));
  Add(Fault(0x703000, 0x409000, {0x403000}));
  EXPECT_EQ(book_.Unwind(10), 0u);
  EXPECT_THAT(unwinder_.records, SizeIs(3));
  const ProcessGrowth growth = Tell();
  ASSERT_THAT(growth.sites, SizeIs(2)) << "what the unwinder found alike is one";
  EXPECT_EQ(growth.sites[0].sample_count, 2u);
}

TEST_F(TouchBookTest, AStackThatWasNotUnwoundAndAMappingThatIsGoneSaySo) {
  Add(Fault(0x30000000, 0x401000, {}));
  const ProcessGrowth growth = Tell();
  ASSERT_THAT(growth.sites, SizeIs(1));
  EXPECT_EQ(growth.sites[0].start, 0u);
  EXPECT_THAT(growth.sites[0].stack.reason, HasSubstr("not unwound"));
  EXPECT_THAT(growth.sites[0].stack.frames, IsEmpty());
}

TEST_F(TouchBookTest, StacksBeyondTheBoundAreCountedAndKnownOnesStillAreKept) {
  for (uint64_t i = 0; i < TouchBook::kStacksMax + 5; ++i) Add(Fault(0x701000, 0x400000 + i, {}, 10));
  Add(Fault(0x701000, 0x400000, {}, 10));
  EXPECT_EQ(book_.Unwind(TouchBook::kStacksMax + 10), 0u);
  const ProcessGrowth growth = Tell();
  EXPECT_EQ(growth.unkept_fault_count, 50u);
  EXPECT_EQ(growth.sites.size() + growth.left_out_site_count, TouchBook::kStacksMax / 4096 + 1);
  uint64_t kept = 0;
  for (const TouchSite& site : growth.sites) kept += site.fault_count;
  EXPECT_EQ(kept, (TouchBook::kStacksMax + 1) * 10);
}

TEST_F(TouchBookTest, SitesBeyondTheBoundAreTheSmallestAndCounted) {
  for (uint64_t i = 0; i < TouchBook::kSitesMax + 3; ++i) Add(Fault(0x701000, 0x400000 + (i << 12), {}, i + 1));
  book_.Unwind(1'000);
  const ProcessGrowth growth = Tell();
  EXPECT_THAT(growth.sites, SizeIs(TouchBook::kSitesMax));
  EXPECT_EQ(growth.left_out_site_count, 3u);
  EXPECT_EQ(growth.sites.front().fault_count, TouchBook::kSitesMax + 3);
  EXPECT_EQ(growth.sites.back().fault_count, 4u);
}

// Each mapping is a site of its own: copying a stack and a name for each took hundreds of megabytes, and 64 are told.
TEST_F(TouchBookTest, OfVeryManyMappingsOnlyTheToldSitesAreEverMade) {
  constexpr uint64_t kMappings = 60'000;
  constexpr uint64_t kBegin = 0x7f0000000000;
  std::string maps;
  for (uint64_t i = 0; i < kMappings; ++i) {
    char line[64];
    std::snprintf(line, sizeof(line), "%lx-%lx rw-p 00000000 00:00 0 \n", kBegin + i * 0x2000, kBegin + i * 0x2000 + 0x1000);
    maps += line;
    Add(Fault(kBegin + i * 0x2000, 0x401000, {0x402000}, i % 1'000 == 7 ? 5 : 1));
  }
  book_.Unwind(10);
  ProcessGrowth growth;
  book_.Tell(ProcMaps::Parse(maps), &growth);
  EXPECT_THAT(unwinder_.records, SizeIs(1)) << "one path, however many mappings";
  EXPECT_LE(growth.sites.capacity(), TouchBook::kSitesMax);
  ASSERT_THAT(growth.sites, SizeIs(TouchBook::kSitesMax));
  EXPECT_EQ(growth.left_out_site_count, kMappings - TouchBook::kSitesMax);
  EXPECT_EQ(growth.sites[0].start, kBegin + 7 * 0x2000) << "what is equal stands by address";
  EXPECT_EQ(growth.sites[59].fault_count, 5u);
  EXPECT_EQ(growth.sites[60].fault_count, 1u);
  EXPECT_EQ(growth.sites[60].start, kBegin);
}

TEST_F(TouchBookTest, WithoutRegistersThereIsNoStackAndTheReasonComesFromTheUnwinder) {
  Made made = Fault(0x701000, 0, {});
  made.registers.clear();
  Add(std::move(made));
  book_.Unwind(1);
  EXPECT_EQ(unwinder_.records[0].user_problem, HFT_STACK_NO_HELPER);
}

TEST(GrowthOfTest, NewAddressesAreThoseThatWereNotMapped) {
  const std::vector<GrownMapping> grown = GrowthOf(ProcMaps::Parse(kBefore), ProcMaps::Parse(kAfter));
  ASSERT_THAT(grown, SizeIs(2));
  EXPECT_EQ(grown[0].start, 0x700000u);
  EXPECT_EQ(grown[0].new_bytes, 0x100000u);
  EXPECT_EQ(grown[1].new_bytes, 0x400000u);
  EXPECT_THAT(GrowthOf(ProcMaps::Parse(kAfter), ProcMaps::Parse(kBefore)), IsEmpty());
  EXPECT_THAT(GrowthOf(ProcMaps::Parse(kAfter), ProcMaps::Parse(kAfter)), IsEmpty());
}

}  // namespace
}  // namespace hftmon
