#include "daemon/pmu/event_names.h"

#include <gmock/gmock.h>

#include <memory>
#include <random>

#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// EventNames over a tree, with a library of two events.
class EventNamesTest : public ::testing::Test {
 protected:
  const EventNames& On(void (*write)(const FixtureTree&)) {
    write(host_);
    names_ = std::make_unique<EventNames>(EventNamesParts{
        .pmus = PmuList::Read(host_.root()),
        .processor = "skx",
        .encode_by_library = Library,
        .library_names =
            [] {
              return std::vector<std::string>{"MEM_LOAD_RETIRED", "MEM_LOAD_RETIRED:L3_MISS", "PAGE-FAULTS"};
            },
        .open =
            [](const EventEncoding& encoding) {
              return encoding.type == 1 ? absl::OkStatus() : absl::FailedPreconditionError("the kernel has none: take another");
            }});
    return *names_;
  }
  static absl::StatusOr<EventEncoding> Library(std::string_view name) {
    if (name == "MEM_LOAD_RETIRED:L3_MISS:u") return EventEncoding{.type = 4, .config = 0x20d1, .exclude_kernel = true};
    if (name == "ARM_REFILL") return EventEncoding{.type = 4, .config = 0x03};
    if (name == "PERF_CYCLES") return EventEncoding{.type = 0, .config = 0};
    if (name == "PERF_FAULTS") return EventEncoding{.type = 1, .config = 2};
    if (name == "BAD_VALUE") return absl::InvalidArgumentError("invalid event attribute value");
    return absl::NotFoundError("event not found");
  }
  static EventEncoding Good(const absl::StatusOr<EventEncoding>& encoding) {
    EXPECT_TRUE(encoding.ok()) << encoding.status();
    return encoding.value_or(EventEncoding());
  }

  const FixtureTree host_;
  std::unique_ptr<EventNames> names_;
};

TEST_F(EventNamesTest, ANumberIsOfTheCores) {
  const EventNames& names = On(WriteIntelServer);
  EXPECT_EQ(Good(names.Encode("r01cd")),
            (EventEncoding{.name = "r01cd", .pmu = "cpu", .type = 4, .config = 0x1cd, .number_unchecked = true}));
  EXPECT_TRUE(Good(names.Encode("rC0:u")).exclude_kernel);
  EXPECT_EQ(Good(names.Encode("rC0:pp")).precise_ip, 2);
}

TEST_F(EventNamesTest, BitsThatTheKernelWouldDropAreRefused) {
  const EventNames& names = On(WriteIntelServer);
  const absl::Status status = names.Encode("r8000001cd0").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("bits 0x8000000000 of 0x8000001cd0 are of no field of PMU cpu"));
  EXPECT_TRUE(absl::IsInvalidArgument(names.Encode("cpu/config=0x8000001cd0/").status()));
  EXPECT_TRUE(absl::IsNotFound(names.Encode("r11112222333344445").status())) << "more than 64 bits are no number";
}

