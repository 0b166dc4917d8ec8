#include "daemon/pmu/memory_sampler.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/common/perf/perf_data_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr pid_t kProcess = 500;
constexpr uint64_t kFields =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_DATA_SRC;
constexpr uint64_t kLoadOfL1 = 0x68100142;  // as a server's loads have it: hit L1, locked not, TLB hit
constexpr size_t kPlenty = 1'000;

SampledEvent Event(const std::string& name, uint64_t period = 100) {
  SampledEvent event{.name = name};
  event.attributes.type = PERF_TYPE_RAW;
  event.attributes.sample_period = period;
  event.attributes.sample_type = kFields;
  event.attributes.inherit = 1;  // is overwritten
  return event;
}

Bytes Sample(pid_t tid, uint64_t address, uint64_t data_source = kLoadOfL1) {
  const WrittenSample sample{.ip = 0x401000,
                             .time_ns = 9'000,
                             .address = address,
                             .pid = kProcess,
                             .tid = static_cast<uint32_t>(tid),
                             .cpu = 3,
                             .data_source = data_source};
  return RecordBytes(PerfRecordType::kSample, 2, SampleBody(PlainAttr(kFields), sample));
}

class MemorySamplerTest : public ::testing::Test {
 protected:
  MemorySamplerTest() { kernel_.threads = {500, 501, 502}; }
  absl::StatusOr<MemorySampler> Open(const std::vector<SampledEvent>& events, const MemorySampler::Options& options = {.ring_pages = 1}) {
    return MemorySampler::OpenProcess(
        kernel_, kernel_, [this](pid_t) { return kernel_.List(); }, kProcess, events, options);
  }
  MemorySampler MustOpen(const std::vector<SampledEvent>& events) {
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
  size_t OnCount() const {
    size_t count = 0;
    for (const auto& [descriptor, event] : kernel_.events()) count += event.on ? 1 : 0;
    return count;
  }

  FakeSamplingEvents kernel_;
};

TEST_F(MemorySamplerTest, EachThreadsAccessesAreHandedOutOnce) {
  MemorySampler sampler = MustOpen({Event("loads")});
  EXPECT_EQ(sampler.thread_count(), 3u);
  for (const pid_t tid : {500, 501, 502, 501}) ASSERT_TRUE(kernel_.Write(tid, 0, Sample(tid, 0x7000 + static_cast<uint64_t>(tid))));
  const std::vector<MemoryAccess> accesses = Drain(sampler);
  ASSERT_THAT(accesses, SizeIs(4));
  EXPECT_EQ(accesses[1].tid, 501u);
  EXPECT_EQ(accesses[2].tid, 501u);
  EXPECT_EQ(accesses[3].pid, static_cast<uint32_t>(kProcess));
  EXPECT_EQ(accesses[3].address, 0x7000u + 502);
  EXPECT_EQ(accesses[3].code_address, 0x401000u);
  EXPECT_EQ(accesses[3].time_ns, 9'000);
  EXPECT_EQ(accesses[3].cpu, 3u);
  EXPECT_EQ(accesses[3].period, 100u);
  EXPECT_FALSE(accesses[3].latency_cycles.has_value());
  EXPECT_TRUE(accesses[3].source.load);
  EXPECT_EQ(accesses[3].source.level, AccessLevel::kL1);
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  EXPECT_EQ(sampler.counts().access_count, 4u);
  EXPECT_TRUE(sampler.counts().complete());
}

TEST_F(MemorySamplerTest, ItIsOpenedOffAndGoesOnAndOffTogether) {
  auto sampler = Open({Event("loads"), Event("stores")});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  EXPECT_EQ(OnCount(), 0u);
  EXPECT_FALSE(kernel_.Write(500, 0, Sample(500, 1)));
  ASSERT_TRUE(sampler->Enable().ok());
  EXPECT_EQ(OnCount(), 6u);
  ASSERT_TRUE(kernel_.Write(500, 1, Sample(500, 2)));
  ASSERT_TRUE(sampler->Disable().ok());
  EXPECT_EQ(OnCount(), 0u);
  EXPECT_THAT(Drain(*sampler), SizeIs(1)) << "what was written stays to be read";
}

TEST_F(MemorySamplerTest, WhereOneCannotBeSwitchedOnNoneIs) {
  auto sampler = Open({Event("loads")});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  kernel_.control_errors = {0, 0, EIO};
  const absl::Status status = sampler->Enable();
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("loads of thread 502"), HasSubstr("switch on")));
  EXPECT_EQ(OnCount(), 0u);
}

