// Requests whose ids are those of another pid namespace.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kContainer = 4026532001;
constexpr uint64_t kNested = 4026532002;

class PidTranslationTest : public ServiceFixture {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "pid_translation_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    Link("self", own_);
    Process(200, "200\t7", kContainer);
    Process(201, "201\t9\t1", kNested);
    Process(7, "7", kInitialPidNamespace);
    files_ = FileRoot(root_.string());
    namespaces_ = std::make_unique<PidNamespaces>(&files_, [](uint32_t) { return std::vector<uint64_t>{kContainer}; });
    ServiceFixture::SetUp();
  }
  void TearDown() override {
    ServiceFixture::TearDown();
    std::filesystem::remove_all(root_);
  }

  void Link(const std::string& process, uint64_t inode) {
    const std::filesystem::path folder = root_ / "proc" / process / "ns";
    std::filesystem::create_directories(folder);
    std::filesystem::create_symlink("pid:[" + std::to_string(inode) + "]", folder / "pid");
  }
  void Process(uint32_t pid, const std::string& numbers, uint64_t inode) {
    Link(std::to_string(pid), inode);
    WriteStatus(std::to_string(pid), numbers);
    WriteStatus(std::to_string(pid) + "/task/" + std::to_string(pid), numbers);
  }
  void WriteStatus(const std::string& folder, const std::string& numbers) {
    std::filesystem::create_directories(root_ / "proc" / folder);
    std::ofstream(root_ / "proc" / folder / "status") << "NStgid:\t" << numbers << "\nNSpid:\t" << numbers << "\n";
  }
  // A target as the registry makes it of a process of the container.
  void AddContained(uint32_t pid, int32_t number) {
    targets_.Add(pid);
    targets_.SetLevels(pid, {{kContainer, number}});
  }

  std::unique_ptr<grpc::ClientContext> From(uint64_t inode, const std::string& of = "") {
    auto context = Context();
    if (inode != 0) context->AddMetadata("hftmon-pid-namespace", std::to_string(inode));
    if (!of.empty()) context->AddMetadata("hftmon-pid-namespace-of", of);
    return context;
  }
  grpc::Status Attach(std::unique_ptr<grpc::ClientContext> context, int32_t pid, int32_t* attached) {
    v1::AttachRequest request;
    request.add_pids(pid);
    v1::AttachResponse response;
    const grpc::Status status = stub_->Attach(context.get(), request, &response);
    *attached = status.ok() ? response.targets(0).pid() : 0;
    return status;
  }
  grpc::Status Switches(std::unique_ptr<grpc::ClientContext> context, int32_t pid, int32_t tid,
                        v1::QueryContextSwitchesResponse* response) {
    v1::QueryContextSwitchesRequest request;
    if (pid != 0) request.add_pids(pid);
    if (tid != 0) request.add_tids(tid);
    return stub_->QueryContextSwitches(context.get(), request, response);
  }

  uint64_t own_ = kInitialPidNamespace;
  std::filesystem::path root_;
  FileRoot files_;
};

TEST_F(PidTranslationTest, ANumberMeansAnotherProcessInAnotherNamespace) {
  int32_t attached = 0;
  EXPECT_TRUE(Attach(From(0), 7, &attached).ok());
  EXPECT_EQ(attached, 7);
  EXPECT_TRUE(Attach(From(kInitialPidNamespace), 7, &attached).ok());
  EXPECT_EQ(attached, 7);
  EXPECT_TRUE(Attach(From(kContainer), 7, &attached).ok());
  EXPECT_EQ(attached, 200);
  EXPECT_TRUE(Attach(From(kContainer), 9, &attached).ok());
  EXPECT_EQ(attached, 201);
  EXPECT_TRUE(Attach(From(kNested), 1, &attached).ok());
  EXPECT_EQ(attached, 201);
}

TEST_F(PidTranslationTest, TheNamespaceCanBeThatOfAProcess) {
  int32_t attached = 0;
  EXPECT_TRUE(Attach(From(0, "200"), 7, &attached).ok());
  EXPECT_EQ(attached, 200);
  EXPECT_TRUE(Attach(From(0, "7"), 7, &attached).ok());
  EXPECT_EQ(attached, 7);
  // A client in the container names the process as it knows it.
  EXPECT_TRUE(Attach(From(kContainer, "9"), 1, &attached).ok());
  EXPECT_EQ(attached, 201);
  const grpc::Status gone = Attach(From(0, "999"), 7, &attached);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(gone.error_message(), HasSubstr("999"));
}

