// The program itself, and what the daemon makes of its answers.
#include "daemon/numa/numa_probe.h"

#include <gmock/gmock.h>
#include <sched.h>

#include <filesystem>
#include <fstream>

#include "daemon/os/bounded_process.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kPatienceNs = 60'000'000'000;

std::string ProbePath() {
  // Tests lie in a folder beneath that of the programs.
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "hftmon-numa-probe").string();
}

int OwnCpu() {
  cpu_set_t own;
  EXPECT_EQ(sched_getaffinity(0, sizeof(own), &own), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &own)) return cpu;
  }
  return -1;
}

// A program that answers so.
class Impostor {
 public:
  Impostor(const std::string& script) {
    tree_.Write("/probe", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  std::string path() const { return tree_.path() + "/probe"; }

 private:
  FixtureTree tree_;
};

absl::StatusOr<ProbeReport> Ask(const std::string& path, int node = 0, int64_t patience_ns = kPatienceNs,
                                std::function<bool()> given_up = nullptr) {
  const PlannedPair pair{.cpu_node = 0, .memory_node = node, .cpu = OwnCpu(), .buffer_bytes = 4 * kMiB};
  return RunNumaProbe(path, pair, patience_ns, std::move(given_up));
}

// It is least urgent, and on a busy host gets no time: real-time while this lives, what is started too, where that is allowed.
class Urgent {
 public:
  Urgent() { Set(SCHED_FIFO, 1); }
  ~Urgent() { Set(SCHED_OTHER, 0); }

 private:
  static void Set(int policy, int priority) {
    const sched_param wanted{.sched_priority = priority};
    if (sched_setscheduler(0, policy, &wanted) != 0) std::printf("left to the host's other work: no right to real-time scheduling\n");
  }
};

TEST(NumaProbeTest, MeasuresMemoryOfANodeFromACpu) {
  const Urgent urgent;
  const auto report = Ask(ProbePath());
  if (absl::IsAborted(report.status())) GTEST_SKIP() << "the CPU had no time for it: " << report.status();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_LE(report->page_on_node_count, report->page_count);
  if (report->page_on_node_count < report->page_count) GTEST_SKIP() << "node 0 has no room";
  EXPECT_GT(report->load_ns, 0);
  EXPECT_GT(report->read_mb_s, 0);
  EXPECT_GT(report->bytes_moved, static_cast<uint64_t>(4 * kMiB));
  std::printf("%.1f ns a load, %.0f MB/s, %s\n", report->load_ns, report->read_mb_s, report->huge_pages ? "huge pages" : "small pages");
}

TEST(NumaProbeTest, SaysWhyItCannot) {
  const auto report = Ask(ProbePath(), 1'023);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("node 1023"));
}

TEST(NumaProbeTest, WrongArgumentsEndIt) {
  for (const char* bytes : {"0", "4096", "1073741824", "x", "-2097152"}) {
    const auto output =
        RunBounded({.path = ProbePath(), .arguments = {"0", "0", bytes}, .patience_ns = kPatienceNs, .output_bytes_max = 512});
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_EQ(output->exit_code, 2) << bytes;
    EXPECT_EQ(output->text, "");
  }
}

TEST(NumaProbeTest, AnotherProgramsAnswersAreRefused) {
  EXPECT_THAT(std::string(Ask("/nonexistent/hftmon-numa-probe").status().message()), HasSubstr("install it beside hftmond"));
  EXPECT_EQ(Ask(Impostor("echo load_ns=5").path()).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Ask(Impostor("exit 2").path()).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Ask(Impostor("kill -SEGV $$").path()).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Ask(Impostor("while :; do echo too much of it; done").path()).status().code(), absl::StatusCode::kResourceExhausted);
  const auto said = Ask(Impostor("printf 'it \\033[31m cannot\\n'; exit 1").path());
  EXPECT_EQ(said.status().message(), "it ?[31m cannot");
}

TEST(NumaProbeTest, OneThatDoesNotEndIsKilled) {
  EXPECT_EQ(Ask(Impostor("exec sleep 600").path(), 0, 50'000'000).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Ask(Impostor("exec sleep 600 >&-").path(), 0, 50'000'000).status().code(), absl::StatusCode::kDeadlineExceeded);
  int asked_count = 0;
  EXPECT_EQ(Ask(Impostor("exec sleep 600").path(), 0, kPatienceNs, [&asked_count] { return ++asked_count > 2; }).status().code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace hftmon
