// MemorySampler and ProcessAccesses with events of Arm's statistical profiling, whose samples the hardware writes into AUX memory.
#include <gmock/gmock.h>

#include <cerrno>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/pmu/memory_sampler.h"
#include "daemon/pmu/process_accesses.h"
#include "tests/common/perf/spe_recorded.h"
#include "tests/common/perf/spe_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr pid_t kProcess = 500;
constexpr size_t kPage = PerfRingWriter::kPageBytes;
constexpr size_t kPlenty = 1'000;
constexpr uint64_t kLine = 0x7f0000001040;
constexpr uint8_t kFromPeer = 0x9;

SampledEvent Spe(const std::string& name = "arm_spe_0//", uint32_t type = 12) {
  SampledEvent event{.name = name, .spe = SpeSourceEncoding::kArm};
  event.attributes.type = type;
  event.attributes.sample_period = 1'024;
  event.attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
  return event;
}

Bytes Loads(uint64_t count, uint64_t address = kLine) {
  SpeWriter to;
  for (uint64_t i = 0; i < count; ++i) {
    Write({.code = 0x402000, .data = address, .cycles = 100 + i, .source = kFromPeer, .latency = 120, .has_context = false}, &to);
  }
  return to.bytes();
}

WrittenSample On(uint32_t cpu, uint32_t tid = 500) {
  return {.time_ns = 9'000, .pid = kProcess, .tid = tid, .cpu = cpu};
}

class TracedAccessesTest : public ::testing::Test {
 protected:
  TracedAccessesTest() {
    kernel_.threads = {500, 501};
    kernel_.conversion = PerfTimeConversion{.shift = 0, .multiplier = 1, .zero_ns = 50};
  }
  absl::StatusOr<MemorySampler> Open(const std::vector<SampledEvent>& events) {
    return MemorySampler::OpenProcess(kernel_, kernel_, [this](pid_t) { return kernel_.List(); }, kProcess, events,
                                      {.ring_pages = 1, .aux_pages = 4});
  }
  MemorySampler MustOpen(const std::vector<SampledEvent>& events = {Spe()}) {
    auto sampler = Open(events);
    EXPECT_TRUE(sampler.ok()) << sampler.status();
    EXPECT_TRUE(sampler->Enable().ok());
    return *std::move(sampler);
  }
  static std::vector<MemoryAccess> Drain(MemorySampler& sampler, size_t records_max = kPlenty) {
    std::vector<MemoryAccess> accesses;
    sampler.Drain(records_max, [&](const MemoryAccess& access) { accesses.push_back(access); });
    return accesses;
  }

  FakeSamplingEvents kernel_;
};

TEST_F(TracedAccessesTest, AThreadsAccessesAreItsOwnOnTheCpuThatTheRecordTells) {
  MemorySampler sampler = MustOpen();
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(2), On(0)));
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(1), On(1)));
  ASSERT_TRUE(kernel_.WriteAux(501, 0, RecordedSpe("el2-load-and-branch"), On(1, 501)));
  const std::vector<MemoryAccess> accesses = Drain(sampler);
  ASSERT_THAT(accesses, SizeIs(5));
  EXPECT_EQ(accesses[0].pid, 500u);
  EXPECT_EQ(accesses[0].tid, 500u);
  EXPECT_EQ(accesses[1].cpu, 0u);
  EXPECT_EQ(accesses[2].cpu, 1u);
  EXPECT_EQ(accesses[1].time_ns, 101 + 50);
  EXPECT_EQ(accesses[1].address, kLine);
  EXPECT_EQ(accesses[1].latency_cycles, 120u);
  EXPECT_EQ(accesses[1].period, 1'024u);
  EXPECT_TRUE(accesses[1].source.peer);
  EXPECT_EQ(accesses[3].tid, 501u);
  EXPECT_EQ(accesses[3].source.level, AccessLevel::kL1);
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  const MemorySamplerCounts counts = sampler.counts();
  EXPECT_EQ(counts.access_count, 5u);
  EXPECT_EQ(counts.traced.access_count, 5u);
  EXPECT_EQ(counts.interrupt_count_max(), 3u) << "one for each stretch, not for each sample";
  EXPECT_TRUE(counts.complete());
}