TEST_F(PidTranslationTest, WhatIsNotThereIsNamedWithItsNamespace) {
  int32_t attached = 0;
  const grpc::Status process = Attach(From(kContainer), 8, &attached);
  EXPECT_EQ(process.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(process).reason(), "NO_SUCH_PROCESS");
  EXPECT_THAT(process.error_message(), AllOf(HasSubstr("process 8"), HasSubstr("4026532001")));
  const grpc::Status unknown = Attach(From(4026539999), 8, &attached);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(unknown).reason(), "NO_SUCH_NAMESPACE");
  EXPECT_THAT(unknown.error_message(), HasSubstr("4026539999"));
}

TEST_F(PidTranslationTest, MetadataThatIsNoNumberIsRefused) {
  int32_t attached = 0;
  for (const char* text : {"", "x", "0", "-3", "99999999999"}) {
    auto context = Context();
    context->AddMetadata("hftmon-pid-namespace-of", text);
    const grpc::Status status = Attach(std::move(context), 7, &attached);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << text;
    EXPECT_EQ(ErrorInfoOf(status).reason(), "BAD_METADATA");
  }
  auto twice = From(kContainer);
  twice->AddMetadata("hftmon-pid-namespace", std::to_string(kNested));
  EXPECT_EQ(Attach(std::move(twice), 7, &attached).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(PidTranslationTest, ARequestThatIsRefusedAnywayIsRefusedForItsFields) {
  int32_t attached = 0;
  const grpc::Status status = Attach(From(kContainer), -1, &attached);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "BAD_FIELD");
}

TEST_F(PidTranslationTest, EveryCallAboutTargetsTakesTheNumbersOfTheNamespace) {
  AddContained(200, 7);
  v1::QueryContextSwitchesResponse switches;
  EXPECT_TRUE(Switches(From(kContainer), 7, 0, &switches).ok());
  v1::UpdateTargetRequest update;
  update.set_pid(7);
  update.set_state(v1::TARGET_STATE_PAUSED);
  v1::UpdateTargetResponse updated;
  ASSERT_TRUE(stub_->UpdateTarget(From(kContainer).get(), update, &updated).ok());
  EXPECT_EQ(updated.target().pid(), 200);
  EXPECT_EQ(updated.target().namespace_pid(), 7);
  EXPECT_EQ(updated.target().pid_namespace(), kContainer);
  v1::DetachRequest detach;
  detach.add_pids(7);
  v1::DetachResponse detached;
  ASSERT_TRUE(stub_->Detach(From(kContainer).get(), detach, &detached).ok());
  EXPECT_EQ(detached.pids(0), 200);
  EXPECT_EQ(detached.namespace_pids(0), 7);
}

TEST_F(PidTranslationTest, AProcessThatIsNoTargetIsSaidToBeNone) {
  v1::QueryContextSwitchesResponse response;
  const grpc::Status status = Switches(From(kContainer), 7, 0, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_TARGET");
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr("process 7"), HasSubstr("4026532001"), HasSubstr("200"), HasSubstr("`hftmon attach 7`")));
  const grpc::Status by_process = Switches(From(0, "200"), 7, 0, &response);
  EXPECT_THAT(by_process.error_message(), HasSubstr("`hftmon --pid-namespace 200 attach 7`"));
}

TEST_F(PidTranslationTest, AnEndedTargetIsFoundByTheNumberItHadUnlessALivingOneHasIt) {
  AddContained(5200, 70);
  targets_.End(5200, kNowNs - 1);
  v1::DetachRequest detach;
  detach.add_pids(70);
  v1::DetachResponse detached;
  AddContained(200, 7);
  AddContained(5201, 7);
  targets_.End(5201, kNowNs - 1);
  v1::UpdateTargetRequest update;
  update.set_pid(7);
  update.set_state(v1::TARGET_STATE_RUNNING);
  v1::UpdateTargetResponse updated;
  ASSERT_TRUE(stub_->UpdateTarget(From(kContainer).get(), update, &updated).ok());
  EXPECT_EQ(updated.target().pid(), 200);
  ASSERT_TRUE(stub_->Detach(From(kContainer).get(), detach, &detached).ok());
  EXPECT_EQ(detached.pids(0), 5200);
}

