#include <gmock/gmock.h>

#include <functional>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using TargetsRpcTest = ServiceFixture;

TEST_F(TargetsRpcTest, AttachPassesTheOptionsAndAnswersTheTargets) {
  v1::AttachRequest request;
  request.add_pids(2000);
  request.add_pids(2001);
  request.mutable_options()->set_spike_threshold_ns(70'000);
  request.mutable_options()->set_blocked_threshold_ns(1'000'000);
  request.mutable_options()->add_probe_groups("sched");
  request.mutable_options()->set_waker(true);
  v1::AttachResponse response;
  const grpc::Status status = stub_->Attach(Context().get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.targets_size(), 2);
  EXPECT_TRUE(response.targets(0).options().waker());
  const v1::Target& target = response.targets(0);
  EXPECT_EQ(target.pid(), 2000);
  EXPECT_EQ(target.comm(), "target2000");
  EXPECT_EQ(target.state(), v1::TARGET_STATE_RUNNING);
  EXPECT_EQ(target.options().spike_threshold_ns(), 70'000);
  EXPECT_EQ(target.options().blocked_threshold_ns(), 1'000'000);
  EXPECT_EQ(target.options().probe_groups(0), "sched");
  EXPECT_TRUE(target.options().follow_children());  // absent = true
}

TEST_F(TargetsRpcTest, TheSamplingIntervalIsWhatTheClosedBucketsSay) {
  v1::ListTargetsResponse response;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &response).ok());
  ASSERT_EQ(response.targets_size(), 1);
  EXPECT_EQ(response.targets(0).sampling_interval_ns(), 0);
  for (int i = 0; i < 4; ++i) CloseBucket(kSecondNs + i * 3'000'000, kSecondNs + (i + 1) * 3'000'000, 0);
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &response).ok());
  EXPECT_EQ(response.targets(0).sampling_interval_ns(), 3'000'000);
}