TEST_F(MemorySamplerTest, EventsOfAThreadShareARingAndThoseThatJoinFollowTheirLeader) {
  SampledEvent loads = Event("loads");
  loads.joins_previous = true;
  MemorySampler sampler = MustOpen({Event("aux", 0), loads, Event("stores")});
  EXPECT_EQ(kernel_.mapping_count(), 3u);
  ASSERT_EQ(kernel_.events().size(), 9u);
  int leader = -1;
  for (const auto& [descriptor, event] : kernel_.events()) {
    EXPECT_EQ(event.attributes.inherit, 0u);
    EXPECT_EQ(event.attributes.sample_id_all, 1u);
    if (event.leader != -1) {
      EXPECT_EQ(event.leader, leader);
      EXPECT_EQ(event.attributes.disabled, 0u);
      EXPECT_EQ(event.output, leader);
    } else {
      EXPECT_EQ(event.attributes.disabled, 1u);
      if (event.attributes.sample_period == 0) leader = descriptor;
    }
  }
  ASSERT_TRUE(kernel_.Write(501, 1, Sample(501, 1)));
  ASSERT_TRUE(kernel_.Write(501, 2, Sample(501, 2)));
  const std::vector<MemoryAccess> accesses = Drain(sampler);
  ASSERT_THAT(accesses, SizeIs(2));
  EXPECT_EQ(accesses[0].period, 100u) << "not the period of what only counts";
}

TEST_F(MemorySamplerTest, ThreadsThatComeMeanwhileAreSampledOnceAndThoseThatEndLeftOut) {
  kernel_.before_open = [&](pid_t tid) {
    if (tid == 501) kernel_.threads.insert(499);
    if (tid == 499) kernel_.threads.insert(503);
    if (tid == 502) kernel_.threads.erase(502);
  };
  const auto sampler = Open({Event("loads")});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  std::multiset<pid_t> tids;
  for (const auto& [descriptor, event] : kernel_.events()) tids.insert(event.tid);
  EXPECT_THAT(tids, ElementsAre(499, 500, 501, 503));
}

TEST_F(MemorySamplerTest, AProcessThatEndsOrMakesThreadsWithoutEndHasItsReason) {
  pid_t next = 503;
  kernel_.before_open = [&](pid_t) { kernel_.threads.insert(next++); };
  const absl::Status endless = Open({Event("loads")}).status();
  EXPECT_TRUE(absl::IsAborted(endless)) << endless;
  EXPECT_TRUE(kernel_.events().empty());
  EXPECT_EQ(kernel_.mapping_count(), 0u);
  kernel_.before_open = [&](pid_t) { kernel_.threads.clear(); };
  const absl::Status ended = Open({Event("loads")}).status();
  EXPECT_TRUE(absl::IsNotFound(ended)) << ended;
  EXPECT_THAT(std::string(ended.message()), HasSubstr("process 500 ended"));
  kernel_.before_open = nullptr;
  EXPECT_TRUE(absl::IsNotFound(Open({Event("loads")}).status())) << "nor when it is not there to begin with";
}

TEST_F(MemorySamplerTest, AtEveryRefusalNothingIsLeftOpen) {
  // Two events of three threads: the error comes at each of the calls in turn; the fake sees what is left at its end.
  for (size_t at = 0; at < 6; ++at) {
    kernel_.open_errors.assign(at, 0);
    kernel_.open_errors.push_back(EMFILE);
    const absl::Status status = Open({Event("loads"), Event("stores")}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(at % 2 == 0 ? "loads of thread 50" : "stores of thread 50"));
    EXPECT_TRUE(kernel_.events().empty());
    EXPECT_EQ(kernel_.mapping_count(), 0u);
  }
  kernel_.open_errors.clear();
  for (size_t at = 0; at < 3; ++at) {
    kernel_.map_errors.assign(at, 0);
    kernel_.map_errors.push_back(EPERM);
    const absl::Status status = Open({Event("loads"), Event("stores")}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("8192 bytes"), HasSubstr("CAP_IPC_LOCK")));
    EXPECT_TRUE(kernel_.events().empty());
  }
  kernel_.control_errors = {0, EINVAL};
  const absl::Status status = Open({Event("loads"), Event("stores")}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("stores of thread 501: its samples cannot go into the ring of loads"));
  EXPECT_TRUE(kernel_.events().empty());
}

TEST_F(MemorySamplerTest, AnInterruptedOpenIsTriedAgain) {
  kernel_.open_errors = {EINTR, EAGAIN};
  EXPECT_EQ(MustOpen({Event("loads")}).thread_count(), 3u);
}