TEST_F(TracedAccessesTest, EachThreadAndKindOfCoreHasMemoryOfItsOwn) {
  MemorySampler sampler = MustOpen({Spe("arm_spe_0//", 12), Spe("arm_spe_1//", 13)});
  EXPECT_EQ(sampler.thread_count(), 2u);
  EXPECT_EQ(sampler.event_count(), 4u);
  EXPECT_EQ(sampler.memory_bytes(), 4 * (2 + 4) * kPage);
  EXPECT_EQ(kernel_.mapping_count(), 4u);
  for (const auto& [descriptor, event] : kernel_.events()) {
    EXPECT_EQ(event.attributes.aux_watermark, 2 * kPage) << "half of it";
    EXPECT_EQ(event.attributes.disabled, 1u) << "until the memory is there";
    EXPECT_EQ(event.attributes.inherit, 0u);
    EXPECT_EQ(event.output, -1);
  }
  ASSERT_TRUE(kernel_.WriteAux(501, 0, Loads(1), On(0, 501)));
  ASSERT_TRUE(kernel_.WriteAux(501, 1, Loads(2), On(5, 501)));
  EXPECT_THAT(Drain(sampler), SizeIs(3));
}

TEST_F(TracedAccessesTest, AThreadThatEndsBetweenItsEventsIsLeftOutWhole) {
  int opened = 0;
  kernel_.before_open = [&](pid_t tid) {
    if (tid == 500 && ++opened == 2) kernel_.threads.erase(500);
  };
  const auto sampler = Open({Spe("arm_spe_0//", 12), Spe("arm_spe_1//", 13)});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  EXPECT_EQ(sampler->thread_count(), 1u);
  for (const auto& [descriptor, event] : kernel_.events()) EXPECT_EQ(event.tid, 501);
}

TEST_F(TracedAccessesTest, AtEveryRefusalNothingIsLeftOpenAndTheMendIsNamed) {
  for (size_t at = 0; at < 4; ++at) {
    kernel_.map_errors.assign(at, 0);
    kernel_.map_errors.push_back(EPERM);
    const absl::Status status = Open({Spe()}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(at % 2 == 0 ? "the ring of arm_spe_0// of thread 50" : "the AUX memory of arm_spe_0// of thread 50"),
                      HasSubstr(at % 2 == 0 ? "8192 bytes" : "16384 bytes"), HasSubstr("CAP_IPC_LOCK")));
    EXPECT_TRUE(kernel_.events().empty());
    EXPECT_EQ(kernel_.mapping_count(), 0u);
  }
  kernel_.map_errors.clear();
  kernel_.open_errors = {EBUSY};
  const absl::Status busy = Open({Spe()}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(busy)) << busy;
  EXPECT_THAT(std::string(busy.message()), HasSubstr("perf"));
}

TEST_F(TracedAccessesTest, EventsThatCannotBeTogetherAreRefused) {
  SampledEvent records = Spe();
  records.spe.reset();
  SampledEvent joins = Spe();
  joins.joins_previous = true;
  SampledEvent counts = Spe();
  counts.attributes.sample_period = 0;
  for (const std::vector<SampledEvent>& events : {std::vector{Spe(), records}, {records, Spe()}, {Spe(), joins}, {Spe(), counts}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Open(events).status())) << Open(events).status();
  }
  EXPECT_TRUE(absl::IsInvalidArgument(MemorySampler::OpenCpu(kernel_, kernel_, 0, std::vector{Spe()}, {}).status()));
  for (const size_t aux_pages : {0, 1, 3}) {
    const auto list = [this](pid_t) { return kernel_.List(); };
    const MemorySampler::Options options{.ring_pages = 1, .aux_pages = aux_pages};
    const std::vector<SampledEvent> events = {Spe()};
    EXPECT_TRUE(absl::IsInvalidArgument(MemorySampler::OpenProcess(kernel_, kernel_, list, kProcess, events, options).status()));
  }
}

TEST_F(TracedAccessesTest, WhatFoundNoRoomIsCountedAndTheEventSwitchedOnAgain) {
  MemorySampler sampler = MustOpen();
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(150), On(0)));
  EXPECT_FALSE(kernel_.WriteAux(500, 0, Loads(150), On(0)));
  EXPECT_FALSE(kernel_.WriteAux(500, 0, Loads(1), On(0))) << "the kernel switched it off";
  EXPECT_THAT(Drain(sampler), SizeIs(150));
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(7), On(0)));
  EXPECT_THAT(Drain(sampler), SizeIs(7));
  const MemorySamplerCounts counts = sampler.counts();
  EXPECT_EQ(counts.traced.aux.truncated_count, 1u);
  EXPECT_EQ(counts.traced.resume_count, 1u);
  EXPECT_FALSE(counts.complete());
}

