#include <gmock/gmock.h>

#include <limits>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};
constexpr char kMaps[] =
    "00001000-00002000 rw-p 00000000 00:00 0                          [heap]\n"
    "00010000-00020000 r--p 00005000 fd:00 12                         /lib/libfeed.so\n";

class MemoryRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
    maps_[kPid] = kMaps;
  }
  grpc::Status Query(const v1::QueryMemoryRequest& request) { return stub_->QueryMemory(Context().get(), request, &response_); }

  void AppendFault(int64_t end_ns, int64_t duration_ns, uint64_t address, hft_fault_kind kind = HFT_FAULT_USER_MINOR,
                   const ThreadKey& thread = kThread) {
    Spike spike = MakeSpike(end_ns, duration_ns, SpikeKind::kFault, thread);
    spike.cause_count = 1;
    spike.causes[0] = {.kind = CauseKind::kFault, .duration_ns = duration_ns};
    spike.unexplained_ns = 0;
    spike.stall.known = true;
    spike.stall.fault_kind = kind;
    spike.stall.address = address;
    spikes_.Append(&spike);
  }

  v1::QueryMemoryResponse response_;
};

TEST_F(MemoryRpcTest, FaultsAndFlushesAreToldByThread) {
  ThreadFaultTotal total;
  total.thread = kThread;
  total.faults[HFT_FAULT_USER_MINOR] = {.count = 3, .duration_ns = 9'000, .off_cpu_ns = 0, .longest_ns = 5'000};
  total.faults[HFT_FAULT_USER_MAJOR] = {.count = 1, .duration_ns = 90'000, .off_cpu_ns = 80'000, .longest_ns = 90'000};
  total.faults[HFT_FAULT_KERNEL_MINOR].count = 4;
  total.faults[HFT_FAULT_KERNEL_MAJOR].count = 5;
  total.unended_count = 6;
  total.reclaim = {.count = 7, .duration_ns = 70, .off_cpu_ns = 7, .longest_ns = 17};
  total.compaction.count = 8;
  for (size_t i = 0; i < total.tlb_flush_count.size(); ++i) total.tlb_flush_count[i] = 10 + i;
  total.tlb_full_count = 2;
  faults_.threads.push_back(total);
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadMemory& thread = response_.threads(0);
  EXPECT_EQ(thread.thread().tid(), 1001);
  EXPECT_TRUE(thread.available());
  EXPECT_EQ(thread.user_minor().count(), 3u);
  EXPECT_EQ(thread.user_minor().longest_ns(), 5'000);
  EXPECT_EQ(thread.user_major().duration_ns(), 90'000);
  EXPECT_EQ(thread.user_major().off_cpu_ns(), 80'000);
  EXPECT_EQ(thread.kernel_minor().count(), 4u);
  EXPECT_EQ(thread.reclaim().count(), 7u);
  EXPECT_EQ(thread.reclaim().longest_ns(), 17);
  EXPECT_EQ(thread.compaction().count(), 8u);
  EXPECT_EQ(thread.kernel_major().count(), 5u);
  EXPECT_EQ(thread.unended_count(), 6u);
  EXPECT_EQ(thread.tlb().switch_count(), 10u);
  EXPECT_EQ(thread.tlb().remote_shootdown_count(), 11u);
  EXPECT_EQ(thread.tlb().remote_full_count(), 2u);
  EXPECT_EQ(thread.tlb().local_count(), 12u + 13u);
  EXPECT_EQ(thread.tlb().sent_count(), 14u);
  EXPECT_EQ(thread.tlb().other_count(), 15u + 16u + 17u);
}

TEST_F(MemoryRpcTest, AThreadWithoutFiguresSaysWhyAndAnUnknownOneIsRefused) {
  ThreadFaultTotal total;
  total.thread = kThread;
  total.unavailable = "its target does not ask: attach it";
  faults_.threads.push_back(total);
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_FALSE(response_.threads(0).available());
  EXPECT_EQ(response_.threads(0).reason(), "its target does not ask: attach it");
  EXPECT_FALSE(response_.threads(0).has_user_minor());
  v1::QueryMemoryRequest request;
  request.add_tids(77);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_THREAD");
}

TEST_F(MemoryRpcTest, LongFaultsAreSummedByMapping) {
  targets_.SetFloors(50'000, 20'000);
  AppendFault(kNowNs - 50'000'000, 60'000, 0x10100);
  AppendFault(kNowNs - 40'000'000, 90'000, 0x1fff0, HFT_FAULT_USER_MAJOR, kOther);
  AppendFault(kNowNs - 30'000'000, 70'000, 0x1008);
  AppendFault(kNowNs - 20'000'000, 51'000, 0x99999);  // nothing is there now
  AppendFault(kNowNs - 10'000'000, 50'000, 0x1008);   // told of a target with a lower threshold: not of all
  AppendSpike(kNowNs - 5'000'000, 700'000, SpikeKind::kPreempted);
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.mappings_size(), 3);
  const v1::FaultedMapping& file = response_.mappings(0);
  EXPECT_EQ(file.pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(file.mapping(), "file");
  EXPECT_EQ(file.file(), "/lib/libfeed.so");
  EXPECT_EQ(file.mapping_start(), 0x10000u);
  EXPECT_EQ(file.count(), 2u);
  EXPECT_EQ(file.major_count(), 1u);
  EXPECT_EQ(file.duration_ns(), 150'000);
  EXPECT_EQ(file.longest_ns(), 90'000);
  EXPECT_EQ(file.longest_spike_id(), 2u);
  EXPECT_THAT(file.tids(), ElementsAre(1001, 1002));
  EXPECT_EQ(response_.mappings(1).mapping(), "heap");
  EXPECT_EQ(response_.mappings(2).mapping(), "unknown");
  EXPECT_EQ(response_.mappings(2).mapping_start(), 0u);
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(MemoryRpcTest, OnlyFaultsOfTheWindowCountAndOverwrittenOnesMakeItIncomplete) {
  AppendFault(kNowNs - 3 * kSecondNs, 60'000, 0x10100);
  AppendFault(kNowNs - 40'000'000, 90'000, 0x10100);
  v1::QueryMemoryRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.mappings_size(), 1);
  EXPECT_EQ(response_.mappings(0).count(), 1u);
  EXPECT_FALSE(response_.incomplete());
  for (uint64_t i = 0; i < kSpikeRingCapacity; ++i) AppendFault(kNowNs - 30'000'000, 9'000, 0x1000);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.incomplete());
}

TEST_F(MemoryRpcTest, TheFloorIsTheRunQueueThresholdsAndAbsentWhereThereIsNone) {
  targets_.SetFloors(30'000, 20'000);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.fault_floor_ns(), 30'000);
  targets_.SetFloors(std::numeric_limits<int64_t>::max(), 20'000);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_FALSE(response_.has_fault_floor_ns());
  EXPECT_FALSE(response_.incomplete()) << "nobody asks";
  targets_.Add(kPid, {.probe_groups = {"sched", "memory"}});
  targets_.SetFloors(std::numeric_limits<int64_t>::max(), 20'000);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_TRUE(response_.incomplete()) << "at some time nothing was recorded";
}

TEST_F(MemoryRpcTest, AGroupThatWasAskedForWithinTheWindowHasNoFloorInIt) {
  targets_.Add(kPid, {.spike_threshold_ns = 30'000, .probe_groups = {"sched", "memory"}});
  targets_.SetFloors(30'000, 20'000);
  v1::QueryMemoryRequest request;
  request.set_window_ns(kSecondNs);
  targets_.SetGroupSince(kPid, "memory", kNowNs - kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.fault_floor_ns(), 30'000);
  targets_.SetGroupSince(kPid, "memory", kNowNs - kSecondNs / 2);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_FALSE(response_.has_fault_floor_ns());
  EXPECT_TRUE(response_.incomplete());
}

TEST_F(MemoryRpcTest, AProcessThatHadTheNumberBeforeIsNotLookedIntoUnderIt) {
  TargetSelection selection;
  ASSERT_TRUE(selection.Select(targets_, google::protobuf::RepeatedField<int32_t>()).ok());
  const MappingLookup::Reader read = [](uint32_t) { return absl::StatusOr<ProcMaps>(ProcMaps::Parse(kMaps)); };
  MappingLookup lookup(&read, &selection);
  ThreadKey thread = kThread;
  EXPECT_NE(lookup.Find(thread, 0x10100), nullptr);
  EXPECT_EQ(lookup.Find(thread, 0x90000), nullptr);
  thread.start_ns = 99;  // the target's own start is 100
  EXPECT_EQ(lookup.Find(thread, 0x10100), nullptr);
  thread = kThread;
  thread.tgid = 4;  // no target
  EXPECT_EQ(lookup.Find(thread, 0x10100), nullptr);
}

TEST_F(MemoryRpcTest, AFaultsSpikeSaysWhatLiesAtItsAddressNow) {
  AppendFault(kNowNs - 50'000'000, 60'000, 0x10100, HFT_FAULT_KERNEL_MAJOR);
  v1::DetectSpikesRequest request;
  request.set_threshold_ns(1'000);
  v1::DetectSpikesResponse response;
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), request, &response).ok());
  ASSERT_EQ(response.spikes_size(), 1);
  EXPECT_EQ(response.spikes(0).kind(), "fault");
  EXPECT_EQ(response.spikes(0).causes(0).kind(), "fault");
  const v1::PageFault& fault = response.spikes(0).fault();
  EXPECT_TRUE(fault.major());
  EXPECT_TRUE(fault.in_kernel());
  EXPECT_EQ(fault.address(), 0x10100u);
  EXPECT_EQ(fault.mapping(), "file");
  EXPECT_EQ(fault.file(), "/lib/libfeed.so");
  EXPECT_EQ(fault.file_offset(), 0x5100u);
  maps_.clear();
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), request, &response).ok());
  EXPECT_EQ(response.spikes(0).fault().mapping(), "") << "it may not be looked into";
}

TEST_F(MemoryRpcTest, SendersMovedPagesAndCollapsesAreTold) {
  ThreadFaultTotal total;
  total.thread = kThread;
  total.migration = {.count = 3, .duration_ns = 300, .off_cpu_ns = 0, .longest_ns = 200};
  total.moved_page_count = 40;
  total.unmoved_page_count = 4;
  total.migration_reason_count[0] = 2;
  total.migration_reason_count[14] = 1;
  total.collapse_count = 5;
  total.failed_collapse_count = 6;
  total.senders.push_back({.tid = 55, .tgid = 50, .comm = "unmapper", .stack = 1, .count = 7, .full_count = 2});
  total.senders.push_back({.tid = 56, .tgid = 50, .comm = "protector", .stack = 2, .count = 9, .full_count = 0});
  total.other_sender_count = 8;
  total.unknown_sender_count = 1;
  faults_.threads.push_back(total);
  faults_.collapses[kPid] = {.count = 11, .failed_count = 12, .last_mono_ns = 13};
  faults_.missing = {{"compaction", "this kernel has no tracepoint mm_compaction_begin"}};
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadMemory& thread = response_.threads(0);
  EXPECT_EQ(thread.migration().count(), 3u);
  EXPECT_EQ(thread.migration().longest_ns(), 200);
  EXPECT_EQ(thread.migrations().moved_page_count(), 40u);
  EXPECT_EQ(thread.migrations().failed_page_count(), 4u);
  ASSERT_EQ(thread.migrations().reasons().size(), 2u);
  EXPECT_EQ(thread.migrations().reasons().at("compaction"), 2u);
  EXPECT_EQ(thread.migrations().reasons().at("other"), 1u);
  EXPECT_EQ(thread.collapse_count(), 5u);
  EXPECT_EQ(thread.failed_collapse_count(), 6u);
  ASSERT_EQ(thread.senders_size(), 2);
  EXPECT_EQ(thread.senders(0).comm(), "protector") << "the largest count first";
  EXPECT_EQ(thread.senders(0).stack().frames(0).symbol(), "stack_2");
  EXPECT_EQ(thread.senders(1).tid(), 55);
  EXPECT_EQ(thread.senders(1).pid(), 50);
  EXPECT_EQ(thread.senders(1).count(), 7u);
  EXPECT_EQ(thread.senders(1).full_count(), 2u);
  EXPECT_EQ(thread.other_sender_count(), 8u);
  EXPECT_EQ(thread.unknown_sender_count(), 1u);
  EXPECT_FALSE(thread.has_numa());
  ASSERT_EQ(response_.collapses_size(), 1);
  EXPECT_EQ(response_.collapses(0).pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(response_.collapses(0).count(), 11u);
  EXPECT_EQ(response_.collapses(0).failed_count(), 12u);
  EXPECT_EQ(response_.collapses(0).last_monotonic_ns(), 13);
  ASSERT_EQ(response_.unavailable_size(), 2);
  EXPECT_EQ(response_.unavailable(0).part(), "compaction");
  EXPECT_EQ(response_.unavailable(1).part(), "numa");
  EXPECT_EQ(response_.unavailable(1).reason(), "this host has one node");
  EXPECT_FALSE(response_.has_numa());
}

TEST_F(MemoryRpcTest, WhereTheKernelBalancesItIsToldOfTheHostAndOfEachThread) {
  numa_ = NumaBalancing{.unmapped_page_count = 1, .hint_fault_count = 2, .local_hint_fault_count = 3, .moved_page_count = 4};
  ThreadFaultTotal total;
  total.thread = kThread;
  faults_.threads.push_back(total);
  total.thread = kOther;  // of whom the kernel says nothing
  faults_.threads.push_back(total);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.unavailable_size(), 0);
  EXPECT_EQ(response_.numa().unmapped_page_count(), 1u);
  EXPECT_EQ(response_.numa().hint_fault_count(), 2u);
  EXPECT_EQ(response_.numa().local_hint_fault_count(), 3u);
  EXPECT_EQ(response_.numa().moved_page_count(), 4u);
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_EQ(response_.threads(0).numa().fault_count(), 1001u);
  EXPECT_EQ(response_.threads(0).numa().moved_page_count(), 7u);
  EXPECT_FALSE(response_.threads(1).has_numa());
}

}  // namespace
}  // namespace hftmon
