#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

class InterruptsRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ThreadInterruptTotal thread;
    thread.thread = kThread;
    thread.stretch_max_ns = 12'000;
    thread.sources[HFT_SOURCE_LOCAL_TIMER] = {.count = 10, .self_ns = 40'000};
    thread.sources[HFT_SOURCE_SOFTIRQ + 3] = {.count = 4, .self_ns = 90'000};
    interrupts_.threads.push_back(thread);
    CpuInterruptTotal cpu;
    cpu.cpu = 1;
    cpu.sources[HFT_SOURCE_DEVICE] = {.count = 7, .self_ns = 21'000};
    cpu.devices.push_back({.irq = 36, .name = "eth0-rx", .count = 6, .unhandled_count = 2, .self_ns = 20'000});
    cpu.devices.push_back({.irq = 0, .name = "", .count = 1, .unhandled_count = 0, .self_ns = 1'000});
    interrupts_.cpus.push_back({.cpu = 0});
    interrupts_.cpus.push_back(cpu);
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  }
  grpc::Status Query(const v1::QueryInterruptsRequest& request) { return stub_->QueryInterrupts(Context().get(), request, &response_); }

  v1::QueryInterruptsResponse response_;
};

TEST_F(InterruptsRpcTest, AThreadsLossesAreToldBySourceLargestFirst) {
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadInterrupts& thread = response_.threads(0);
  EXPECT_EQ(thread.thread().tid(), 1001);
  EXPECT_EQ(thread.count(), 14u);
  EXPECT_EQ(thread.self_ns(), 130'000);
  EXPECT_EQ(thread.stretch_max_ns(), 12'000);
  ASSERT_EQ(thread.sources_size(), 2);
  EXPECT_EQ(thread.sources(0).name(), "NET_RX");
  EXPECT_EQ(thread.sources(0).kind(), "softirq");
  EXPECT_EQ(thread.sources(1).name(), "local_timer");
  EXPECT_EQ(thread.sources(1).kind(), "hard_irq");
}

TEST_F(InterruptsRpcTest, CpusTellTheirDevicesAndWhatIsNotGivenIsAbsent) {
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.cpus_size(), 1) << "a CPU without interrupts is left out";
  const v1::CpuInterrupts& cpu = response_.cpus(0);
  EXPECT_EQ(cpu.cpu(), 1);
  EXPECT_FALSE(cpu.has_steal_ns());
  ASSERT_EQ(cpu.devices_size(), 2);
  EXPECT_EQ(cpu.devices(0).name(), "eth0-rx");
  EXPECT_EQ(cpu.devices(0).unhandled_count(), 2u);
  EXPECT_EQ(cpu.devices(1).name(), "others");
}

TEST_F(InterruptsRpcTest, ACpuThatIsNamedIsToldEvenWithoutInterrupts) {
  v1::QueryInterruptsRequest request;
  request.add_cpus(0);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.cpus_size(), 1);
  EXPECT_EQ(response_.cpus(0).cpu(), 0);
}

TEST_F(InterruptsRpcTest, LinesAreReadOnlyWhenAskedForAndForTheThreadsAskedFor) {
  affinities_.report = InterruptAffinityReport{.lines = {{.irq = 36,
                                                          .handlers = {"eth0-rx", "bad\xff"},
                                                          .chip = "PCI-MSIX",
                                                          .allowed_cpus = {0, 1, 2},
                                                          .effective_cpus = {2},
                                                          .reserved_effective_cpus = {2},
                                                          .reserved_allowed_cpus = {1, 2},
                                                          .bound_threads = {{.thread = kThread, .cpus = {2}}},
                                                          .bound_thread_count = 9}},
                                               .unread_thread_count = 3,
                                               .unread_line_count = 4};
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.lines_size(), 0);
  EXPECT_TRUE(affinities_.asked().empty());
  v1::QueryInterruptsRequest request;
  request.set_with_lines(true);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(affinities_.asked().size(), 1u);
  EXPECT_EQ(affinities_.asked()[0], kThread);
  ASSERT_EQ(response_.lines_size(), 1);
  const v1::InterruptLine& line = response_.lines(0);
  EXPECT_EQ(line.irq(), 36);
  EXPECT_EQ(line.handlers(0), "eth0-rx");
  EXPECT_EQ(line.chip(), "PCI-MSIX");
  EXPECT_EQ(line.allowed_cpus_size(), 3);
  EXPECT_EQ(line.effective_cpus(0), 2);
  EXPECT_EQ(line.hit_reserved_cpus(0), 2);
  EXPECT_EQ(line.allowed_reserved_cpus(0), 1);
  EXPECT_EQ(line.hit_threads(0).thread().tid(), 1001);
  EXPECT_EQ(line.hit_threads(0).cpus(0), 2);
  EXPECT_EQ(line.hit_thread_count(), 9u);
  EXPECT_EQ(response_.unread_thread_count(), 3u);
  EXPECT_EQ(response_.unread_line_count(), 4u);
}

TEST_F(InterruptsRpcTest, AWindowIsOfItsThreadsAloneEndedOnesTooAndOnlyWhereItIsAskedFor) {
  const ThreadKey ended{.tid = 1002, .tgid = kPid, .start_ns = 300};
  const ThreadKey untouched{.tid = 1003, .tgid = kPid, .start_ns = 300};
  const int64_t begin_ns = kNowNs + kSecondNs;
  for (const ThreadKey& thread : {kThread, ended, untouched}) {
    ThreadDelta delta{
        .thread = thread, .slot = static_cast<uint16_t>(thread.tid % 64), .begin_mono_ns = begin_ns, .end_mono_ns = begin_ns + kSecondNs};
    delta.voluntary_count = 1;
    if (thread == kThread) delta.interrupted_ns = {30, 20, 1};
    if (thread == ended) delta.interrupted_ns = {0, 900, 0};
    windows_.OnThreadDelta(delta);
  }
  windows_.OnBucketClosed(begin_ns, begin_ns + kSecondNs, begin_ns + kSecondNs);
  status_.SetNow(begin_ns + kSecondNs);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_FALSE(response_.has_window());
  EXPECT_EQ(response_.window_threads_size(), 0);
  v1::QueryInterruptsRequest request;
  request.set_window_ns(kSecondNs);
  const grpc::Status status = Query(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.window().begin_monotonic_ns(), begin_ns);
  EXPECT_EQ(response_.window().requested_ns(), kSecondNs);
  ASSERT_EQ(response_.window_threads_size(), 2) << "nothing was taken from the third";
  EXPECT_EQ(response_.window_threads(0).thread().tid(), 1002) << "most taken first";
  EXPECT_EQ(response_.window_threads(0).hard_irq_ns(), 900);
  EXPECT_EQ(response_.window_threads(1).softirq_ns(), 30);
  EXPECT_EQ(response_.window_threads(1).hard_irq_ns(), 20);
  EXPECT_EQ(response_.window_threads(1).nmi_ns(), 1);
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(response_.threads(0).self_ns(), 130'000) << "by source it is of all the time";
  request.add_tids(1002);
  ASSERT_TRUE(Query(request).ok()) << "it has ended, and is in the window";
  EXPECT_EQ(response_.window_threads_size(), 1);
  EXPECT_EQ(response_.threads_size(), 0);
}

TEST_F(InterruptsRpcTest, AnAnswerWaitsUntilTheThreadsBeforeItAreKnownAndElseSaysThatItIsLate) {
  ASSERT_TRUE(Query({}).ok());
  EXPECT_FALSE(response_.late());
  status_.SetNow(kNowNs + 5 * kSecondNs);  // its bucket never closes
  ASSERT_TRUE(Query({}).ok());
  EXPECT_TRUE(response_.late());
}

TEST_F(InterruptsRpcTest, WhatWasPutOffIsToldOfTheCpusAskedFor) {
  deferred_.total.collecting = true;
  deferred_.total.missing = {"tasklets: none here"};
  deferred_.total.cpus.push_back({.cpu = 0});
  CpuDeferredTotal cpu{.cpu = 1, .queued_count = 3, .displaced_count = 1, .unended_count = 2};
  cpu.softirqs[3] = {.raise_count = 9,
                     .run_count = 5,
                     .unraised_count = 1,
                     .delay = {.count = 4, .sum_ns = 400, .longest_ns = 200, .buckets = {{128, 3}, {224, 1}}},
                     .duration = {.count = 5, .sum_ns = 900, .longest_ns = 300, .buckets = {{320, 5}}},
                     .overlapped_count = 2,
                     .interrupted_count = 6};
  cpu.handlers = {{.irq = 36, .name = "vda", .duration = {.count = 3, .sum_ns = 30, .longest_ns = 20, .buckets = {{128, 3}}}},
                  {.duration = {.count = 1}}};
  cpu.works = {{.function = "flush_to_ldisc", .begin_count = 2, .delay_count = 2, .delay_ns = 50, .end_count = 2, .duration_ns = 10},
               {.begin_count = 1}};
  cpu.tasklets = {{.function = "tx", .count = 1, .duration_ns = 7, .longest_ns = 7}};
  deferred_.total.cpus.push_back(cpu);
  deferred_.total.threads = {{.irq = 24, .name = "acpi", .tid = 70, .wake_count = 3, .running_count = 1, .delay_count = 2, .delay_ns = 90}};
  deferred_.total.unlisted_thread_count = 4;
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(deferred_.learned_count, 1);
  const v1::DeferredWork& deferred = response_.deferred();
  EXPECT_TRUE(deferred.collecting());
  EXPECT_EQ(deferred.missing(0), "tasklets: none here");
  ASSERT_EQ(deferred.cpus_size(), 1) << "a CPU without any is left out";
  const v1::CpuDeferred& told = deferred.cpus(0);
  ASSERT_EQ(told.softirqs_size(), 1);
  EXPECT_EQ(told.softirqs(0).name(), "NET_RX");
  EXPECT_EQ(told.softirqs(0).raise_count(), 9u);
  EXPECT_EQ(told.softirqs(0).delay().buckets(1).upper_ns(), 224);
  EXPECT_EQ(told.softirqs(0).duration().buckets(0).count(), 5u);
  EXPECT_EQ(told.softirqs(0).overlapped_count(), 2u);
  EXPECT_EQ(told.softirqs(0).interrupted_count(), 6u);
  ASSERT_EQ(told.handlers_size(), 2);
  EXPECT_EQ(told.handlers(0).irq(), 36);
  EXPECT_EQ(told.handlers(0).name(), "vda");
  EXPECT_EQ(told.handlers(0).duration().longest_ns(), 20);
  EXPECT_EQ(told.handlers(1).name(), "others");
  ASSERT_EQ(told.works_size(), 2);
  EXPECT_EQ(told.works(0).function(), "flush_to_ldisc");
  EXPECT_EQ(told.works(1).function(), "others");
  EXPECT_EQ(told.tasklets(0).duration_ns(), 7);
  EXPECT_EQ(told.displaced_work_count(), 1u);
  EXPECT_EQ(told.unended_work_count(), 2u);
  EXPECT_EQ(deferred.threads(0).running_count(), 1u);
  EXPECT_EQ(deferred.unlisted_thread_count(), 4u);
  v1::QueryInterruptsRequest request;
  request.add_cpus(0);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.deferred().cpus_size(), 1);
  EXPECT_EQ(response_.deferred().cpus(0).cpu(), 0);
}

TEST_F(InterruptsRpcTest, DevicesAreReadOnlyWhenAskedFor) {
  InterfaceInterrupts eth0{.device = {.name = "eth0", .lines = std::vector<DeviceLine>{{40, "eth0-rx", 20}, {41, "eth0-tx", 5}}},
                           .rx_packets = 70,
                           .settings = CoalescingSettings{.rx_usecs = 50, .adaptive_tx = true}};
  coalescing_.report.interfaces.devices = std::vector<InterfaceInterrupts>{eth0};
  coalescing_.report.interfaces.unread_count = 3;
  coalescing_.report.block_devices.devices = absl::NotFoundError("/sys/block: No such file or directory");
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(coalescing_.read_count, 0);
  EXPECT_FALSE(response_.has_coalescing());
  v1::QueryInterruptsRequest request;
  request.set_with_coalescing(true);
  ASSERT_TRUE(Query(request).ok());
  const v1::InterruptCoalescing& told = response_.coalescing();
  ASSERT_EQ(told.interfaces_size(), 1);
  EXPECT_EQ(told.interfaces(0).interrupt_count(), 25u);
  EXPECT_EQ(told.interfaces(0).lines(1).handler(), "eth0-tx");
  EXPECT_EQ(told.interfaces(0).rx_packets(), 70u);
  EXPECT_FALSE(told.interfaces(0).has_tx_packets());
  EXPECT_EQ(told.interfaces(0).settings().rx_usecs(), 50u);
  EXPECT_TRUE(told.interfaces(0).settings().adaptive_tx());
  EXPECT_EQ(told.unread_interface_count(), 3u);
  EXPECT_EQ(told.block_devices_unavailable(), "/sys/block: No such file or directory");
}

TEST_F(InterruptsRpcTest, WhyThereAreNoLinesIsSaid) {
  affinities_.report = absl::NotFoundError("/proc/irq: No such file or directory");
  v1::QueryInterruptsRequest request;
  request.set_with_lines(true);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.lines_unavailable(), "/proc/irq: No such file or directory");
  EXPECT_EQ(response_.cpus_size(), 1) << "the rest is told";
}

TEST_F(InterruptsRpcTest, StrangersAndBadCpusAreRefused) {
  v1::QueryInterruptsRequest stranger;
  stranger.add_tids(4711);
  const grpc::Status not_found = Query(stranger);
  EXPECT_EQ(not_found.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(not_found).reason(), "NOT_A_THREAD");
  v1::QueryInterruptsRequest bad;
  bad.add_cpus(-1);
  EXPECT_EQ(Query(bad).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::QueryInterruptsRequest beyond;
  beyond.add_cpus(9);
  const grpc::Status no_cpu = Query(beyond);
  EXPECT_EQ(no_cpu.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(no_cpu).reason(), "NOT_A_CPU");
  EXPECT_EQ(no_cpu.error_message(), "CPU 9 is none of this host's: give CPUs of 0-1");
}

TEST_F(InterruptsRpcTest, ASpikeToldTwiceIsInAnAnswerOnceAsItWasToldLast) {
  Spike spike = MakeSpike(kNowNs - 2'000'000, 60'000);
  spike.in_progress = true;
  spikes_.Append(&spike);
  spike.in_progress = false;
  spike.duration_ns = 900'000;
  spikes_.Append(&spike);
  v1::DetectSpikesRequest request;
  request.set_threshold_ns(1'000);
  v1::DetectSpikesResponse answer;
  const grpc::Status status = stub_->DetectSpikes(Context().get(), request, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(answer.spikes_size(), 1);
  EXPECT_FALSE(answer.spikes(0).in_progress());
  EXPECT_EQ(answer.spikes(0).duration_ns(), 900'000);
}

}  // namespace
}  // namespace hftmon
