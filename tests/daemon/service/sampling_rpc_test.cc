#include <gmock/gmock.h>

#include <thread>

#include "daemon/service/rich_error.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SamplingRpcTest : public ServiceFixture {
 protected:
  SamplingRpcTest() {
    StateSamples& samples = sampling_.samples;
    samples.begin_mono_ns = 1'000;
    samples.end_mono_ns = 1'001'000;
    samples.interval_ns = 1'000;
    samples.due_count = 1'000;
    samples.on_time_count = 990;
    samples.missed_count = 10;
    samples.tick_sum_ns = 250'000;
    samples.lateness_sum_ns = 99'000;
    samples.lateness_max_ns = 900;
    samples.lateness[BucketOf(100)] = 990;
    samples.watched_count = 4;
    samples.look_count = 1'000;
    cpu_ = {};
    cpu_.cpu = 3;
    cpu_.sample_count = 980;
    cpu_.torn_count = 10;
    cpu_.idle_count = 98;
    cpu_.level_count[HFT_LEVEL_SOFTIRQ] = 49;
    cpu_.level_count[HFT_LEVEL_HARD] = 98;
    Add(7, 70, 490, true);
    Add(8, 70, 196, false);
    cpu_.unlisted_count = 49;
    cpu_.longest_run_ns = 77'000;
    cpu_.longest_run_tid = 7;
    cpu_.longest_interrupt_ns = 5'000;
    cpu_.waiting_count = 125;
    samples.cpus = {&cpu_, 1};
  }
  void Add(uint32_t tid, uint32_t tgid, uint64_t count, bool watched) {
    SampledThread* thread = cpu_.threads.Claim(tid, tgid);
    ASSERT_NE(thread, nullptr);
    thread->count = count;
    thread->watched = watched;
  }
  grpc::Status Sample(const v1::SampleStateRequest& request = {}) { return stub_->SampleState(Context().get(), request, &response_); }

  CpuSamples cpu_;
  v1::SampleStateResponse response_;
};

