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
  CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
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
