#include "client/cpp/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "client/cpp/errors.h"
#include "tests/client/cpp/fake_monitor.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Client> ConnectTo(const FakeMonitor& monitor, const ClientOptions& options = {}) {
  auto client = Client::Connect(monitor.address(), options);
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

v1::StreamSpikesResponse SpikeMessage(uint64_t id) {
  v1::StreamSpikesResponse message;
  message.mutable_spike()->set_id(id);
  return message;
}

TEST(ClientTest, CallsAndStreamsSayWhoseNumbersTheyName) {
  FakeMonitor monitor;
  monitor.attach = [](const auto&, auto*) { return grpc::Status::OK; };
  monitor.stream_spikes = [](const auto&) { return StreamScript<v1::StreamSpikesResponse>{.messages = {SpikeMessage(1)}}; };
  v1::AttachRequest attach;
  attach.set_persist(true);
  const auto named = ConnectTo(monitor, {.pid_namespace_of = 4711});
  ASSERT_TRUE(named->Attach(attach).ok());
  EXPECT_EQ(monitor.attached_of, "4711");
  v1::StreamSpikesResponse message;
  EXPECT_TRUE(named->StreamSpikes({})->Read(&message));
  EXPECT_EQ(monitor.streamed_of, "4711");
  const auto host = ConnectTo(monitor, {.host_numbers = true, .pid_namespace_of = 4711});
  ASSERT_TRUE(host->Attach(attach).ok());
  EXPECT_EQ(monitor.attached_of, "");
}

TEST(ClientTest, EveryUnaryCallReachesItsOwnMethod) {
  FakeMonitor monitor;
  monitor.attach = [](const auto& request, auto* response) {
    response->add_targets()->set_pid(request.pids(0));
    return grpc::Status::OK;
  };
  monitor.detach = [](const auto& request, auto* response) {
    response->add_pids(request.pids(0));
    return grpc::Status::OK;
  };
  monitor.list_targets = [](const auto&, auto* response) {
    response->add_targets()->set_pid(3);
    return grpc::Status::OK;
  };
  monitor.update_target = [](const auto& request, auto* response) {
    response->mutable_target()->set_pid(request.pid());
    return grpc::Status::OK;
  };
  monitor.query_context_switches = [](const auto& request, auto* response) {
    response->set_lost_records(static_cast<uint64_t>(request.window_ns()));
    return grpc::Status::OK;
  };
  monitor.detect_spikes = [](const auto& request, auto* response) {
    response->set_floor_ns(request.threshold_ns());
    return grpc::Status::OK;
  };
  monitor.list_metrics = [](const auto&, auto* response) {
    response->add_metrics()->set_name("off_cpu_ns");
    return grpc::Status::OK;
  };
  monitor.get_status = [](const auto&, auto* response) {
    response->set_target_count(8);
    return grpc::Status::OK;
  };
  monitor.get_capabilities = [](const auto&, auto* response) {
    response->add_capabilities()->set_name("btf");
    return grpc::Status::OK;
  };
  const auto client = ConnectTo(monitor);
  v1::AttachRequest attach;
  attach.add_pids(1);
  EXPECT_EQ(client->Attach(attach)->targets(0).pid(), 1);
  v1::DetachRequest detach;
  detach.add_pids(2);
  EXPECT_EQ(client->Detach(detach)->pids(0), 2);
  EXPECT_EQ(client->ListTargets()->targets(0).pid(), 3);
  v1::UpdateTargetRequest update;
  update.set_pid(4);
  EXPECT_EQ(client->UpdateTarget(update)->target().pid(), 4);
  v1::QueryContextSwitchesRequest switches;
  switches.set_window_ns(5);
  EXPECT_EQ(client->QueryContextSwitches(switches)->lost_records(), 5u);
  v1::DetectSpikesRequest spikes;
  spikes.set_threshold_ns(6);
  EXPECT_EQ(client->DetectSpikes(spikes)->floor_ns(), 6);
  EXPECT_EQ(client->ListMetrics()->metrics(0).name(), "off_cpu_ns");
  EXPECT_EQ(client->GetStatus()->target_count(), 8);
  EXPECT_EQ(client->GetCapabilities()->capabilities(0).name(), "btf");
}