TEST_F(PidTranslationTest, ThreadsAreFoundByTheirNumbersToo) {
  AddContained(200, 7);
  WriteStatus("200/task/205", "205\t12");
  const ThreadKey main{.tid = 200, .tgid = 200, .start_ns = 100};
  const ThreadKey worker{.tid = 205, .tgid = 200, .start_ns = 100};
  totals_.totals = {{.thread = main}, {.thread = worker}};
  names_.numbers[205] = {.pid = 7, .tid = 12};
  v1::QueryContextSwitchesResponse response;
  grpc::Status status = Switches(From(kContainer), 0, 12, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.threads_size(), 1);
  EXPECT_EQ(response.threads(0).thread().tid(), 205);
  EXPECT_EQ(response.threads(0).thread().namespace_tid(), 12);
  EXPECT_EQ(response.threads(0).thread().namespace_pid(), 7);
  status = Switches(From(kContainer), 7, 7, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.threads(0).thread().tid(), 200);
  status = Switches(From(kContainer), 7, 13, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("thread 13"), HasSubstr("4026532001")));
}

TEST_F(PidTranslationTest, ALivingThreadComesBeforeAnEndedProcessThatHadItsNumber) {
  AddContained(5200, 12);
  targets_.End(5200, kNowNs - 1);
  AddContained(200, 7);
  WriteStatus("200/task/205", "205\t12");
  const ThreadKey worker{.tid = 205, .tgid = 200, .start_ns = 100};
  totals_.totals = {{.thread = worker}};
  v1::QueryContextSwitchesResponse response;
  grpc::Status status = Switches(From(kContainer), 0, 12, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.threads_size(), 1);
  EXPECT_EQ(response.threads(0).thread().tid(), 205);
  std::filesystem::remove_all(root_ / "proc/200/task/205");
  // The ended one's threads are watched no more; it is it that is asked for.
  status = Switches(From(kContainer), 0, 12, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("thread 5200"));
}

TEST_F(PidTranslationTest, ATranslationCountsAsAQuery) {
  server_->SetLimits({.queries_max = 0});
  int32_t attached = 0;
  const grpc::Status refused = Attach(From(kContainer), 7, &attached);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "QUERY_LIMIT");
  EXPECT_TRUE(Attach(From(0), 7, &attached).ok()) << "nothing is translated";
  server_->SetLimits({});
  EXPECT_TRUE(Attach(From(kContainer), 7, &attached).ok()) << "no translation is left in the count";
}

TEST_F(PidTranslationTest, StreamsTakeTheNumbersOfTheNamespace) {
  AddContained(200, 7);
  v1::StreamSpikesRequest request;
  request.add_pids(7);
  v1::StreamSpikesResponse message;
  const auto context = From(kContainer);
  const auto reader = stub_->StreamSpikes(context.get(), request);
  EXPECT_TRUE(reader->Read(&message));
  AppendSpike(kNowNs, 400'000, SpikeKind::kPreempted, {.tid = 200, .tgid = 200, .start_ns = 100});
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_EQ(message.spike().target_pid(), 200);
  context->TryCancel();
  reader->Finish();
  const auto unknown = From(kContainer);
  request.set_pids(0, 8);
  const auto refused = stub_->StreamSpikes(unknown.get(), request);
  EXPECT_FALSE(refused->Read(&message));
  EXPECT_EQ(refused->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

class ContainedDaemonTest : public PidTranslationTest {
 protected:
  ContainedDaemonTest() { own_ = 4026532500; }
};

TEST_F(ContainedDaemonTest, TakesTheNumbersOfItsOwnNamespaceAsBeforeAndRefusesOthers) {
  int32_t attached = 0;
  EXPECT_TRUE(Attach(From(4026532500), 7, &attached).ok());
  EXPECT_EQ(attached, 7);
  EXPECT_TRUE(Attach(From(0), 7, &attached).ok());
  EXPECT_EQ(attached, 7);
  const grpc::Status status = Attach(From(kContainer), 7, &attached);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_IN_INITIAL_NAMESPACE");
}

}  // namespace
}  // namespace hftmon