TEST_F(MemorySamplerTest, EventsThatCannotShareARingAreRefused) {
  SampledEvent other = Event("other");
  other.attributes.sample_type |= PERF_SAMPLE_WEIGHT;
  SampledEvent clock = Event("clock");
  clock.attributes.use_clockid = 1;
  SampledEvent joins = Event("joins");
  joins.joins_previous = true;
  SampledEvent unknown = Event("unknown");
  unknown.attributes.sample_type |= uint64_t{1} << 40;
  const std::vector<std::vector<SampledEvent>> refused = {
      {}, {Event("loads"), other}, {Event("loads"), clock}, {joins}, {Event("counts", 0)}, {unknown}, std::vector(33, Event("loads"))};
  for (const std::vector<SampledEvent>& events : refused) {
    EXPECT_TRUE(absl::IsInvalidArgument(Open(events).status())) << Open(events).status();
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Open({Event("loads")}, {.ring_pages = 3}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Open({Event("loads")}, {.ring_pages = 0}).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Open({Event("loads")}, {.threads_max = 2}).status()));
}

TEST_F(MemorySamplerTest, LossesDamageAndThrottlingAreCountedOfAllRings) {
  MemorySampler sampler = MustOpen({Event("loads")});
  const auto fill = [&](pid_t tid) {
    uint64_t lost = 0;
    for (int i = 0; i < 100; ++i) lost += kernel_.Write(tid, 0, Sample(tid, 0x40)) ? 0 : 1;
    return lost;
  };
  const uint64_t lost = fill(500) + fill(502);
  ASSERT_GT(lost, 0u);
  const size_t told = Drain(sampler).size();
  EXPECT_EQ(told, 200 - lost);
  for (const pid_t tid : {500, 502}) ASSERT_TRUE(kernel_.Write(tid, 0, Sample(tid, 0x40)));
  EXPECT_THAT(Drain(sampler), SizeIs(2));
  EXPECT_EQ(sampler.counts().ring.lost_count, lost);
  EXPECT_FALSE(sampler.counts().complete());

  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kThrottle, 0, WordsBody({1, 2, 3}))));
  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kUnthrottle, 0, WordsBody({1, 2, 3}))));
  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kLostSamples, 0, WordsBody({4}))));
  ASSERT_TRUE(kernel_.Write(501, 0, RecordBytes(PerfRecordType::kSample, 2, WordsBody({1, 2}))));
  ASSERT_TRUE(kernel_.Write(501, 0, Sample(501, 0x80)));
  EXPECT_THAT(Drain(sampler), SizeIs(1)) << "a sample that is not as it was asked for is none, and the next is read";
  kernel_.RingOf(502).SetHead(kernel_.RingOf(502).head() + 4);
  EXPECT_THAT(Drain(sampler), SizeIs(0));
  const MemorySamplerCounts counts = sampler.counts();
  EXPECT_EQ(counts.throttle_count, 1u);
  EXPECT_EQ(counts.unthrottle_count, 1u);
  EXPECT_EQ(counts.undecoded_count, 1u);
  EXPECT_EQ(counts.ring.dropped_count, 4u);
  EXPECT_EQ(counts.ring.damage_count, 1u);
  EXPECT_EQ(counts.access_count, told + 3);
}

TEST_F(MemorySamplerTest, NoMoreIsTakenOfEachRingThanIsAsked) {
  MemorySampler sampler = MustOpen({Event("loads")});
  for (const pid_t tid : {500, 501}) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(kernel_.Write(tid, 0, Sample(tid, 1)));
  }
  EXPECT_THAT(Drain(sampler, 3), SizeIs(6));
  EXPECT_THAT(Drain(sampler, 3), SizeIs(4));
}

TEST_F(MemorySamplerTest, ACpusAccessesAreThoseOfWhoeverRunsThere) {
  auto sampler = MemorySampler::OpenCpu(kernel_, kernel_, 1, std::vector{Event("loads")}, {.ring_pages = 2});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  ASSERT_EQ(kernel_.events().size(), 1u);
  EXPECT_EQ(kernel_.events().begin()->second.cpu, 1);
  for (const pid_t tid : {500, 77}) ASSERT_TRUE(kernel_.Write(-1, 0, Sample(tid, 1)));
  EXPECT_THAT(Drain(*sampler), SizeIs(2));
  const auto offline = MemorySampler::OpenCpu(kernel_, kernel_, 9, std::vector{Event("loads")}, {});
  EXPECT_TRUE(absl::IsNotFound(offline.status())) << offline.status();
  EXPECT_THAT(std::string(offline.status().message()), HasSubstr("CPU 9 is offline"));
  EXPECT_TRUE(absl::IsInvalidArgument(MemorySampler::OpenCpu(kernel_, kernel_, -1, std::vector{Event("loads")}, {}).status()));
}

}  // namespace
}  // namespace hftmon
