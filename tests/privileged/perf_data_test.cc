// Recordings that this machine's own perf makes, read by hftmon and by perf: as many samples of each event, the same values of counters.
// Software events, which every machine has. perf prints a sample of a group once for each member that advanced: groups are left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "common/perf/perf_data_reader.h"
#include "common/perf/zstd_stream.h"
#include "tests/common/perf/file_bytes.h"
#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kWorkload[] = "for i in 1 2 3 4 5; do ls -R /usr/include/linux >/dev/null; done";

struct Values : PerfDataVisitor {
  void OnStat(const PerfEvent* event, const PerfStat& stat) override { stats.emplace_back(event == nullptr ? "" : event->name, stat); }
  void OnMapping(const PerfMapping& mapping) override { mapped_shell = mapped_shell || mapping.name.ends_with("sh"); }
  void OnComm(const PerfComm& comm) override { named_ls = named_ls || comm.name == "ls"; }
  std::vector<std::pair<std::string, PerfStat>> stats;
  bool mapped_shell = false;
  bool named_ls = false;
};

class PerfDataTest : public ::testing::Test {
 protected:
  PerfDataTest() : folder_(::testing::TempDir() + "/perf_data_test." + std::to_string(getpid())) {
    std::filesystem::create_directory(folder_);
  }
  ~PerfDataTest() override { std::filesystem::remove_all(folder_); }
  void SetUp() override {
    const CommandResult result = Run("perf record -q -e page-faults -o /dev/null -- true");
    if (result.exit_code != 0)
      GTEST_SKIP() << "perf cannot record page faults here (install linux-perf; kernel.perf_event_paranoid): " << result.error;
  }
  CommandResult Run(const std::string& command) const {
    Subprocess::Options options;
    options.environment["LC_ALL"] = "C";
    return RunCommand({"sh", "-c", "cd " + folder_ + " && " + command}, options);
  }
  absl::StatusOr<PerfDataSummary> Read(PerfDataVisitor* visitor) const {
    const auto bytes = FileBytes(folder_ + "/data");
    if (!bytes.has_value()) return absl::NotFoundError("perf wrote no file");
    MemoryByteSource source(*bytes);
    return ReadPerfData(source, *visitor);
  }
  // Samples of each event as `perf script` prints them.
  std::map<std::string, uint64_t> SamplesOfPerf() const {
    std::istringstream lines(Run("perf script -i data -F event").output);
    std::map<std::string, uint64_t> counts;
    for (std::string name; lines >> name;) ++counts[name.substr(0, name.find_last_of(':'))];
    return counts;
  }
  void ExpectRecorded(const std::string& record) const {
    SCOPED_TRACE(record);
    const CommandResult recorded = Run(record);
    ASSERT_EQ(recorded.exit_code, 0) << recorded.error;
    Values values;
    const auto summary = Read(&values);
    ASSERT_TRUE(summary.ok()) << summary.status();
    std::map<std::string, uint64_t> samples;
    for (const PerfEvent& event : summary->events) {
      if (event.sample_count != 0) samples[event.name] = event.sample_count;
    }
    EXPECT_EQ(samples, SamplesOfPerf());
    EXPECT_GT(samples["page-faults"], 100u);
    EXPECT_EQ(summary->unmatched_samples, 0u);
    EXPECT_TRUE(values.mapped_shell && values.named_ls);
    EXPECT_FALSE(summary->host.perf_version.empty());
  }

 private:
  const std::string folder_;
};

TEST_F(PerfDataTest, FilesPipesAndCompressedOnesHavePerfsOwnCounts) {
  const std::string events = "-q -c 1 -e page-faults,context-switches ";
  const std::string workload = std::string(" -- sh -c '") + kWorkload + "'";
  ExpectRecorded("perf record " + events + "-o data" + workload);
  ExpectRecorded("perf record " + events + "-o -" + workload + " > data");
  ExpectRecorded("perf record " + events + "-d --phys-data --data-page-size --code-page-size -W --transaction -o data" + workload);
  ExpectRecorded("perf record " + events + "-g --intr-regs=ip,sp --switch-events -o data" + workload);
  if (!ZstdStream::Create().ok()) GTEST_SKIP() << "built without zstd: compressed recordings are refused";
  if (Run("perf version --build-options").output.find("zstd: [ on") == std::string::npos) GTEST_SKIP() << "this perf does not compress";
  ExpectRecorded("perf record " + events + "-z -o data" + workload);
}

TEST_F(PerfDataTest, ValuesOfCountersAreThoseThatPerfPrints) {
  const CommandResult stat = Run(std::string("perf stat record -o data -e page-faults,task-clock -- sh -c '") + kWorkload + "'");
  ASSERT_EQ(stat.exit_code, 0) << stat.error;
  Values values;
  const auto summary = Read(&values);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->notes, IsEmpty());
  ASSERT_THAT(values.stats, SizeIs(2));
  EXPECT_EQ(values.stats[0].first, "page-faults");
  EXPECT_EQ(values.stats[0].second.running_ns, values.stats[0].second.enabled_ns);
  const std::string report = Run("perf stat report -i data 2>&1").output;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) {
    std::erase(line, ',');
    std::istringstream words(line);
    uint64_t value = 0;
    std::string name;
    if (!(words >> value >> name) || name != "page-faults") continue;
    EXPECT_EQ(value, values.stats[0].second.value);
    return;
  }
  FAIL() << "perf prints no page faults: " << report;
}

}  // namespace
}  // namespace hftmon::testing