TEST(ClientTest, ErrorKeepsCodeMessageReasonAndFields) {
  FakeMonitor monitor;
  monitor.attach = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::INVALID_ARGUMENT, "threshold is too low", "BAD_OPTION", "options.spike_threshold_ns",
                                  "1 us … 60 s");
  };
  const absl::Status status = ConnectTo(monitor)->Attach({}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "threshold is too low");
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.reason, "BAD_OPTION");
  EXPECT_EQ(details.domain, "hftmon");
  ASSERT_EQ(details.violations.size(), 1u);
  EXPECT_EQ(details.violations[0].field, "options.spike_threshold_ns");
  EXPECT_EQ(details.violations[0].description, "1 us … 60 s");
}

TEST(ClientTest, ErrorWithoutDetailsHasNone) {
  const ErrorDetails details = DetailsOf(absl::NotFoundError("pid 7: no such process"));
  EXPECT_TRUE(details.reason.empty());
  EXPECT_TRUE(details.violations.empty());
}

TEST(ClientTest, UnavailableThatTheDaemonItselfSaysIsNotTakenForItsAbsence) {
  FakeMonitor monitor;
  monitor.get_status = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::UNAVAILABLE, "hftmond: it is stopping: try again", "STOPPING");
  };
  const absl::Status status = ConnectTo(monitor)->GetStatus().status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "hftmond: it is stopping: try again");
}

TEST(ClientTest, DaemonThatDoesNotAnswerMeetsTheDeadline) {
  absl::Notification answered;  // outlives the handler
  FakeMonitor monitor;
  monitor.get_status = [&](const auto&, auto*) {
    answered.WaitForNotification();
    return grpc::Status::OK;
  };
  const auto client = ConnectTo(monitor, ClientOptions{50'000'000});
  const absl::Status status = client->GetStatus().status();
  answered.Notify();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not answer within 50 ms"));
}

TEST(ClientTest, NobodyThereNamesTheAddressAndTheMend) {
  const TemporaryFolder folder;
  const auto client = Client::Connect("unix:" + folder.File("none"));
  ASSERT_TRUE(client.ok());
  const absl::Status status = (*client)->GetStatus().status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no hftmond answers at unix:" + folder.File("none")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("systemctl start hftmond"));
  v1::StreamSpikesResponse message;
  const auto stream = (*client)->StreamSpikes({});
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_THAT(std::string(stream->Finish().message()), HasSubstr("no hftmond answers"));
}

TEST(ClientTest, DeadlineOutsideItsRangeIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(Client::Connect("unix:/x", ClientOptions{0}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Client::Connect("unix:/x", ClientOptions{-1}).status()));
}

TEST(StreamTest, MessagesArriveInOrderAndTheEndIsFine) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return StreamScript<v1::StreamSpikesResponse>{{SpikeMessage(1), SpikeMessage(2)}}; };
  const auto client = ConnectTo(monitor);
  const auto stream = client->StreamSpikes({});
  std::vector<uint64_t> ids;
  for (v1::StreamSpikesResponse message; stream->Read(&message);) ids.push_back(message.spike().id());
  EXPECT_EQ(ids, (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(StreamTest, ErrorOfTheDaemonIsTold) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) {
    StreamScript<v1::StreamSpikesResponse> script;
    script.end = FakeMonitor::RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "subscribers: 64 of 64: end one", "SUBSCRIBERS");
    return script;
  };
  const auto client = ConnectTo(monitor);
  const auto stream = client->StreamSpikes({});
  const absl::Status status = stream->Finish();
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(DetailsOf(status).reason, "SUBSCRIBERS");
}