TEST_F(EventNamesTest, WordsOfAPmuTakeModifiersBehindThem) {
  const EventNames& names = On(WriteIntelServer);
  const EventEncoding loads = Good(names.Encode("cpu/mem-loads,ldlat=30/P"));
  EXPECT_EQ(loads.config, 0x1cdu);
  EXPECT_EQ(loads.config1, 30u);
  EXPECT_EQ(loads.precise_ip, 3);
  EXPECT_EQ(loads.name, "cpu/mem-loads,ldlat=30/P");
  EXPECT_EQ(Good(names.Encode("cpu/event=0xc0/:k")).exclude_user, true);
  EXPECT_TRUE(absl::IsInvalidArgument(names.Encode("cpu/mem-loads").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(names.Encode("cpu//").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(names.Encode("cpu/mem-loads/z").status()));
  EXPECT_THAT(names.Encode("cpux/mem-loads/").status().message(), HasSubstr("this host has no PMU 'cpux': near are cpu"));
}

TEST_F(EventNamesTest, AWholeUnitOutsideTheCoresNeedsNoWords) {
  const EventNames& names = On(WriteAmd);
  EXPECT_EQ(Good(names.Encode("ibs_op//")), (EventEncoding{.name = "ibs_op//", .pmu = "ibs_op", .type = 10}));
  const EventEncoding l3 = Good(names.Encode("amd_l3/event=0x04,umask=0x01/"));
  EXPECT_FALSE(l3.per_thread);
  EXPECT_EQ(l3.cpus, (std::vector<int>{0, 8}));
}

TEST_F(EventNamesTest, GenericNamesAreTheKernelsToMap) {
  const EventNames& names = On(WriteIntelServer);
  EXPECT_EQ(Good(names.Encode("L1-dcache-load-misses:u")), (EventEncoding{.name = "L1-dcache-load-misses:u",
                                                                          .pmu = "cpu",
                                                                          .type = 3,
                                                                          .config = 0x10000,
                                                                          .exclude_kernel = true,
                                                                          .exclude_hypervisor = true}));
  EXPECT_EQ(Good(names.Encode("context-switches")).pmu, "software");
  EXPECT_EQ(Good(names.Encode("cpu/instructions/")).config, 1u);
  EXPECT_EQ(Good(names.Encode("cpu/cache-misses/")).config, 0x412eu) << "the PMU's own event of that name comes first";
  EXPECT_EQ(Good(names.Encode("software/page-faults/")).type, 1u);
  EXPECT_TRUE(absl::IsInvalidArgument(names.Encode("cycles:q").status()));
}

TEST_F(EventNamesTest, AHybridProcessorCountsOnEachKindOfCore) {
  const EventNames& names = On(WriteHybrid);
  const auto all = names.EncodeAll("cycles");
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_THAT(*all, SizeIs(2));
  EXPECT_EQ((*all)[0].config, 0xa00000000u);
  EXPECT_EQ((*all)[0].pmu, "cpu_atom");
  EXPECT_THAT((*all)[0].cpus, SizeIs(8));
  EXPECT_EQ((*all)[1].config, 0x400000000u);
  EXPECT_THAT(names.Encode("cycles").status().message(), HasSubstr("of cpu_atom, cpu_core"));
  EXPECT_EQ(Good(names.Encode("cpu_core/cycles/")).config, 0x400000000u);
  EXPECT_EQ(Good(names.Encode("page-faults")).config, 2u) << "the kernel's own events have one count";
}

TEST_F(EventNamesTest, TheLibrarysNumbersAreOfTheFirstKindOfCoreAlone) {
  const EventNames& names = On(WriteHybrid);
  const EventEncoding miss = Good(names.Encode("MEM_LOAD_RETIRED:L3_MISS:u"));
  EXPECT_EQ(miss.pmu, "cpu_core");
  EXPECT_EQ(miss.type, 4u);
  EXPECT_THAT(miss.cpus, SizeIs(16));
  const auto cycles = names.EncodeAll("PERF_CYCLES");
  ASSERT_TRUE(cycles.ok()) << cycles.status();
  EXPECT_THAT(*cycles, SizeIs(2));
}

TEST_F(EventNamesTest, TheLibraryComesLast) {
  const EventNames& names = On(WriteIntelServer);
  EXPECT_EQ(Good(names.Encode("MEM_LOAD_RETIRED:L3_MISS:u")),
            (EventEncoding{.name = "MEM_LOAD_RETIRED:L3_MISS:u", .pmu = "cpu", .type = 4, .config = 0x20d1, .exclude_kernel = true}));
  EXPECT_EQ(Good(names.Encode("PERF_FAULTS")).pmu, "software");
  EXPECT_TRUE(absl::IsInvalidArgument(names.Encode("BAD_VALUE").status()));
}

TEST_F(EventNamesTest, WhatDoesNotExistNamesTheProcessorAndNearNames) {
  const EventNames& names = On(WriteIntelServer);
  const absl::Status generic = names.Encode("instruction").status();
  EXPECT_TRUE(absl::IsNotFound(generic));
  EXPECT_THAT(generic.message(),
              AllOf(HasSubstr("event 'instruction' does not exist on this CPU (skx)"), HasSubstr("near are "), HasSubstr("instructions")));
  EXPECT_THAT(names.Encode("mem_load_retired:l3_mis").status().message(), HasSubstr("MEM_LOAD_RETIRED:L3_MISS"));
  EXPECT_THAT(names.Encode("instructons:u").status().message(), HasSubstr("near are instructions"));
  EXPECT_THAT(names.Encode("page-fault").status().message(), AllOf(HasSubstr("page-faults"), Not(HasSubstr("PAGE-FAULTS")))) << "once";
  EXPECT_THAT(names.Encode("l1d_miss").status().message(), HasSubstr("l1d_misses")) << "a metric";
  EXPECT_THAT(names.Encode("zzzzzzzzzzzz").status().message(),
              AllOf(HasSubstr("event not found: name an event of the kernel"), HasSubstr("r01cd: unit mask 01, event cd")));
}

TEST_F(EventNamesTest, HostileNamesAreRefusedAndNotRepeated) {
  const EventNames& names = On(WriteIntelServer);
  for (const std::string& name : {std::string(), std::string(100'000, 'x'), std::string("cyc\0les", 7)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(names.Encode(name).status()));
  }
  EXPECT_LT(names.Encode(std::string(4000, 'x')).status().message().size(), 400u);
  EXPECT_LT(names.Encode(std::string(4000, 'x') + "//").status().message().size(), 500u);
}

TEST_F(EventNamesTest, DamagedNamesNeverGiveAnEncodingThatTheUnitHasNotTheBitsFor) {
  const EventNames& names = On(WriteIntelServer);
  const std::string seeds[] = {"cpu/mem-loads,ldlat=30/P",
                               "cpu/event=0xa3,umask=0x4,cmask=4,inv/u",
                               "r00000000000001cd:ukh",
                               "cycles:ppp",
                               "uncore_imc_0/cas_count_read/",
                               "L1-dcache-load-misses:u",
                               "cpu/config=0x1cd,config1=0xffffffff/"};
  constexpr std::string_view kBytes = "/:,=?0123456789abcdefxrukpP-_ \n\xff";
  std::mt19937 random(6);
  size_t encoded = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string name = seeds[random() % std::size(seeds)];
    for (uint32_t change = random() % 3; change > 0; --change) {
      const size_t at = random() % name.size();
      const char byte = kBytes[random() % kBytes.size()];
      if (random() % 3 == 0) {
        name.insert(at, 1, byte);
      } else if (name.size() > 1 && random() % 2 == 0) {
        name.erase(at, 1);
      } else {
        name[at] = byte;
      }
    }
    const auto encoding = names.Encode(name);
    if (!encoding.ok()) {
      EXPECT_FALSE(encoding.status().message().empty()) << name;
      continue;
    }
    ++encoded;
    EXPECT_EQ(encoding->name, name);
    if (encoding->type == 4) {
      EXPECT_EQ(encoding->config & ~uint64_t{0x1ffa4ffff}, 0u) << name;
    }
    EXPECT_LE(encoding->precise_ip, 3) << name;
  }
  EXPECT_GT(encoded, 1000u);
}

TEST_F(EventNamesTest, AnArmNumberThatTheProcessorHasNotIsRefusedWhicheverWayItIsGiven) {
  const EventNames& names = On(WriteArm);
  for (const char* name : {"r3", "armv8_pmuv3/event=0x3/", "armv8_pmuv3/config=0x3/", "ARM_REFILL"}) {
    const absl::Status status = names.Encode(name).status();
    EXPECT_TRUE(absl::IsNotFound(status)) << name;
    EXPECT_THAT(status.message(), HasSubstr("not implemented by this CPU")) << name;
  }
  const EventEncoding retired = Good(names.Encode("r8"));
  EXPECT_EQ(retired.type, 8u);
  EXPECT_FALSE(retired.number_unchecked);
  EXPECT_TRUE(Good(names.Encode("rc1")).number_unchecked);
  EXPECT_THAT(names.Encode("cycles:p").status().message(), HasSubstr("would mean nothing"));
}

TEST_F(EventNamesTest, OnTwoKindsOfArmCoreEachHasItsOwnNumbers) {
  const EventNames& names = On(WriteBigLittle);
  EXPECT_EQ(Good(names.Encode("armv8_cortex_a72/l1d_cache_refill/")).type, 9u);
  EXPECT_TRUE(absl::IsNotFound(names.Encode("armv8_cortex_a53/event=3/").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(names.Encode("ARM_REFILL").status()));
  const auto cycles = names.EncodeAll("r11");
  ASSERT_TRUE(cycles.ok()) << cycles.status();
  EXPECT_THAT(*cycles, SizeIs(2));
}

TEST_F(EventNamesTest, WithoutCoresTheReasonNamesTheMend) {
  const EventNames& names = On(WriteKernelPmus);
  for (const char* name : {"cycles", "r3", "MEM_LOAD_RETIRED:L3_MISS:u", "PERF_CYCLES"}) {
    const absl::Status status = names.Encode(name).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << name;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("cannot be counted: the kernel lists no PMU"), HasSubstr("let the hypervisor"))) << name;
  }
  EXPECT_EQ(Good(names.Encode("task-clock")).config, 1u);
}

TEST_F(EventNamesTest, TheKernelsRefusalNamesTheEvent) {
  const EventNames& names = On(WriteIntelServer);
  EXPECT_TRUE(names.Validate(Good(names.Encode("page-faults"))).ok());
  const absl::Status refused = names.Validate(Good(names.Encode("cycles")));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_EQ(refused.message(), "event 'cycles': the kernel has none: take another");
}

}  // namespace
}  // namespace hftmon
