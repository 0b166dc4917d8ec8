#include "daemon/pmu/fault_sampler.h"

#include <gmock/gmock.h>

#include <bit>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "tests/common/perf/perf_data_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr pid_t kProcess = 500;

class FaultSamplerTest : public ::testing::Test {
 protected:
  FaultSamplerTest() { kernel_.threads = {500, 501}; }
  absl::StatusOr<FaultSampler> Open(const FaultSampler::Options& options = {.ring_pages = 4}) {
    return FaultSampler::Open(
        kernel_, kernel_, [this](pid_t) { return kernel_.List(); }, kProcess, options);
  }
  // As the kernel writes it for the event that was opened: with the thread's faults so far.
  Bytes Sample(pid_t tid, uint64_t address, uint64_t abi = 2) {
    const perf_event_attr& attributes = kernel_.events().begin()->second.attributes;
    PerfAttr attr;
    attr.sample_type = attributes.sample_type;
    attr.user_registers = attributes.sample_regs_user;
    attr.user_stack_bytes = attributes.sample_stack_user;
    WrittenSample sample{.time_ns = 9'000, .address = address, .pid = kProcess, .tid = static_cast<uint32_t>(tid), .cpu = 3};
    sample.values = {{.value = fault_count_[tid] += attributes.sample_period}};
    sample.user_abi = abi;
    if (abi != 0) sample.user_registers.assign(static_cast<size_t>(std::popcount(attributes.sample_regs_user)), 0x77);
    sample.user_stack = Bytes(64);
    sample.user_stack_copied = 24;
    return RecordBytes(PerfRecordType::kSample, 2, SampleBody(attr, sample));
  }
  static std::vector<uint64_t> Drain(FaultSampler& sampler) {
    std::vector<uint64_t> addresses;
    sampler.Drain([&](const SampledFault& fault) { addresses.push_back(fault.address); });
    return addresses;
  }
  size_t OnCount() const {
    size_t count = 0;
    for (const auto& [descriptor, event] : kernel_.events()) count += event.on ? 1 : 0;
    return count;
  }
  FakeSamplingEvents kernel_;
  std::map<pid_t, uint64_t> fault_count_;
};

TEST_F(FaultSamplerTest, EachThreadsFaultsComeWithTheirRegistersAndStack) {
  auto sampler = Open();
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  EXPECT_EQ(OnCount(), 0u);
  const perf_event_attr& attributes = kernel_.events().begin()->second.attributes;
  EXPECT_EQ(attributes.type, PERF_TYPE_SOFTWARE);
  EXPECT_EQ(attributes.config, PERF_COUNT_SW_PAGE_FAULTS);
  EXPECT_EQ(attributes.freq, 0u) << "a frequency keeps the tick of every CPU on";
  EXPECT_EQ(attributes.sample_type & PERF_SAMPLE_PERIOD, 0u) << "with it the kernel samples every fault whatever the period is";
  ASSERT_TRUE(sampler->Enable().ok());
  ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, 0x1000)));
  ASSERT_TRUE(kernel_.Write(501, 0, Sample(501, 0x2000)));
  std::vector<uint32_t> tids;
  sampler->Drain([&](const SampledFault& fault) {
    tids.push_back(fault.tid);
    EXPECT_EQ(fault.pid, static_cast<uint32_t>(kProcess));
    EXPECT_EQ(fault.mono_ns, 9'000);
    EXPECT_EQ(fault.cpu, 3u);
    EXPECT_EQ(fault.weight, 1u);
#if defined(__x86_64__)
    EXPECT_EQ(fault.registers.size(), 20 * sizeof(uint64_t));
    EXPECT_EQ(fault.stack.size(), 24u);
#endif
  });
  EXPECT_THAT(tids, ElementsAre(500u, 501u));
  EXPECT_EQ(sampler->counts().sample_count, 2u);
  EXPECT_EQ(sampler->counts().fault_count, 2u);
  EXPECT_EQ(sampler->counts().thread_count, 2u);
  ASSERT_TRUE(sampler->Disable().ok());
  EXPECT_EQ(OnCount(), 0u);
}