TEST_F(TargetsRpcTest, AnErrorOfTheRegistryArrivesWithReasonAndDomain) {
  targets_.next_error = absl::ResourceExhaustedError("1024 targets are watched, the bound: detach one");
  v1::AttachRequest request;
  request.add_pids(2000);
  v1::AttachResponse response;
  const grpc::Status status = stub_->Attach(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("detach one"));
  EXPECT_EQ(ErrorInfoOf(status).reason(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(ErrorInfoOf(status).domain(), "hftmon");
}

// A name is whatever bytes its process chose; protobuf refuses a message with a string that is not UTF-8.
TEST_F(TargetsRpcTest, ANameThatIsNotUtf8BreaksNoAnswer) {
  targets_.comm = "evil\xff\xc3";
  v1::AttachRequest request;
  request.add_pids(2000);
  v1::AttachResponse attached;
  const grpc::Status status = stub_->Attach(Context().get(), request, &attached);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(attached.targets(0).comm(), "evil??");
  targets_.next_error = absl::NotFoundError("process 7 (evil\xff) ended");
  v1::AttachResponse refused;
  EXPECT_EQ(stub_->Attach(Context().get(), request, &refused).error_message(), "process 7 (evil?) ended");
}

TEST_F(TargetsRpcTest, DetachAnswersWhatWasDetached) {
  v1::DetachRequest request;
  request.add_pids(kPid);
  v1::DetachResponse response;
  ASSERT_TRUE(stub_->Detach(Context().get(), request, &response).ok());
  ASSERT_EQ(response.pids_size(), 1);
  EXPECT_EQ(response.pids(0), static_cast<int32_t>(kPid));
  EXPECT_EQ(stub_->Detach(Context().get(), request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TargetsRpcTest, DetachAllTakesNoPids) {
  v1::DetachRequest request;
  request.set_all(true);
  v1::DetachResponse response;
  ASSERT_TRUE(stub_->Detach(Context().get(), request, &response).ok());
  EXPECT_EQ(response.pids_size(), 1);
  v1::ListTargetsResponse list;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.targets_size(), 0);
}

TEST_F(TargetsRpcTest, UpdateChangesOnlyWhatTheMaskNames) {
  v1::UpdateTargetRequest request;
  request.set_pid(kPid);
  request.mutable_options()->set_spike_threshold_ns(9'000);
  request.mutable_options()->set_blocked_threshold_ns(8'000);
  request.mutable_options_mask()->add_paths("spike_threshold_ns");
  request.set_state(v1::TARGET_STATE_PAUSED);
  v1::UpdateTargetResponse response;
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  EXPECT_EQ(response.target().options().spike_threshold_ns(), 9'000);
  EXPECT_EQ(response.target().options().blocked_threshold_ns(), 0);
  EXPECT_EQ(response.target().state(), v1::TARGET_STATE_PAUSED);
}

TEST_F(TargetsRpcTest, UpdateSetsTheProbeGroupsOnlyWhereTheMaskNamesThem) {
  v1::UpdateTargetRequest request;
  request.set_pid(kPid);
  request.mutable_options()->add_probe_groups("locks");
  request.mutable_options_mask()->add_paths("probe_groups");
  v1::UpdateTargetResponse response;
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  ASSERT_EQ(response.target().options().probe_groups_size(), 1);
  EXPECT_EQ(response.target().options().probe_groups(0), "locks");
  request.mutable_options()->clear_probe_groups();
  request.mutable_options_mask()->clear_paths();
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  EXPECT_EQ(response.target().options().probe_groups_size(), 1) << "the mask does not name them";
  request.mutable_options_mask()->add_paths("probe_groups");
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  EXPECT_EQ(response.target().options().probe_groups_size(), 0) << "an empty list takes all away";
}

TEST_F(TargetsRpcTest, UpdateSetsCountersAndSaysWhetherAllBeganAnew) {
  counters_.now_state.set = {.number = 4, .events = {{.name = "page-faults", .metric = "", .counts = ""}}};
  targets_.on_update = [this] { ++counters_.now_state.set.number; };
  v1::UpdateTargetRequest request;
  request.set_pid(kPid);
  request.mutable_options()->add_counter_events("minor-faults");
  request.mutable_options()->set_counter_interval_ns(5'000);
  request.mutable_options()->set_cache(true);
  request.mutable_options_mask()->add_paths("counter_events");
  request.mutable_options_mask()->add_paths("counter_interval_ns");
  v1::UpdateTargetResponse response;
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  ASSERT_EQ(response.target().options().counter_events_size(), 1);
  EXPECT_EQ(response.target().options().counter_events(0), "minor-faults");
  EXPECT_EQ(response.target().options().counter_interval_ns(), 5'000);
  EXPECT_FALSE(response.target().options().cache()) << "the mask does not name it";
  EXPECT_TRUE(response.counters_began_anew());

  targets_.on_update = nullptr;
  request.mutable_options_mask()->add_paths("cache");
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  EXPECT_TRUE(response.target().options().cache());
  EXPECT_FALSE(response.counters_began_anew()) << "the same events";

  counters_.now_state.reason = "nothing is counted";
  targets_.on_update = [this] { ++counters_.now_state.set.number; };
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  EXPECT_FALSE(response.counters_began_anew()) << "nothing was counted before";
}

TEST_F(TargetsRpcTest, WhatASessionAttachedEndsWithItsCall) {
  grpc::ClientContext session_context;
  v1::HoldTargetsRequest hold;
  hold.set_client("dashboard");
  auto session = stub_->HoldTargets(&session_context, hold);
  v1::HoldTargetsResponse opened;
  ASSERT_TRUE(session->Read(&opened));
  EXPECT_NE(opened.session_id(), 0u);
  v1::AttachRequest request;
  request.add_pids(2000);
  request.set_session_id(opened.session_id());
  v1::AttachResponse response;
  ASSERT_TRUE(stub_->Attach(Context().get(), request, &response).ok());
  request.clear_pids();
  request.add_pids(2001);
  request.set_persist(true);
  ASSERT_TRUE(stub_->Attach(Context().get(), request, &response).ok());
  session_context.TryCancel();
  EXPECT_FALSE(session->Read(&opened));
  EXPECT_EQ(session->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(targets_.sessions_open.AwaitCount(0));
  v1::ListTargetsResponse list;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
  std::vector<int32_t> pids;
  for (const v1::Target& target : list.targets()) pids.push_back(target.pid());
  EXPECT_THAT(pids, testing::UnorderedElementsAre(static_cast<int32_t>(kPid), 2001));
}

TEST_F(TargetsRpcTest, ASessionThatIsRefusedSaysWhy) {
  targets_.next_error = absl::ResourceExhaustedError("256 sessions are open");
  v1::HoldTargetsResponse response;
  EXPECT_EQ(stub_->HoldTargets(Context().get(), {})->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  v1::HoldTargetsRequest long_name;
  long_name.set_client(std::string(65, 'x'));
  EXPECT_EQ(stub_->HoldTargets(Context().get(), long_name)->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(targets_.sessions_open.count(), 0);
}

TEST_F(TargetsRpcTest, SelectorsBecomeRulesAndAreListedWithTheirVisits) {
  v1::AttachRequest request;
  request.add_selectors()->set_unit("matcher");
  request.add_selectors()->set_cpus("5,3-4");
  v1::AttachResponse attached;
  const grpc::Status status = stub_->Attach(Context().get(), request, &attached);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(attached.rules_size(), 2);
  EXPECT_EQ(attached.rules(0).selector().unit(), "matcher.service");
  EXPECT_EQ(attached.rules(1).selector().cpus(), "3-5");
  EXPECT_EQ(attached.rules(1).visits(0).comm(), "kworker/3:1");
  EXPECT_EQ(attached.rules(1).visits(0).count(), 5u);
  v1::DetachRequest detach;
  detach.add_selectors()->set_cpus("3-5");
  v1::DetachResponse detached;
  ASSERT_TRUE(stub_->Detach(Context().get(), detach, &detached).ok());
  EXPECT_EQ(detached.rules_size(), 1);
  v1::ListTargetsResponse list;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.rules_size(), 1);
}

TEST_F(TargetsRpcTest, ASelectorThatSaysNothingOrNonsenseIsRefused) {
  const auto refused = [this](const std::function<void(v1::AttachRequest*)>& fill) {
    v1::AttachRequest request;
    fill(&request);
    v1::AttachResponse response;
    return stub_->Attach(Context().get(), request, &response);
  };
  EXPECT_THAT(refused([](auto* request) { request->add_selectors(); }).error_message(), HasSubstr("says nothing"));
  EXPECT_EQ(refused([](auto* request) { request->add_selectors()->set_cpus("9-"); }).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(refused([](auto* request) { request->add_selectors()->set_cgroup("/"); }).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status never = refused([](auto* request) { request->add_selectors()->set_cgroup("/trading/../other"); });
  EXPECT_EQ(never.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(never.error_message(), HasSubstr("no cgroup is named \"..\""));
  EXPECT_EQ(refused([](auto* request) {
              for (int i = 0; i < 17; ++i) request->add_selectors()->set_name("x");
            }).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace hftmon
