#include <gmock/gmock.h>
#include <pthread.h>

#include <stop_token>
#include <thread>

#include "absl/synchronization/notification.h"
#include "daemon/advice/evidence_source.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FakeEvidence : public EvidenceSource {
 public:
  absl::StatusOr<EvidenceAnswer> Facts(const EvidenceWish& wish) override {
    wish_ = wish;
    pthread_getname_np(pthread_self(), thread_name_, sizeof(thread_name_));
    if (wish.look_at_memory && !look_over_.HasBeenNotified()) {
      const std::stop_callback given_up(wish.stop, [this] { look_over_.Notify(); });
      looking_.Notify();
      look_over_.WaitForNotification();
      if (wish.stop.stop_requested()) return absl::CancelledError("given up");
    }
    if (!error_.ok()) return error_;
    return answer_;
  }
  EvidenceWish wish_;
  char thread_name_[16] = {};  // of the thread that asked last
  EvidenceAnswer answer_;
  absl::Status error_;
  absl::Notification looking_;    // a look has begun
  absl::Notification look_over_;  // it goes on until then, or until it is given up
};

Fact Preemptions() {
  Fact fact;
  fact.kind = FactKind::kPreemption;
  fact.thread = {.tid = 1001, .pid = kPid, .start_ns = 200, .comm = "engine"};
  fact.values = {{FactField::kSpikeKind, std::string("preempted")},
                 {FactField::kReason, std::string("real_time")},
                 {FactField::kActorTid, int64_t{55}},
                 {FactField::kActorComm, std::string("batch")},
                 {FactField::kActorKind, std::string("user")},
                 {FactField::kCount, int64_t{17}},
                 {FactField::kSumNs, int64_t{34'000'000}},
                 {FactField::kLongestNs, int64_t{2'500'000}},
                 {FactField::kCpus, CpuList{2}},
                 {FactField::kOldAffinity, CpuList{0, 1, 2}},
                 {FactField::kSpareCpus, CpuList{0}}};
  fact.evidence = {.sentence = "batch had its CPU", .begin_mono_ns = kNowNs - kSecondNs, .end_mono_ns = kNowNs, .spike_ids = {9, 4}};
  return fact;
}

class RecommendRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    server_.reset();
    evidence_.answer_.window = {.begin_mono_ns = kNowNs - 10 * kSecondNs, .end_mono_ns = kNowNs, .lost_records = 0};
    ServiceCore core = Core();
    core.evidence = &evidence_;
    if (without_targets_) core.targets = &no_targets_;
    auto server = MonitorServer::Start(core, {SocketAddress()}, limits_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  grpc::Status Ask(const v1::RecommendRequest& request) { return stub_->Recommend(Context().get(), request, &response_); }

  FakeEvidence evidence_;
  FakeTargets no_targets_;
  bool without_targets_ = false;
  v1::RecommendResponse response_;
};