TEST_F(SamplingRpcTest, WhatWasSampledIsToldInSharesAndTicks) {
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(sampling_.plan().duration_ns, kSecondNs);
  EXPECT_EQ(sampling_.plan().interval_ns, 1'000);
  EXPECT_THAT(sampling_.plan().cpus, IsEmpty());
  EXPECT_EQ(response_.time().monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.begin_monotonic_ns(), 1'000);
  EXPECT_EQ(response_.end_monotonic_ns(), 1'001'000);
  EXPECT_EQ(response_.due_count(), 1'000u);
  EXPECT_EQ(response_.on_time_count(), 990u);
  EXPECT_EQ(response_.late_count(), 0u);
  EXPECT_EQ(response_.missed_count(), 10u);
  EXPECT_DOUBLE_EQ(response_.cpu_share(), 0.25);
  EXPECT_EQ(response_.lateness().count(), 990u);
  EXPECT_EQ(response_.lateness().max_ns(), 900);
  ASSERT_EQ(response_.lateness().percentiles_size(), 1) << "p99 takes 1000 of them";
  EXPECT_NEAR(static_cast<double>(response_.lateness().percentiles(0).value_ns()), 100, 2);
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).name(), "run_queue_depth");
  ASSERT_EQ(response_.cpus_size(), 1);
  const v1::SampledCpu& cpu = response_.cpus(0);
  EXPECT_EQ(cpu.cpu(), 3);
  EXPECT_EQ(cpu.sample_count(), 980u);
  EXPECT_EQ(cpu.torn_count(), 10u);
  EXPECT_DOUBLE_EQ(cpu.idle_share(), 0.1);
  EXPECT_DOUBLE_EQ(cpu.interrupt_share(), 0.15);
  ASSERT_EQ(cpu.interrupts_size(), 2);
  EXPECT_EQ(cpu.interrupts(0).kind(), "hard_irq");
  EXPECT_DOUBLE_EQ(cpu.interrupts(0).share(), 0.1);
  EXPECT_EQ(cpu.interrupts(1).kind(), "softirq");
  ASSERT_EQ(cpu.threads_size(), 2);
  EXPECT_EQ(cpu.threads(0).tid(), 7);
  EXPECT_EQ(cpu.threads(0).pid(), 70);
  EXPECT_EQ(cpu.threads(0).comm(), "thread7");
  EXPECT_TRUE(cpu.threads(0).watched());
  EXPECT_DOUBLE_EQ(cpu.threads(0).share(), 0.5);
  EXPECT_DOUBLE_EQ(cpu.threads(1).share(), 0.2);
  EXPECT_EQ(cpu.unlisted_thread_sample_count(), 49u);
  EXPECT_EQ(cpu.longest_run_ns(), 77'000);
  EXPECT_EQ(cpu.longest_run_tid(), 7);
  EXPECT_EQ(cpu.longest_interrupt_ns(), 5'000);
  EXPECT_DOUBLE_EQ(cpu.waiting_watched_mean(), 0.5);
  sampling_.AwaitEnded(1);
}

TEST_F(SamplingRpcTest, OfManyThreadsThoseWithMostAreListed) {
  for (uint32_t tid = 1'000; tid < 1'100; ++tid) Add(tid, tid, 1, false);
  cpu_.waiting_count = 0;
  ASSERT_TRUE(Sample().ok());
  const v1::SampledCpu& cpu = response_.cpus(0);
  EXPECT_EQ(cpu.threads_size(), 64);
  EXPECT_EQ(cpu.threads(0).tid(), 7);
  EXPECT_EQ(cpu.unlisted_thread_sample_count(), 49u + 38u);
  EXPECT_FALSE(cpu.has_waiting_watched_mean()) << "none was ever seen";
}

TEST_F(SamplingRpcTest, WhatIsAskedForIsCheckedAndHandedOn) {
  v1::SampleStateRequest request;
  request.set_cpus("2-4,7");
  request.set_duration_ns(5'000'000);
  request.set_interval_ns(2'000);
  ASSERT_TRUE(Sample(request).ok());
  EXPECT_THAT(sampling_.plan().cpus, ElementsAre(2, 3, 4, 7));
  EXPECT_EQ(sampling_.plan().duration_ns, 5'000'000);
  EXPECT_EQ(sampling_.plan().interval_ns, 2'000);
  const auto field_of = [this](const v1::SampleStateRequest& bad) {
    const grpc::Status status = Sample(bad);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    const auto violations = BadRequestOf(status);
    return violations.has_value() ? violations->field_violations(0).field() : "";
  };
  v1::SampleStateRequest bad = request;
  bad.set_cpus("2-");
  EXPECT_EQ(field_of(bad), "cpus");
  bad = request;
  bad.set_cpus(std::string(5'000, ' '));
  EXPECT_EQ(field_of(bad), "cpus");
  for (const int64_t duration_ns : {int64_t{-1}, int64_t{999'999}, 10 * kSecondNs + 1}) {
    bad = request;
    bad.set_duration_ns(duration_ns);
    EXPECT_EQ(field_of(bad), "duration_ns");
  }
  for (const int64_t interval_ns : {int64_t{-1}, int64_t{999}, int64_t{100'000'001}}) {
    bad = request;
    bad.set_interval_ns(interval_ns);
    EXPECT_EQ(field_of(bad), "interval_ns");
  }
}

TEST_F(SamplingRpcTest, ARefusalKeepsItsCodeReasonAndWords) {
  sampling_.refusal = absl::FailedPreconditionError("CPU 0 is the only one");
  sampling_.refusal.SetPayload(kErrorReasonPayload, absl::Cord("SHARED_CPU"));
  const grpc::Status status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "SHARED_CPU");
  EXPECT_THAT(status.error_message(), HasSubstr("the only one"));
  sampling_.refusal = absl::OkStatus();
  EXPECT_TRUE(Sample().ok());
}

TEST_F(SamplingRpcTest, ASecondOneIsRefusedWhileTheFirstGoesOn) {
  sampling_.over.store(false, std::memory_order_seq_cst);
  std::thread first([this] {
    v1::SampleStateResponse response;
    EXPECT_TRUE(stub_->SampleState(Context().get(), {}, &response).ok());
  });
  sampling_.AwaitBegun(1);
  EXPECT_EQ(Sample().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  sampling_.over.store(true, std::memory_order_seq_cst);
  first.join();
  EXPECT_TRUE(Sample().ok()) << "the first has given it up before its client knew";
}

TEST_F(SamplingRpcTest, AClientThatGoesAwayEndsIt) {
  sampling_.over.store(false, std::memory_order_seq_cst);
  const auto context = Context();
  grpc::Status status;
  std::thread call([&] {
    v1::SampleStateResponse response;
    status = stub_->SampleState(context.get(), {}, &response);
  });
  sampling_.AwaitBegun(1);
  context->TryCancel();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  sampling_.AwaitEnded(1);
}

TEST_F(SamplingRpcTest, ADaemonThatStopsEndsIt) {
  sampling_.over.store(false, std::memory_order_seq_cst);
  grpc::Status status;
  std::thread call([&] {
    v1::SampleStateResponse response;
    status = stub_->SampleState(Context().get(), {}, &response);
  });
  sampling_.AwaitBegun(1);
  server_->Shutdown(kSecondNs);
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  sampling_.AwaitEnded(1);
}

TEST_F(SamplingRpcTest, ProgramsThatWereSwitchedOffMeanwhileAreAnError) {
  sampling_.samples.end = SamplingEnd::kSwitchedOff;
  const grpc::Status status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "OFF");
  sampling_.AwaitEnded(1);
}

TEST_F(SamplingRpcTest, ItIsAQueryAsOthersAreAndItsAnswerIsBounded) {
  server_->SetLimits({.queries_max = 0});
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "QUERY_LIMIT");
  server_->SetLimits({.answer_rows_max = 2});
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "ANSWER_LIMIT");
  server_->SetLimits({});
  EXPECT_TRUE(Sample().ok());
}

}  // namespace
}  // namespace hftmon