TEST(StreamTest, CancelOfAnotherThreadEndsABlockedReadAndIsNoError) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return StreamScript<v1::StreamSpikesResponse>{{SpikeMessage(1)}, true}; };
  const auto client = ConnectTo(monitor);
  const auto stream = client->StreamSpikes({});
  v1::StreamSpikesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  std::thread canceller([&] { stream->Cancel(); });
  EXPECT_FALSE(stream->Read(&message));
  canceller.join();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(StreamTest, DestructionDoesNotWaitForTheDaemon) {
  FakeMonitor monitor;
  monitor.watch_metrics = [](const auto&) { return StreamScript<v1::WatchMetricsResponse>{{}, true}; };
  const auto client = ConnectTo(monitor);
  client->WatchMetrics({});  // returns, though the daemon holds the stream open for ever
}

TEST(ClientSessionTest, WhatIsAttachedBelongsToTheClientsOwnSession) {
  FakeMonitor monitor;
  std::vector<v1::AttachRequest> attached;
  std::vector<v1::DetachRequest> detached;
  int sessions = 0;
  monitor.hold_targets = [&sessions](const v1::HoldTargetsRequest& request) {
    EXPECT_EQ(request.client(), "engine watcher");
    StreamScript<v1::HoldTargetsResponse> script;
    script.messages.emplace_back().set_session_id(40 + static_cast<uint64_t>(++sessions));
    script.hold = true;
    return script;
  };
  monitor.attach = [&attached](const auto& request, auto*) {
    attached.push_back(request);
    return grpc::Status::OK;
  };
  monitor.detach = [&detached](const auto& request, auto*) {
    detached.push_back(request);
    return grpc::Status::OK;
  };
  const auto client = *Client::Connect(monitor.address(), {.name = "engine watcher"});
  v1::DetachRequest detach;
  detach.add_pids(1);
  ASSERT_TRUE(client->Detach(detach).ok());
  EXPECT_EQ(detached.at(0).session_id(), 0u) << "it has attached nothing: the part that persists is meant";
  v1::AttachRequest attach;
  attach.add_pids(1);
  ASSERT_TRUE(client->Attach(attach).ok());
  ASSERT_TRUE(client->Attach(attach).ok());
  attach.set_persist(true);
  ASSERT_TRUE(client->Attach(attach).ok());
  ASSERT_TRUE(client->Detach(detach).ok());
  EXPECT_EQ(sessions, 1);
  EXPECT_EQ(attached.at(0).session_id(), 41u);
  EXPECT_EQ(attached.at(1).session_id(), 41u);
  EXPECT_EQ(attached.at(2).session_id(), 0u);
  EXPECT_EQ(detached.at(1).session_id(), 41u);
}

TEST(ClientSessionTest, ASessionThatIsRefusedIsTheAttachsError) {
  FakeMonitor monitor;
  monitor.hold_targets = [](const auto&) {
    StreamScript<v1::HoldTargetsResponse> script;
    script.end = FakeMonitor::RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "256 sessions are open", "RESOURCE_EXHAUSTED");
    return script;
  };
  const auto client = *Client::Connect(monitor.address());
  v1::AttachRequest attach;
  attach.add_pids(1);
  const auto answer = client->Attach(attach);
  EXPECT_TRUE(absl::IsResourceExhausted(answer.status())) << answer.status();
}

TEST(ClientSessionTest, ADaemonThatOpensNoSessionMeetsTheDeadline) {
  FakeMonitor monitor;
  monitor.hold_targets = [](const auto&) {
    StreamScript<v1::HoldTargetsResponse> script;
    script.hold = true;
    return script;
  };
  const auto client = *Client::Connect(monitor.address(), {.deadline_ns = 50'000'000});
  v1::AttachRequest attach;
  attach.add_pids(1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(client->Attach(attach).status()));
}

}  // namespace
}  // namespace hftmon
