// check, the whole command line against a scripted daemon.
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/check/check_limits.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

constexpr int32_t kPid = 4711;

class CheckVerbTest : public CliFixture {
 protected:
  void SetUp() override {
    monitor_.attach = [this](const v1::AttachRequest& request, v1::AttachResponse* response) {
      attached_.push_back(request);
      for (const std::string& group : request.options().probe_groups()) {
        if (refused_group_ == group) {
          return FakeMonitor::RichError(grpc::StatusCode::FAILED_PRECONDITION, "quiet hours: `hftmon quiet off`", "QUIET");
        }
      }
      for (const int32_t pid : request.pids()) response->add_targets()->set_pid(pid);
      for (const auto& selector : request.selectors()) {
        response->add_rules()->set_id(7);
        *response->mutable_rules(0)->mutable_selector() = selector;
      }
      return grpc::Status::OK;
    };
    monitor_.list_targets = [](const auto&, v1::ListTargetsResponse* response) {
      response->add_rules()->set_id(7);
      return grpc::Status::OK;
    };
    ScriptWindows();
    ScriptSums();
  }

  // A process whose one thread is bound to CPU 0 and waited for `wait_ns_` at most.
  void ScriptWindows() {
    monitor_.query_threads = [this](const v1::QueryThreadsRequest& request, v1::QueryThreadsResponse* response) {
      threads_asked_ = request;
      v1::ScheduledThread* thread = response->add_threads();
      Name(thread->mutable_thread());
      thread->mutable_scheduling()->set_cpus_allowed("0");
      thread->set_cpu_time_ns(1'000'000);
      return grpc::Status::OK;
    };
    monitor_.query_context_switches = [this](const v1::QueryContextSwitchesRequest& request, v1::QueryContextSwitchesResponse* response) {
      switch_windows_.push_back(request.window_ns());
      response->mutable_window()->set_begin_monotonic_ns(1);
      response->mutable_window()->set_end_monotonic_ns(1 + request.window_ns());
      v1::ThreadSwitches* thread = response->add_threads();
      Name(thread->mutable_thread());
      thread->set_involuntary_count(involuntary_count_);
      thread->mutable_run_queue_latency()->set_count(1);
      thread->mutable_run_queue_latency()->set_max_ns(wait_ns_);
      return grpc::Status::OK;
    };
    monitor_.detect_spikes = [](const auto&, v1::DetectSpikesResponse* response) {
      response->set_floor_ns(10'000);
      return grpc::Status::OK;
    };
    monitor_.recommend = [](const auto&, auto*) { return grpc::Status::OK; };
  }

  // What counts since something began, and was there before.
  void ScriptSums() {
    monitor_.query_interrupts = [this](const v1::QueryInterruptsRequest&, v1::QueryInterruptsResponse* response) {
      const auto time_ns = 1'000'000'000 + 100'000'000 * ++interrupts_asked_;
      response->mutable_time()->set_monotonic_ns(time_ns);
      v1::ThreadInterrupts* thread = response->add_threads();
      Name(thread->mutable_thread());
      v1::InterruptSource* source = thread->add_sources();
      source->set_kind("hard_irq");
      source->set_name("local_timer");
      source->set_count(static_cast<uint64_t>(1'000 + interrupts_asked_ * 3));
      source->set_self_ns(1'000'000 + interrupts_asked_ * 3'000);
      response->mutable_deferred()->set_collecting(true);
      return grpc::Status::OK;
    };
    monitor_.query_memory = [](const auto&, v1::QueryMemoryResponse* response) {
      v1::ThreadMemory* thread = response->add_threads();
      Name(thread->mutable_thread());
      thread->set_available(true);
      thread->mutable_user_major()->set_count(5);  // all before
      response->set_fault_floor_ns(10'000);
      return grpc::Status::OK;
    };
    monitor_.query_locks = [](const auto&, v1::QueryLocksResponse* response) {
      v1::ThreadCalls* thread = response->add_threads();
      Name(thread->mutable_thread());
      thread->set_available(true);
      v1::CallSum* call = thread->add_calls();
      call->set_name("futex");
      call->set_count(9);  // all before
      return grpc::Status::OK;
    };
    monitor_.query_network = [this](const v1::QueryNetworkRequest& request, v1::QueryNetworkResponse* response) {
      interface_asked_ = request.interface();
      response->set_collecting(true);
      v1::ThreadNetwork* thread = response->add_threads();
      Name(thread->mutable_thread());
      thread->set_available(true);
      v1::SocketPath* socket = thread->add_sockets();
      socket->set_copied_count(static_cast<uint64_t>(++network_asked_));
      socket->mutable_arrival_to_copy()->set_sum_ns(1'000 * network_asked_);
      socket->mutable_arrival_to_copy()->set_longest_ns(1'000);
      v1::PacketDrops* drops = response->add_drops();
      drops->set_reason("SOCKET_RCVBUFF");
      drops->set_count(70);  // all before
      return grpc::Status::OK;
    };
  }

  static void Name(v1::ThreadId* thread) {
    thread->set_pid(kPid);
    thread->set_tid(kPid);
    thread->set_comm("hot");
    thread->set_start_boottime_ns(5);
  }

  nlohmann::json Json(std::vector<std::string> words, int exit_code) {
    words.push_back("--json");
    StringConsole console;
    EXPECT_EQ(Run(words, console), exit_code) << console.err();
    return nlohmann::json::parse(console.out(), nullptr, false);
  }
  static std::vector<std::string> Words(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"check", "-p", std::to_string(kPid), "--duration", "100ms"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::vector<v1::AttachRequest> attached_;
  std::string refused_group_;
  v1::QueryThreadsRequest threads_asked_;
  std::vector<int64_t> switch_windows_;
  std::string interface_asked_;
  uint64_t involuntary_count_ = 0;
  int64_t wait_ns_ = 20'000;
  int64_t interrupts_asked_ = 0;
  int64_t network_asked_ = 0;
};

TEST_F(CheckVerbTest, WhatWasBeforeIsNotCounted) {
  const nlohmann::json json = Json(Words(), 0);
  EXPECT_EQ(json["verdict"], "PASS") << json.dump(1);
  EXPECT_EQ(json["irq"]["interrupt_count"], 3);
  EXPECT_EQ(json["memory"]["major_fault_count"], 0);
  EXPECT_EQ(json["syscall"]["futex_wait_count"], 0);
  EXPECT_EQ(json["network"]["drop_count"], 0);
  EXPECT_EQ(json["network"]["delivered_count"], 1);
  EXPECT_EQ(json["isolation"]["p99_999_runqueue_ns"], 20'000);
  EXPECT_EQ(json["asked"]["pids"], nlohmann::json::array({kPid}));
}

TEST_F(CheckVerbTest, AFailureIsExitCodeTwoAndAWarningOne) {
  involuntary_count_ = 3;
  EXPECT_EQ(Json(Words(), 2)["isolation"]["verdict"], "FAIL");
  EXPECT_EQ(Json(Words({"--max-involuntary", "3"}), 1)["isolation"]["verdict"], "WARN") << "it is near";
  EXPECT_EQ(Json(Words({"--max-involuntary", "30"}), 0)["isolation"]["verdict"], "PASS");
}

TEST_F(CheckVerbTest, ItAttachesForTheModulesThatAreAskedFor) {
  Json(Words(), 0);
  ASSERT_EQ(attached_.size(), 1u);
  EXPECT_EQ(attached_[0].options().spike_threshold_ns(), 10'000) << "half of --max-fault";
  EXPECT_EQ(attached_[0].options().blocked_threshold_ns(), 500'000);
  EXPECT_EQ(attached_[0].options().probe_groups_size(), 4);
  attached_.clear();
  const nlohmann::json json = Json(Words({"--module", "isolation,memory"}), 0);
  ASSERT_EQ(attached_.size(), 1u);
  ASSERT_EQ(attached_[0].options().probe_groups_size(), 1);
  EXPECT_EQ(attached_[0].options().probe_groups(0), "memory");
  EXPECT_TRUE(json.contains("isolation") && json.contains("memory"));
  EXPECT_FALSE(json.contains("irq") || json.contains("syscall") || json.contains("network"));
}

TEST_F(CheckVerbTest, AGroupThatIsRefusedIsUnavailableAndTheOthersAreThere) {
  refused_group_ = "memory";
  monitor_.query_memory = [](const auto&, v1::QueryMemoryResponse* response) {
    Name(response->add_threads()->mutable_thread());
    return grpc::Status::OK;
  };
  const nlohmann::json json = Json(Words(), 1);
  EXPECT_EQ(json["memory"]["minor_fault_count"], "unavailable");
  EXPECT_NE(json["memory"]["unavailable"]["minor_fault_count"].get<std::string>().find("quiet hours"), std::string::npos);
  EXPECT_EQ(json["irq"]["verdict"], "PASS");
  EXPECT_EQ(attached_.size(), 6u) << "together, then nothing, then one by one";
}

TEST_F(CheckVerbTest, NothingIsToldOfATimeInWhichTheProgramsWereOff) {
  int calls = 0;
  monitor_.get_status = [&calls](const auto&, v1::GetStatusResponse* response) {
    response->mutable_operation()->set_off_total_ns(calls++ * 5'000'000LL);
    return grpc::Status::OK;
  };
  const nlohmann::json json = Json(Words(), 1);
  for (const char* module : {"isolation", "irq", "memory", "syscall", "network"}) EXPECT_EQ(json[module]["verdict"], "WARN") << module;
  EXPECT_EQ(json["isolation"]["p99_999_runqueue_ns"], "unavailable");
  EXPECT_EQ(json["memory"]["minor_fault_count"], "unavailable");
}

TEST_F(CheckVerbTest, ADaemonThatWasRestartedMeanwhileIsAnError) {
  int pid = 100;
  monitor_.get_status = [&pid](const auto&, v1::GetStatusResponse* response) {
    response->mutable_daemon()->set_pid(++pid);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run(Words(), console), 3);
  EXPECT_NE(console.err().find("restarted"), std::string::npos) << console.err();
}

TEST_F(CheckVerbTest, CpusAreWatchedByARule) {
  const nlohmann::json json = Json({"check", "--cpus", "0", "--duration", "100ms", "--module", "isolation", "--max-involuntary", "9"}, 0);
  ASSERT_EQ(attached_.size(), 1u);
  EXPECT_EQ(attached_[0].selectors(0).cpus(), "0");
  EXPECT_EQ(json["isolation"]["visitor_count"], 0) << json.dump(1);
}

TEST_F(CheckVerbTest, OfAnInterfaceItsOwnPacketsAreAskedFor) {
  const nlohmann::json json = Json({"check", "--interface", "eth7", "--duration", "100ms"}, 0);
  EXPECT_EQ(interface_asked_, "eth7");
  ASSERT_EQ(attached_.size(), 1u);
  EXPECT_EQ(attached_[0].pids(0), getpid()) << "somebody has to ask";
  EXPECT_EQ(json["network"]["verdict"], "PASS") << json.dump(1);
  EXPECT_FALSE(json["network"].contains("longest_delivery_ns"));
}

TEST_F(CheckVerbTest, LimitsComeFromAFileAndFlagsGoBeforeIt) {
  const std::string path = ::testing::TempDir() + "check_verb_limits.json";
  std::ofstream(path) << "{\"max_runqueue\": \"10us\"}";
  EXPECT_EQ(Json(Words({"--thresholds", path}), 2)["isolation"]["limits"]["max_runqueue"], 10'000);
  EXPECT_EQ(Json(Words({"--thresholds", path, "--max-runqueue", "1ms"}), 0)["isolation"]["limits"]["max_runqueue"], 1'000'000);
  std::ofstream(path) << "{\"max_runqeue\": \"10us\"}";
  StringConsole console;
  EXPECT_EQ(Run(Words({"--thresholds", path}), console), 3);
  EXPECT_NE(console.err().find("no such limit"), std::string::npos) << console.err();
  unlink(path.c_str());
}

TEST_F(CheckVerbTest, ALaterRunIsComparedWithAnEarlierOne) {
  const std::string path = ::testing::TempDir() + "check_verb_baseline.json";
  wait_ns_ = 1'000;
  const std::vector<std::string> second{"check",    "-p",        std::to_string(kPid), "--duration", "1s",
                                        "--module", "isolation", "--max-involuntary",  "99"};
  std::vector<std::string> words = second;
  words.insert(words.end(), {"--format", "json", "--output", path});
  StringConsole console;
  ASSERT_EQ(Run(words, console), 0) << console.err();
  EXPECT_NE(console.out().find("┌─ hftmon check ─ PASS"), std::string::npos) << console.out();
  words = second;
  words.insert(words.end(), {"--baseline", path});
  nlohmann::json json = Json(words, 0);
  EXPECT_FALSE(json["baseline"].empty());
  wait_ns_ = 30'000;
  json = Json(words, 2);
  EXPECT_EQ(json["isolation"]["verdict"], "FAIL") << json.dump(1);
  EXPECT_NE(json["isolation"]["findings"][0]["text"].get<std::string>().find("regressed"), std::string::npos);
  unlink(path.c_str());
}

TEST_F(CheckVerbTest, AnInterruptedCheckReportsWhatItSaw) {
  int calls = 0;
  monitor_.get_status = [&calls](const auto&, auto*) {
    if (calls++ == 0) kill(getpid(), SIGINT);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"check", "-p", std::to_string(kPid), "--duration", "1h", "--json"}, console), 130);
  const nlohmann::json json = nlohmann::json::parse(console.out(), nullptr, false);
  EXPECT_EQ(json["interrupted"], true) << console.out();
  EXPECT_EQ(json["exit_code"], 130);
  EXPECT_FALSE(json.contains("segments"));
}

TEST_F(CheckVerbTest, WhatCannotBeCheckedIsRefusedBeforeAnythingIsAsked) {
  const std::pair<std::vector<std::string>, const char*> words[] = {
      {{"check"}, "nothing to check"},
      {{"check", "-t", "5", "--cpus", "0"}, "give -p PID too"},
      {{"check", "-p", "5", "--module", "disk"}, "write isolation, irq"},
      {{"check", "--cpus", "0", "--module", "syscall"}, "it is of a process"},
      {{"check", "--interface", "eth0", "--module", "isolation"}, "give -p or --cpus too"},
      {{"check", "-p", "5", "--format", "perfetto"}, "text, json or junit"},
      {{"check", "-p", "5", "--duration", "1ms"}, "100ms to 1h"},
      {{"check", "-p", "5", "--cpus", "a"}, "--cpus"},
      {{"check", "-p", "5", "--max-runqueue", "50"}, "--max-runqueue"},
      {{"check", "-p", "5", "--baseline", "/nonexistent/file"}, "/nonexistent/file"},
  };
  for (const auto& [line, told] : words) {
    StringConsole console;
    EXPECT_EQ(Run(line, console), 3) << told;
    EXPECT_NE(console.err().find(told), std::string::npos) << console.err();
  }
  EXPECT_TRUE(attached_.empty());
}

TEST_F(CheckVerbTest, AFileThatCannotBeWrittenIsAnError) {
  StringConsole console;
  EXPECT_EQ(Run(Words({"--output", "/nonexistent/folder/file"}), console), 3);
  EXPECT_NE(console.err().find("/nonexistent/folder/file"), std::string::npos) << console.err();
}

TEST_F(CheckVerbTest, JunitIsXmlOnStandardOutput) {
  StringConsole console;
  EXPECT_EQ(Run(Words({"--format", "junit"}), console), 0) << console.err();
  EXPECT_EQ(console.out().rfind("<?xml", 0), 0u);
}

TEST_F(CheckVerbTest, HelpHasEachLimitWithItsDefault) {
  StringConsole console;
  EXPECT_EQ(Run({"check", "--help"}, console), 0);
  for (const CheckLimit& limit : AllCheckLimits()) EXPECT_NE(console.out().find(FlagOf(limit)), std::string::npos) << limit.name;
  EXPECT_NE(console.out().find("(default 50us)"), std::string::npos);
}

}  // namespace
}  // namespace hftmon