TEST_F(RecommendRpcTest, AFactBecomesAdviceWithItsCommandAndUndo) {
  evidence_.answer_.facts = {Preemptions()};
  const grpc::Status status = Ask({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.recommendations_size(), 1);
  const v1::Recommendation& one = response_.recommendations(0);
  EXPECT_EQ(one.rule(), "fifo-shares-core");
  EXPECT_EQ(one.action().command(), "taskset -pc 0 55");
  EXPECT_EQ(one.action().undo(), "taskset -pc 0-2 55");
  EXPECT_EQ(one.action().reach(), "now");
  EXPECT_FALSE(one.action().survives_reboot());
  EXPECT_EQ(one.evidence().count(), 17);
  EXPECT_EQ(one.evidence().longest_ns(), 2'500'000);
  EXPECT_THAT(one.evidence().spike_ids(), ElementsAre(9, 4));
  EXPECT_EQ(one.evidence().values().at("actor_comm"), "\"batch\"");
  EXPECT_EQ(one.thread().tid(), 1001);
  EXPECT_EQ(one.gain().ns_per_second(), 3'400'000);
  EXPECT_EQ(one.proof().metric(), "preempted_ns_per_s");
  EXPECT_EQ(one.basis(), "measured");
  EXPECT_EQ(response_.facts_refused(), 0u);
}

TEST_F(RecommendRpcTest, EachAnswerIsMadeInAThreadOfItsOwnAndNotInOneThatAnswersOthers) {
  evidence_.look_over_.Notify();
  v1::RecommendRequest request;
  for (const bool look : {false, true}) {
    request.set_look_at_memory(look);
    evidence_.thread_name_[0] = '\0';
    ASSERT_TRUE(Ask(request).ok());
    EXPECT_STREQ(evidence_.thread_name_, "hftmon_advice") << (look ? "with a look" : "without a look");
  }
}

TEST_F(RecommendRpcTest, WithoutFactsThereIsNoAdviceAndTheWindowIsTold) {
  ASSERT_TRUE(Ask({}).ok());
  EXPECT_EQ(response_.recommendations_size(), 0);
  EXPECT_EQ(evidence_.wish_.window_ns, 60 * kSecondNs);
  EXPECT_EQ(response_.window().requested_ns(), 60 * kSecondNs);
  EXPECT_EQ(response_.window().begin_monotonic_ns(), kNowNs - 10 * kSecondNs);
  EXPECT_TRUE(response_.window().truncated());
}

TEST_F(RecommendRpcTest, WhatWasNotLookedForIsToldByRule) {
  evidence_.answer_.window.missing = {{.kind = FactKind::kPlacement, .where = {}, .reason = "nobody looked", .mend = "look"}};
  ASSERT_TRUE(Ask({}).ok());
  const auto told = std::find_if(response_.not_judged().begin(), response_.not_judged().end(),
                                 [](const v1::NotJudged& one) { return one.rule() == "memory-on-wrong-node"; });
  ASSERT_NE(told, response_.not_judged().end());
  EXPECT_THAT(told->reason(), HasSubstr("nobody looked"));
  EXPECT_EQ(told->mend(), "look");
}

TEST_F(RecommendRpcTest, RulesAreAskedForByIdAndNearOnesAreNamed) {
  evidence_.answer_.facts = {Preemptions()};
  v1::RecommendRequest request;
  request.add_rules("futex-convoy");
  ASSERT_TRUE(Ask(request).ok());
  EXPECT_EQ(response_.recommendations_size(), 0);
  request.set_rules(0, "futex-convoi");
  const grpc::Status status = Ask(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("futex-convoy"));
}

TEST_F(RecommendRpcTest, WindowAndMendAreHandedOn) {
  v1::RecommendRequest request;
  request.set_window_ns(2 * kSecondNs);
  request.set_begin_monotonic_ns(kNowNs - kSecondNs);
  ASSERT_TRUE(Ask(request).ok());
  EXPECT_EQ(evidence_.wish_.window_ns, 2 * kSecondNs);
  EXPECT_EQ(evidence_.wish_.begin_mono_ns, kNowNs - kSecondNs);
  request.set_begin_monotonic_ns(-1);
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RecommendRpcTest, ALookAtMemoryAnswersWhenItIsOverAndNobodyElseWaits) {
  evidence_.answer_.cost = EvidenceCost{.sum_ns = 900, .longest_ns = 500, .look_count = 3, .page_count = 14};
  v1::RecommendRequest request;
  request.set_look_at_memory(true);
  grpc::Status status;
  std::thread call([&] { status = stub_->Recommend(Context().get(), request, &response_); });
  evidence_.looking_.WaitForNotification();
  // As many others as there could be threads that answer.
  for (int i = 0; i < 64; ++i) {
    v1::GetStatusResponse other;
    ASSERT_TRUE(stub_->GetStatus(Context().get(), {}, &other).ok());
  }
  evidence_.look_over_.Notify();
  call.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(evidence_.wish_.look_at_memory);
  EXPECT_EQ(response_.look_cost().call_count(), 3u);
  EXPECT_EQ(response_.look_cost().page_count(), 14u);
  EXPECT_EQ(response_.look_cost().sum_ns(), 900);
  EXPECT_EQ(response_.look_cost().longest_ns(), 500);
}

TEST_F(RecommendRpcTest, WithoutALookItsCostIsAbsent) {
  ASSERT_TRUE(Ask({}).ok());
  EXPECT_FALSE(evidence_.wish_.look_at_memory);
  EXPECT_FALSE(response_.has_look_cost());
}

TEST_F(RecommendRpcTest, AClientThatGoesAwayEndsTheLook) {
  v1::RecommendRequest request;
  request.set_look_at_memory(true);
  const auto context = Context();
  grpc::Status status;
  std::thread call([&] { status = stub_->Recommend(context.get(), request, &response_); });
  evidence_.looking_.WaitForNotification();
  context->TryCancel();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  evidence_.look_over_.WaitForNotification();  // by its giving up alone
}

TEST_F(RecommendRpcTest, ADaemonThatStopsEndsTheLook) {
  v1::RecommendRequest request;
  request.set_look_at_memory(true);
  grpc::Status status;
  std::thread call([&] { status = stub_->Recommend(Context().get(), request, &response_); });
  evidence_.looking_.WaitForNotification();
  server_.reset();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(evidence_.look_over_.HasBeenNotified());
}

TEST_F(RecommendRpcTest, ErrorsOfALookAndLimitsAreThoseOfAnyQuery) {
  evidence_.look_over_.Notify();
  evidence_.error_ = absl::ResourceExhaustedError("another look goes on");
  v1::RecommendRequest request;
  request.set_look_at_memory(true);
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  evidence_.error_ = absl::OkStatus();
  server_->SetLimits({.queries_max = 0});
  EXPECT_EQ(ErrorInfoOf(Ask(request)).reason(), "QUERY_LIMIT");
}

Fact Watchdog() {
  Fact fact;
  fact.kind = FactKind::kHostSetting;
  fact.values = {
      {FactField::kSetting, std::string("nmi_watchdog")}, {FactField::kValue, int64_t{1}}, {FactField::kReservedCpus, CpuList{2, 3}}};
  fact.evidence = {.sentence = "/proc/sys/kernel/nmi_watchdog is 1", .begin_mono_ns = kNowNs, .end_mono_ns = kNowNs};
  return fact;
}

class AuditRpcTest : public RecommendRpcTest {
 protected:
  AuditRpcTest() { without_targets_ = true; }
  bool IsToldOf(const std::string& rule) const {
    return std::any_of(response_.not_judged().begin(), response_.not_judged().end(),
                       [&rule](const v1::NotJudged& one) { return one.rule() == rule; });
  }
};

TEST_F(AuditRpcTest, SettingsAreJudgedWithoutATargetAndOnlyWhenAskedFor) {
  evidence_.answer_.facts = {Watchdog()};
  evidence_.answer_.window.missing = {
      {.kind = FactKind::kContendedLock, .where = {}, .reason = "no process is watched", .mend = "attach"},
      {.kind = FactKind::kCpuSetting, .where = {{FactField::kSetting, std::string("rps_cpus")}}, .reason = "rps_cpus: EACCES", .mend = ""}};
  ASSERT_TRUE(Ask({}).ok());
  EXPECT_EQ(response_.recommendations_size(), 0);
  EXPECT_TRUE(IsToldOf("futex-convoy"));
  v1::RecommendRequest request;
  request.set_audit(true);
  ASSERT_TRUE(Ask(request).ok());
  EXPECT_TRUE(evidence_.wish_.audit);
  ASSERT_EQ(response_.recommendations_size(), 1);
  EXPECT_EQ(response_.recommendations(0).action().command(), "sysctl -w kernel.nmi_watchdog=0");
  EXPECT_EQ(response_.recommendations(0).basis(), "configuration");
  EXPECT_TRUE(IsToldOf("futex-convoy")) << "its silence says nothing in an audit too";
  EXPECT_TRUE(IsToldOf("audit-rps"));
}

TEST_F(RecommendRpcTest, ErrorsOfTheSourceAreTheAnswers) {
  evidence_.error_ = absl::NotFoundError("process 4 is not a target");
  EXPECT_EQ(Ask({}).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace hftmon