TEST_F(FaultSamplerTest, RegistersOfA32BitProgramAreNotTakenForOthers) {
  auto sampler = Open();
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  for (const uint64_t abi : {0, 1}) ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, 0x1000, abi)));
  size_t count = 0;
  sampler->Drain([&](const SampledFault& fault) {
    ++count;
    EXPECT_TRUE(fault.registers.empty());
    EXPECT_TRUE(fault.stack.empty());
  });
  EXPECT_EQ(count, 2u);
}

TEST_F(FaultSamplerTest, AThreadThatFaultsOftenIsSampledMoreSeldomAndOthersAreNot) {
  auto sampler = Open({.ring_pages = 64});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  ASSERT_TRUE(kernel_.Write(501, 0, Sample(501, 1)));
  for (size_t i = 0; i < FaultSampler::kDrainSamplesMax; ++i) ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, i)));
  EXPECT_THAT(Drain(*sampler), SizeIs(FaultSampler::kDrainSamplesMax + 1));
  std::vector<uint64_t> periods;
  for (const auto& [descriptor, event] : kernel_.events()) periods.push_back(event.attributes.sample_period);
  EXPECT_THAT(periods, ElementsAre(FaultSampler::kPeriodFactor, 1u));
  ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, 7)));
  sampler->Drain([](const SampledFault& fault) { EXPECT_EQ(fault.weight, FaultSampler::kPeriodFactor); });
  EXPECT_EQ(sampler->counts().fault_count, FaultSampler::kDrainSamplesMax + 1 + FaultSampler::kPeriodFactor);
}

TEST_F(FaultSamplerTest, FaultsBeforeASampleThatFoundNoRoomAreToldApart) {
  auto sampler = Open();
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, 1)));
  fault_count_[500] += 1'000;
  ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, 2)));
  --fault_count_[500];
  ASSERT_TRUE(kernel_.Write(500, 0, Sample(500, 2)));  // once more, as its period changes
  EXPECT_THAT(Drain(*sampler), ElementsAre(1u, 2u));
  EXPECT_EQ(sampler->counts().fault_count, 2u);
  EXPECT_EQ(sampler->counts().untold_fault_count, 1'000u);
  EXPECT_EQ(sampler->counts().undecoded_count, 0u);
}

TEST_F(FaultSamplerTest, ThreadsThatComeAreSampledByTheNextLookAndRefusedOnesAreTold) {
  auto sampler = Open({.ring_pages = 4, .threads_max = 3});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  kernel_.threads = {500, 501, 502, 503};
  ASSERT_TRUE(sampler->Look().ok());
  EXPECT_EQ(OnCount(), 3u);
  ASSERT_TRUE(kernel_.Write(502, 0, Sample(502, 0x5000)));
  EXPECT_THAT(Drain(*sampler), ElementsAre(0x5000u));
  EXPECT_EQ(sampler->counts().thread_count, 3u);
  EXPECT_EQ(sampler->counts().unsampled_thread_count, 1u);
  EXPECT_THAT(sampler->counts().unsampled_reason, HasSubstr("3 threads are sampled"));
  ASSERT_TRUE(sampler->Look().ok());
  EXPECT_EQ(sampler->counts().unsampled_thread_count, 1u) << "it is met once";
}

TEST_F(FaultSamplerTest, WhatTheKernelRefusesIsAnErrorAtFirst) {
  kernel_.open_errors = {EACCES};
  EXPECT_TRUE(absl::IsPermissionDenied(Open().status())) << Open().status();
  kernel_.threads.clear();
  EXPECT_TRUE(absl::IsNotFound(Open().status()));
  kernel_.threads = {500, 501, 502};
  EXPECT_TRUE(absl::IsResourceExhausted(Open({.ring_pages = 4, .threads_max = 2}).status()));
}

TEST_F(FaultSamplerTest, WhatIsNoSampleOfItsKindIsCounted) {
  auto sampler = Open();
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  ASSERT_TRUE(kernel_.Write(500, 0, RecordBytes(PerfRecordType::kSample, 2, Bytes(16))));
  EXPECT_THAT(Drain(*sampler), SizeIs(0));
  EXPECT_EQ(sampler->counts().undecoded_count, 1u);
  EXPECT_EQ(sampler->counts().sample_count, 0u);
}

}  // namespace
}  // namespace hftmon