TEST_F(TracedAccessesTest, AnEventThatCannotBeSwitchedOnAgainIsTriedTheNextTimeAndNoneThatIsOff) {
  MemorySampler sampler = MustOpen();
  EXPECT_FALSE(kernel_.WriteAux(500, 0, Loads(300), On(0)));
  kernel_.control_errors = {EIO};
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  EXPECT_EQ(sampler.counts().traced.resume_count, 0u);
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  EXPECT_EQ(sampler.counts().traced.resume_count, 1u);
  EXPECT_FALSE(kernel_.WriteAux(500, 0, Loads(300), On(0)));
  ASSERT_TRUE(sampler.Disable().ok());
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  for (const auto& [descriptor, event] : kernel_.events()) EXPECT_FALSE(event.on);
}

TEST_F(TracedAccessesTest, LossesAndDamageAreCountedAndReadingGoesOn) {
  MemorySampler sampler = MustOpen();
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(1), On(0), PerfAux::kCollision));
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(1), On(0), PerfAux::kPartial));
  Bytes cut = Loads(2);
  cut.resize(cut.size() - 3);
  ASSERT_TRUE(kernel_.WriteAux(501, 0, cut, On(0, 501)));
  ASSERT_TRUE(kernel_.WriteAux(501, 0, Bytes(64, std::byte{0xff}), On(0, 501)));
  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kThrottle, 0, WordsBody({1, 2, 3}))));
  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kAux, 0, WordsBody({1}))));
  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kItraceStart, 0, WordsBody({1}))));
  ASSERT_TRUE(kernel_.AuxOf(500).TellOf(1, ~uint64_t{0}, 0, On(0)));
  EXPECT_THAT(Drain(sampler), SizeIs(3));
  kernel_.AuxOf(501).SetHead(uint64_t{1} << 50);
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(5), On(0)));
  EXPECT_THAT(Drain(sampler), SizeIs(5));
  const MemorySamplerCounts counts = sampler.counts();
  EXPECT_EQ(counts.traced.aux.collision_count, 1u);
  EXPECT_EQ(counts.traced.aux.partial_count, 1u);
  EXPECT_EQ(counts.traced.aux.damage_count, 2u);
  EXPECT_GE(counts.traced.read.malformed, 1u);
  EXPECT_EQ(counts.traced.read.cut_records, 1u);
  EXPECT_EQ(counts.undecoded_count, 1u);
  EXPECT_EQ(counts.throttle_count, 1u);
  EXPECT_FALSE(counts.complete());
}

TEST_F(TracedAccessesTest, WhereRecordsThatTellAreLostTheAccessesAreThereWithoutTheirCpu) {
  MemorySampler sampler = MustOpen();
  // A ring of a page is full of other records.
  while (kernel_.Write(500, 0, RecordBytes(PerfRecordType::kItraceStart, 0, WordsBody({1, 2, 3})))) {
  }
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(3), On(1)));
  const std::vector<MemoryAccess> accesses = Drain(sampler);
  ASSERT_THAT(accesses, SizeIs(3));
  EXPECT_FALSE(accesses[0].cpu.has_value());
  EXPECT_EQ(accesses[0].time_ns, 150) << "its own";
  ASSERT_TRUE(kernel_.WriteAux(500, 0, Loads(1), On(1)));
  EXPECT_EQ(Drain(sampler).at(0).cpu, 1u);
  EXPECT_EQ(sampler.counts().ring.lost_count, 2u);
  EXPECT_EQ(sampler.counts().traced.resume_count, 1u) << "one of them may have said that it was switched off";
  EXPECT_FALSE(sampler.counts().complete());
}

TEST_F(TracedAccessesTest, FewThreadsHaveMuchMemoryManyThreadsLess) {
  const auto bytes_of = [this](size_t threads) {
    for (size_t i = 0; i < threads; ++i) kernel_.threads.insert(static_cast<pid_t>(500 + i));
    const auto accesses = ProcessAccesses::Open(kernel_, kernel_, [this](pid_t) { return kernel_.List(); }, kProcess, {Spe()}, {});
    EXPECT_TRUE(accesses.ok()) << accesses.status();
    EXPECT_EQ(accesses->counts().thread_count, threads);
    EXPECT_EQ(accesses->counts().event_count, threads);
    return accesses->counts().ring_bytes;
  };
  EXPECT_EQ(bytes_of(2), 2 * (5 * kPage + ProcessAccesses::kAuxBytesMax));
  EXPECT_EQ(bytes_of(1'025), 1'025 * (5 * kPage + 8 * kPage)) << "the power of two below a share";
}

}  // namespace
}  // namespace hftmon
