#include <gmock/gmock.h>

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
    if (!error_.ok()) return error_;
    return answer_;
  }
  EvidenceWish wish_;
  EvidenceAnswer answer_;
  absl::Status error_;
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
    auto server = MonitorServer::Start(core, {SocketAddress()}, limits_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  grpc::Status Ask(const v1::RecommendRequest& request) { return stub_->Recommend(Context().get(), request, &response_); }

  FakeEvidence evidence_;
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

TEST_F(RecommendRpcTest, ErrorsOfTheSourceAreTheAnswers) {
  evidence_.error_ = absl::NotFoundError("process 4 is not a target");
  EXPECT_EQ(Ask({}).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace hftmon
