// `irqs --for`: two questions to a scripted daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

using IrqsVerbTest = CliFixture;

TEST_F(IrqsVerbTest, ForATimeItAsksTwiceAndPrintsTheDifference) {
  int64_t off_total_ns = 0;
  int daemon_pid = 7;
  monitor_.get_status = [&off_total_ns, &daemon_pid](const auto&, auto* response) {
    response->mutable_operation()->set_off_total_ns(off_total_ns += 1'000'000);
    response->mutable_daemon()->set_pid(daemon_pid);
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  int calls = 0;
  monitor_.query_interrupts = [&calls](const auto&, auto* response) {
    ++calls;
    response->mutable_time()->set_monotonic_ns(calls * 1'000'000'000LL);
    if (calls == 1) response->add_threads()->mutable_thread()->set_tid(13);
    v1::InterruptSource* source = response->add_cpus()->add_sources();
    source->set_kind("hard_irq");
    source->set_name("local_timer");
    source->set_count(calls * 100);
    source->set_self_ns(calls * 5'000);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"irqs", "--for", "10ms", "--json"}, console), 1);
  EXPECT_EQ(calls, 2);
  const auto answer = nlohmann::json::parse(console.out());
  EXPECT_EQ(answer["duration_ns"], 1'000'000'000);
  EXPECT_EQ(answer["cpus"][0]["sources"][0]["count"], 100);
  EXPECT_THAT(console.err(), HasSubstr("hftmon: irqs: 1 thread ended, or was watched no more for a while"));
  EXPECT_THAT(console.err(), HasSubstr("hftmon: irqs: the programs were off for 1ms meanwhile"));
  monitor_.list_targets = [&daemon_pid](const auto&, auto*) { return ++daemon_pid, grpc::Status::OK; };
  monitor_.query_interrupts = [&daemon_pid](const auto&, auto*) { return ++daemon_pid, grpc::Status::OK; };
  StringConsole restarted;
  EXPECT_EQ(Run({"irqs", "--for", "10ms"}, restarted), 3);
  EXPECT_THAT(restarted.err(), HasSubstr("hftmond was restarted meanwhile"));
  StringConsole refused;
  EXPECT_EQ(Run({"irqs", "--for", "1ms"}, refused), 3);
  EXPECT_THAT(refused.err(), HasSubstr("give 10ms to 1h"));
}

TEST_F(IrqsVerbTest, AWindowIsAskedForAndToldApartAndIsNotOfTheTimeToCome) {
  int64_t window_ns = -1;
  bool with_coalescing = true;
  monitor_.query_interrupts = [&](const auto& request, auto* response) {
    window_ns = request.window_ns();
    with_coalescing = request.with_coalescing();
    if (window_ns == 0) return grpc::Status::OK;
    response->mutable_window()->set_begin_monotonic_ns(5'000'000'000);
    response->mutable_window()->set_end_monotonic_ns(15'000'000'000);
    v1::WindowInterrupts* thread = response->add_window_threads();
    thread->mutable_thread()->set_comm("matcher");
    thread->set_hard_irq_ns(3'000'000);
    thread->set_softirq_ns(1'000'000);
    return grpc::Status::OK;
  };
  StringConsole plain;
  EXPECT_EQ(Run({"irqs"}, plain), 0);
  EXPECT_EQ(window_ns, 0);
  EXPECT_FALSE(with_coalescing);
  StringConsole console;
  EXPECT_EQ(Run({"irqs", "--window", "10s"}, console), 0);
  EXPECT_EQ(window_ns, 10'000'000'000);
  EXPECT_THAT(console.out(), HasSubstr("in the last 10s"));
  EXPECT_THAT(console.out(), HasSubstr("matcher"));
  EXPECT_THAT(console.out(), HasSubstr("4ms"));
  StringConsole json;
  EXPECT_EQ(Run({"irqs", "--window", "10s", "--json"}, json), 0);
  EXPECT_EQ(nlohmann::json::parse(json.out())["window_threads"][0]["hard_irq_ns"], 3'000'000);
  StringConsole both;
  EXPECT_EQ(Run({"irqs", "--window", "10s", "--for", "10ms"}, both), 3);
  EXPECT_THAT(both.err(), HasSubstr("give one of them"));
  StringConsole all;
  EXPECT_EQ(Run({"irqs", "--window", "all"}, all), 3) << "by source it is of all the time anyway";
}

TEST_F(IrqsVerbTest, CoalescingIsAskedForBothTimesAndItsDifferenceTold) {
  monitor_.get_status = [](const auto&, auto*) { return grpc::Status::OK; };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  uint64_t calls = 0;
  monitor_.query_interrupts = [&calls](const auto& request, auto* response) {
    EXPECT_TRUE(request.with_coalescing());
    ++calls;
    response->mutable_time()->set_monotonic_ns(static_cast<int64_t>(calls) * 1'000'000'000);
    v1::BlockDeviceInterrupts* disk = response->mutable_coalescing()->add_block_devices();
    disk->set_name("vda");
    disk->set_completed_count(calls * 30);
    disk->set_interrupt_count(calls * 10);
    v1::DeviceLine* line = disk->add_lines();
    line->set_irq(36);
    line->set_count(calls * 10);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"irqs", "--for", "10ms", "--coalescing", "--json"}, console), 0);
  EXPECT_EQ(calls, 2u);
  const auto disk = nlohmann::json::parse(console.out())["coalescing"]["block_devices"][0];
  EXPECT_EQ(disk["completed_count"], 30);
  EXPECT_EQ(disk["completions_per_interrupt"], 3.0);
  EXPECT_EQ(disk["interrupts_per_second"], 10.0);
}

TEST_F(IrqsVerbTest, WithAffinityTheTableSaysWhomALineHits) {
  bool asked = false;
  std::string unavailable;
  monitor_.query_interrupts = [&asked, &unavailable](const auto& request, auto* response) {
    asked = request.with_lines();
    response->set_lines_unavailable(unavailable);
    if (!asked || !unavailable.empty()) return grpc::Status::OK;
    v1::InterruptLine* line = response->add_lines();
    line->set_irq(36);
    line->add_handlers("eth0-rx");
    for (const int cpu : {0, 1, 2, 3}) line->add_allowed_cpus(cpu);
    line->add_effective_cpus(3);
    line->add_hit_reserved_cpus(3);
    line->add_allowed_reserved_cpus(2);
    line->add_allowed_reserved_cpus(3);
    line->set_hit_thread_count(70);
    for (int tid = 11; tid < 16; ++tid) {
      v1::BoundThread* hit = line->add_hit_threads();
      hit->mutable_thread()->set_tid(tid);
      hit->mutable_thread()->set_comm("trader");
      hit->add_cpus(3);
    }
    return grpc::Status::OK;
  };
  StringConsole plain;
  EXPECT_EQ(Run({"irqs"}, plain), 0);
  EXPECT_FALSE(asked);
  EXPECT_THAT(plain.out(), ::testing::Not(HasSubstr("hits")));
  StringConsole console;
  EXPECT_EQ(Run({"irqs", "--affinity"}, console), 0);
  EXPECT_THAT(console.out(), HasSubstr("reserved CPU 3; trader[11] on 3; trader[12] on 3; trader[13] on 3; 67 threads more  2-3\n"));
  StringConsole json;
  EXPECT_EQ(Run({"irqs", "--affinity", "--json"}, json), 0);
  const auto line = nlohmann::json::parse(json.out())["lines"][0];
  EXPECT_EQ(line["allowed_cpus"], nlohmann::json({0, 1, 2, 3}));
  EXPECT_EQ(line["hit_threads"].size(), 5u);
  EXPECT_EQ(line["hit_threads"][4]["tid"], 15);
  unavailable = "/proc/irq: No such file or directory";
  StringConsole missing;
  EXPECT_EQ(Run({"irqs", "--affinity"}, missing), 1);
  EXPECT_THAT(missing.err(), HasSubstr("where device interrupts may be sent is not available: /proc/irq: No such file or directory"));
}

TEST_F(IrqsVerbTest, WithAffinityForATimeTheLinesAreReadOnceAndHitOnlyTheThreadsAskedFor) {
  monitor_.get_status = [](const auto&, auto*) { return grpc::Status::OK; };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  std::vector<bool> asked;
  std::vector<int> lines_of;
  monitor_.query_interrupts = [&asked, &lines_of](const auto& request, auto* response) {
    asked.push_back(request.with_lines());
    if (request.with_lines()) lines_of.assign(request.tids().begin(), request.tids().end());
    response->mutable_time()->set_monotonic_ns(static_cast<int64_t>(asked.size()) * 1'000'000'000);
    response->add_threads()->mutable_thread()->set_tid(12);
    if (!request.with_lines()) return grpc::Status::OK;
    v1::InterruptLine* line = response->add_lines();
    line->set_hit_thread_count(2);
    for (const int tid : {11, 12}) line->add_hit_threads()->mutable_thread()->set_tid(tid);
    response->set_unread_line_count(1);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"irqs", "-t", "12", "--for", "10ms", "--affinity", "--json"}, console), 1);
  EXPECT_EQ(asked, (std::vector<bool>{false, false, true}));
  EXPECT_EQ(lines_of, std::vector<int>{12});
  const auto answer = nlohmann::json::parse(console.out());
  ASSERT_EQ(answer["lines"][0]["hit_threads"].size(), 1u);
  EXPECT_EQ(answer["lines"][0]["hit_threads"][0]["tid"], 12);
  EXPECT_EQ(answer["lines"][0]["hit_thread_count"], 1);
  EXPECT_EQ(answer["unread_line_count"], 1);
  EXPECT_THAT(console.err(), HasSubstr("1 device interrupt beyond the limit, or unreadable"));
}

}  // namespace
}  // namespace hftmon
