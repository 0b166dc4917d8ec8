// Recordings of real hosts: what the reader says of each is what is known of it. Those with a free licence are in tests/fixtures/perf;
// the others are looked for in the folder that $HFTMON_SHARED_FIXTURES names, and their tests are skipped without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/perf/data_source.h"
#include "common/perf/perf_address_spaces.h"
#include "common/perf/perf_data_reader.h"
#include "tests/common/perf/file_bytes.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What a recording told.
struct Told : PerfDataVisitor {
  void OnSample(const PerfEvent& event, const PerfSample& sample, uint16_t) override {
    ++samples[event.index];
    if (sample.data_source.has_value()) accesses.emplace_back(*sample.data_source, sample.weight);
    if (sample.read.has_value()) {
      readings.emplace_back();
      for (size_t i = 0; i < sample.read->size(); ++i) readings.back().push_back(sample.read->at(i));
    }
    branches += sample.branches.size() / 24;
  }
  void OnStat(const PerfEvent* event, const PerfStat& stat) override { stats.emplace_back(event == nullptr ? "" : event->name, stat); }
  void OnStatRound(int64_t, bool final) override { final_rounds += final ? 1 : 0; }
  void OnLost(const PerfEvent* event, const PerfLost& one) override { lost.emplace_back(event == nullptr ? "" : event->name, one.count); }
  void OnSwitch(const PerfSwitch&) override { ++switches; }
  void OnComm(const PerfComm&) override { ++comms; }
  void OnMapping(const PerfMapping&) override { ++mappings; }
  void OnExit(const PerfTask&) override { ++exits; }

  std::map<size_t, uint64_t> samples;
  std::vector<std::pair<uint64_t, std::optional<uint64_t>>> accesses;
  std::vector<std::vector<PerfReadValue>> readings;
  std::vector<std::pair<std::string, PerfStat>> stats;
  std::vector<std::pair<std::string, uint64_t>> lost;
  uint64_t branches = 0, switches = 0, comms = 0, mappings = 0, exits = 0, final_rounds = 0;
};

struct Reading {
  Told told;
  PerfDataSummary summary;
};

std::optional<Reading> ReadFile(const std::string& path) {
  const auto bytes = FileBytes(path);
  if (!bytes.has_value()) return std::nullopt;
  MemoryByteSource source(*bytes);
  Reading reading;
  const absl::StatusOr<PerfDataSummary> summary = ReadPerfData(source, reading.told);
  EXPECT_TRUE(summary.ok()) << path << ": " << summary.status();
  if (!summary.ok()) return std::nullopt;
  reading.summary = *summary;
  for (const PerfEvent& event : summary->events) EXPECT_EQ(event.sample_count, reading.told.samples[event.index]) << path;
  return reading;
}

std::optional<Reading> ReadCommitted(const std::string& name) {
  return ReadFile("tests/fixtures/perf/" + name + ".perf.data");
}

std::vector<std::pair<std::string, uint64_t>> EventSamples(const PerfDataSummary& summary) {
  std::vector<std::pair<std::string, uint64_t>> samples;
  for (const PerfEvent& event : summary.events) samples.emplace_back(event.name, event.sample_count);
  return samples;
}

TEST(PerfRecordingsTest, SixEventsOfAPerfOf2012) {
  const auto reading = ReadCommitted("celeron-6events-echo");
  ASSERT_TRUE(reading.has_value());
  using Samples = std::pair<std::string, uint64_t>;
  EXPECT_THAT(EventSamples(reading->summary),
              ElementsAre(Samples{"cycles", 14}, Samples{"instructions", 14}, Samples{"cache-references", 12}, Samples{"cache-misses", 11},
                          Samples{"branches", 13}, Samples{"branch-misses", 13}));
  for (const PerfEvent& event : reading->summary.events) {
    EXPECT_EQ(event.attr.size, 80u);
    EXPECT_THAT(event.ids, SizeIs(2));
  }
  const PerfHost& host = reading->summary.host;
  EXPECT_EQ(host.cpu, "Intel(R) Celeron(R) CPU 867 @ 1.30GHz");
  EXPECT_EQ(host.cpus_online, std::optional<uint32_t>(2));
  EXPECT_EQ(host.release, "3.4.0");
  EXPECT_EQ(host.hostname, "xxxxxxxxx");
  EXPECT_THAT(host.nodes, IsEmpty());
  EXPECT_EQ(reading->told.mappings, 51u);
  EXPECT_EQ(reading->told.exits, 2u);
  EXPECT_FALSE(reading->summary.pipe || reading->summary.compressed);
  EXPECT_THAT(reading->summary.notes, IsEmpty());
}

TEST(PerfRecordingsTest, LostSamplesAreOfTheEventThatTheTrailerNames) {
  const auto reading = ReadCommitted("celeron-pebs-group-lost_samples");
  ASSERT_TRUE(reading.has_value());
  using Samples = std::pair<std::string, uint64_t>;
  EXPECT_THAT(EventSamples(reading->summary),
              ElementsAre(Samples{"cycles:pp", 97}, Samples{"instructions:pp", 80}, Samples{"branch-instructions:pp", 14}));
  EXPECT_THAT(reading->told.lost, ElementsAre(Samples{"cycles:pp", 1}, Samples{"branch-instructions:pp", 1}));
  const auto& events = reading->summary.events;
  EXPECT_EQ(events[0].lost_sample_count, 1u);
  EXPECT_EQ(events[1].lost_sample_count, 0u);
  EXPECT_EQ(events[2].lost_sample_count, 1u);
  for (const PerfEvent& event : events) EXPECT_EQ(event.lost_count, 0u) << "the buffer had room";
  EXPECT_THAT(events[0].ids, Contains(289));
  EXPECT_THAT(events[2].ids, Contains(293));
  EXPECT_EQ(events[0].attr.size, 112u);
  EXPECT_EQ(events[0].attr.precise_ip(), 2);
}

// Whose mapping each sample's code lies in. These perfs wrote the kernel's mapping from 0 on.
struct Placed : PerfDataVisitor {
  void OnSample(const PerfEvent&, const PerfSample& sample, uint16_t misc) override {
    if (!sample.ip.has_value() || !sample.pid.has_value()) return;
    const MappedRange* const range = spaces.Find(*sample.pid, *sample.ip);
    const bool user = (misc & PerfRecordHeader::kModeMask) == kModeUser;
    ++(range == nullptr ? nowhere : range->kernel ? (user ? user_in_kernel : kernel_in_kernel) : in_process);
  }
  void OnMapping(const PerfMapping& mapping) override {
    kernel_from_0 = kernel_from_0 || (mapping.kernel && mapping.start == 0);
    spaces.OnMapping(mapping);
  }
  void OnComm(const PerfComm& comm) override { spaces.OnComm(comm); }
  void OnFork(const PerfTask& task) override { spaces.OnFork(task); }

  static constexpr uint16_t kModeUser = 2;
  PerfAddressSpaces spaces;
  bool kernel_from_0 = false;
  uint64_t nowhere = 0, in_process = 0, kernel_in_kernel = 0, user_in_kernel = 0;
};

TEST(PerfRecordingsTest, CodeOfUsersIsNotTheKernelsWhereItsMappingBeginsAt0) {
  const struct {
    const char* name;
    uint64_t in_process, in_kernel, nowhere;
  } kRecordings[] = {{"celeron-6events-echo", 2, 75, 0}, {"e5-2690-2node-small", 176, 22, 0}, {"i5-3330-cache-misses", 80, 402, 1}};
  for (const auto& recording : kRecordings) {
    SCOPED_TRACE(recording.name);
    const auto bytes = FileBytes(std::string("tests/fixtures/perf/") + recording.name + ".perf.data");
    ASSERT_TRUE(bytes.has_value());
    MemoryByteSource source(*bytes);
    Placed placed;
    ASSERT_TRUE(ReadPerfData(source, placed).ok());
    EXPECT_TRUE(placed.kernel_from_0);
    EXPECT_EQ(placed.user_in_kernel, 0u);
    EXPECT_EQ(placed.in_process, recording.in_process);
    EXPECT_EQ(placed.kernel_in_kernel, recording.in_kernel);
    EXPECT_EQ(placed.nowhere, recording.nowhere);
    EXPECT_EQ(placed.spaces.Find(~0u - 1, 0x400000), nullptr) << "of no process that is known";
  }
}

TEST(PerfRecordingsTest, APipeOfThisYearsPerf) {
  const auto reading = ReadCommitted("w2135-pipe-6.12");
  ASSERT_TRUE(reading.has_value());
  EXPECT_TRUE(reading->summary.pipe);
  EXPECT_THAT(EventSamples(reading->summary), ElementsAre(std::pair<std::string, uint64_t>("cycles:u", 9)));
  EXPECT_EQ(reading->summary.events[0].attr.size, 136u);
  EXPECT_EQ(reading->summary.host.cpus_online, std::optional<uint32_t>(12));
  EXPECT_THAT(reading->summary.host.nodes, SizeIs(1));
  EXPECT_EQ(reading->summary.host.cpu, "Intel(R) Xeon(R) W-2135 CPU @ 3.70GHz");
  EXPECT_EQ(reading->summary.RecordCount(PerfRecordType::kFeature), 20u);
  EXPECT_THAT(reading->summary.notes, ElementsAre(HasSubstr("no mark of its end")));
}

TEST(PerfRecordingsTest, SwitchesOfAnEventWithoutIds) {
  const auto reading = ReadCommitted("m7-context_switch_records");
  ASSERT_TRUE(reading.has_value());
  EXPECT_THAT(EventSamples(reading->summary), ElementsAre(std::pair<std::string, uint64_t>("cycles", 2)));
  EXPECT_EQ(reading->told.switches, 2u);
  EXPECT_THAT(reading->summary.events[0].ids, IsEmpty());
}

TEST(PerfRecordingsTest, TwoNodesAndTheirMemory) {
  const auto reading = ReadCommitted("e5-2690-2node-small");
  ASSERT_TRUE(reading.has_value());
  EXPECT_THAT(EventSamples(reading->summary), ElementsAre(std::pair<std::string, uint64_t>("cycles", 198)));
  EXPECT_EQ(reading->summary.host.cpus_online, std::optional<uint32_t>(32));
  ASSERT_THAT(reading->summary.host.nodes, SizeIs(2));
  EXPECT_EQ(reading->summary.host.nodes[1].node, 1u);
  EXPECT_THAT(reading->summary.host.nodes[0].cpus, HasSubstr("0-7"));
  EXPECT_GT(reading->summary.host.nodes[0].total_kb, reading->summary.host.nodes[0].free_kb);
}

TEST(PerfRecordingsTest, CacheMissesOfThreeEvents) {
  const auto reading = ReadCommitted("i5-3330-cache-misses");
  ASSERT_TRUE(reading.has_value());
  using Samples = std::pair<std::string, uint64_t>;
  EXPECT_THAT(EventSamples(reading->summary),
              ElementsAre(Samples{"L1-dcache-load-misses", 178}, Samples{"L1-dcache-store-misses", 153}, Samples{"cache-misses", 152}));
  EXPECT_EQ(reading->summary.events[1].attr.config, 0x10100u);
}

TEST(PerfRecordingsTest, ARecordingMayHaveNoSampleAtAll) {
  const auto reading = ReadCommitted("bdw2s-hitm-nosamples");
  ASSERT_TRUE(reading.has_value());
  EXPECT_THAT(EventSamples(reading->summary), ElementsAre(std::pair<std::string, uint64_t>("mem_load_uops_l3_hit_retired_xsnp_hitm", 0)));
  EXPECT_EQ(reading->summary.events[0].attr.type, 4u);
  EXPECT_EQ(reading->summary.events[0].attr.config, 0x4d2u);
  EXPECT_EQ(reading->summary.events[0].attr.period_or_frequency, 20011u);
  EXPECT_FALSE(reading->summary.events[0].attr.frequency());
  EXPECT_EQ(reading->summary.host.cpus_online, std::optional<uint32_t>(64));
  EXPECT_THAT(reading->summary.host.nodes, SizeIs(2));
}

TEST(PerfRecordingsTest, HardwareTracesArePassedOverAndCounted) {
  const auto reading = ReadCommitted("m7-intel_pt-auxtrace");
  ASSERT_TRUE(reading.has_value());
  EXPECT_EQ(reading->summary.aux_bytes, 12'240u + 137'728u);
  EXPECT_THAT(reading->summary.notes, IsEmpty());
  using Samples = std::pair<std::string, uint64_t>;
  EXPECT_THAT(EventSamples(reading->summary),
              ElementsAre(Samples{"intel_pt//", 0}, Samples{"cycles", 15}, Samples{"dummy:u", 0}, Samples{"dummy:u", 0}));
  EXPECT_EQ(reading->told.switches, 152u);
}

TEST(PerfRecordingsTest, CompressedRecordsAreUnpackedOrRefusedWithTheReason) {
  const auto bytes = FileBytes("tests/fixtures/perf/graviton-zstd.perf.data");
  ASSERT_TRUE(bytes.has_value());
  MemoryByteSource source(*bytes);
  Told told;
  const auto summary = ReadPerfData(source, told);
  if (absl::IsFailedPrecondition(summary.status())) {
    EXPECT_THAT(std::string(summary.status().message()), HasSubstr("built without zstd"));
    return;
  }
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_TRUE(summary->compressed);
  EXPECT_THAT(EventSamples(*summary), ElementsAre(std::pair<std::string, uint64_t>("cycles:P", 8)));
  EXPECT_EQ(summary->RecordCount(PerfRecordType::kCompressed), 1u);
  EXPECT_EQ(summary->RecordCount(PerfRecordType::kMmap2), 4u);
  EXPECT_EQ(told.comms, 2u) << "one of them compressed";
  EXPECT_EQ(told.exits, 1u);
  EXPECT_EQ(summary->events[0].attr.size, 136u);
  EXPECT_EQ(summary->host.cpus_online, std::optional<uint32_t>(16));
  EXPECT_EQ(summary->host.arch, "aarch64");
  EXPECT_THAT(summary->host.nodes, SizeIs(1));
}

// Only the environment tells where they are: the tests look at nothing outside the tree of their own accord.
TEST(SharedRecordingsFolderTest, OnlyTheEnvironmentNamesIt) {
  const char* const told = std::getenv("HFTMON_SHARED_FIXTURES");
  const std::optional<std::string> before = told == nullptr ? std::nullopt : std::optional<std::string>(told);
  ASSERT_EQ(unsetenv("HFTMON_SHARED_FIXTURES"), 0);
  EXPECT_EQ(SharedRecordingsFolder(), "");
  EXPECT_THAT(NoSharedRecordings(SharedRecordingsFolder()), HasSubstr("HFTMON_SHARED_FIXTURES is not set"));
  ASSERT_EQ(setenv("HFTMON_SHARED_FIXTURES", "/nowhere", 1), 0);
  EXPECT_EQ(SharedRecordingsFolder(), "/nowhere");
  EXPECT_THAT(NoSharedRecordings(SharedRecordingsFolder()), HasSubstr("/nowhere"));
  if (before.has_value()) {
    ASSERT_EQ(setenv("HFTMON_SHARED_FIXTURES", before->c_str(), 1), 0);
  } else {
    ASSERT_EQ(unsetenv("HFTMON_SHARED_FIXTURES"), 0);
  }
}

// The recordings without a free licence, or too large to keep.
class SharedRecordingsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(folder_)) GTEST_SKIP() << NoSharedRecordings(folder_);
  }
  std::optional<Reading> Read(const std::string& name) const { return ReadFile(folder_ + "/" + name + ".perf.data"); }

 private:
  const std::string folder_ = SharedRecordingsFolder();
};

TEST_F(SharedRecordingsTest, EverySampleOfEveryEventIsCounted) {
  const std::vector<std::pair<std::string, std::vector<uint64_t>>> kSamples = {
      {"counters/i5-throttle", {9036, 5944}},
      {"counters/clx-4216-2socket-pebs-inst", {8995}},
      {"counters/i7-6700K-7events", {66, 46, 3190, 4177, 5204, 0, 3}},
      {"counters/amd-3960x-group-read-lost", {34, 0}},
      {"numa-headers/e5-2690-2node", {175}},
      {"numa-headers/amd-genoa-384cpu-branchstack", {8}},
      {"numa-headers/epyc7742-8node", {19'878}},
      {"sched/damon-tracepoints-vm", {10'260, 0}},
      {"sched/i7-3770-probe-tracepoint", {1}},
      {"mem-load/ivb-4socket-ls-a", {14}},
      {"mem-load/ivb-4socket-ls-b", {16}},
  };
  for (const auto& [name, samples] : kSamples) {
    SCOPED_TRACE(name);
    const auto reading = Read(name);
    ASSERT_TRUE(reading.has_value());
    std::vector<uint64_t> found;
    for (const PerfEvent& event : reading->summary.events) found.push_back(event.sample_count);
    EXPECT_EQ(found, samples);
    EXPECT_EQ(reading->summary.unmatched_samples, 0u);
    EXPECT_THAT(reading->summary.notes, IsEmpty());
  }
}

TEST_F(SharedRecordingsTest, HostsAreWhatTheirHeadersSay) {
  const struct {
    const char* name;
    uint32_t available, online;
    size_t nodes;
  } kHosts[] = {{"numa-headers/epyc7742-8node", 256, 256, 8},
                {"numa-headers/e5-2690-2node", 32, 32, 2},
                {"numa-headers/amd-genoa-384cpu-branchstack", 384, 384, 2},
                {"mem-load/ivb-4socket-ls-a", 64, 32, 4},
                {"counters/clx-4216-2socket-pebs-inst", 64, 64, 2}};
  for (const auto& host : kHosts) {
    SCOPED_TRACE(host.name);
    const auto reading = Read(host.name);
    ASSERT_TRUE(reading.has_value());
    EXPECT_EQ(reading->summary.host.cpus_available, std::optional(host.available));
    EXPECT_EQ(reading->summary.host.cpus_online, std::optional(host.online));
    EXPECT_THAT(reading->summary.host.nodes, SizeIs(host.nodes));
  }
}

TEST_F(SharedRecordingsTest, ThrottlesAreCountedByEvent) {
  const auto i5 = Read("counters/i5-throttle");
  ASSERT_TRUE(i5.has_value());
  EXPECT_EQ(i5->summary.events[0].throttle_count + i5->summary.events[1].throttle_count, 68u);
  EXPECT_EQ(i5->summary.events[0].unthrottle_count + i5->summary.events[1].unthrottle_count, 64u);
  const auto genoa = Read("numa-headers/amd-genoa-384cpu-branchstack");
  ASSERT_TRUE(genoa.has_value());
  EXPECT_EQ(genoa->summary.events[0].throttle_count, 2u);
  EXPECT_EQ(genoa->summary.events[0].unthrottle_count, 1u);
  EXPECT_GT(genoa->told.branches, 0u);
}

// Level, lock and TLB of each load, and the latencies, as `perf c2c report` and `perf script` say of the same files.
TEST_F(SharedRecordingsTest, LoadsOfAnIvyBridgeAreSplitAsPerfDoes) {
  const auto a = Read("mem-load/ivb-4socket-ls-a");
  const auto b = Read("mem-load/ivb-4socket-ls-b");
  ASSERT_TRUE(a.has_value() && b.has_value());
  const auto split = [](const Told& told) {
    std::map<std::string, uint64_t> counts;
    for (const auto& [bits, weight] : told.accesses) {
      const DataSource source = DecodeDataSource(bits);
      EXPECT_TRUE(source.load);
      EXPECT_EQ(source.snoop, SnoopResult::kNone);
      EXPECT_EQ(source.tlb, TlbResult::kHit);
      ++counts[std::string(AccessLevelName(source.level))];
      counts["locked"] += source.locked == std::optional(true) ? 1 : 0;
      counts["cycles"] += weight.value_or(0);
      counts["max"] = std::max(counts["max"], weight.value_or(0));
    }
    return counts;
  };
  EXPECT_EQ(split(a->told), (std::map<std::string, uint64_t>{{"L1", 14}, {"locked", 1}, {"cycles", 621}, {"max", 519}}));
  EXPECT_EQ(split(b->told),
            (std::map<std::string, uint64_t>{{"L1", 14}, {"LFB", 1}, {"L2", 1}, {"locked", 0}, {"cycles", 156}, {"max", 28}}));
}

TEST_F(SharedRecordingsTest, GroupsAreReadWithTheirLeader) {
  const auto reading = Read("counters/amd-3960x-group-read-lost");
  ASSERT_TRUE(reading.has_value());
  ASSERT_THAT(reading->told.readings, SizeIs(34));
  const std::vector<PerfReadValue>& first = reading->told.readings.front();
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].value, 5660u);
  EXPECT_EQ(first[1].value, 5455u);
  EXPECT_EQ(first[0].lost, std::optional<uint64_t>(0));
  EXPECT_THAT(reading->summary.events[0].ids, Contains(*first[0].id));
  EXPECT_THAT(reading->summary.events[1].ids, Contains(*first[1].id));
  // No hardware told where these were served from: they are no accesses.
  for (const auto& [bits, weight] : reading->told.accesses) EXPECT_FALSE(DecodeDataSource(bits).IsAccess());
}

TEST_F(SharedRecordingsTest, ValuesOfPerfStatComeWithTheirTimes) {
  const auto reading = Read("stat-record/i5-1335U-stat");
  ASSERT_TRUE(reading.has_value());
  const auto& stats = reading->told.stats;
  ASSERT_THAT(stats, SizeIs(25));
  EXPECT_EQ(stats[0].first, "task-clock:u");
  EXPECT_EQ(stats[0].second.value, 4'331'257'867u);
  EXPECT_EQ(stats[0].second.cpu, -1);
  EXPECT_EQ(stats[4].first, "cpu_atom/cycles/u");
  EXPECT_EQ(stats[4].second.value, 2'148'549'739u);
  EXPECT_EQ(stats[4].second.enabled_ns, 4'331'257'867u);
  EXPECT_EQ(stats[4].second.running_ns, 2'751'365'984u);
  uint64_t not_counted = 0;
  for (const auto& [name, stat] : stats) not_counted += stat.running_ns == 0 ? 1 : 0;
  EXPECT_EQ(not_counted, 10u);
  EXPECT_EQ(reading->told.final_rounds, 1u);
  EXPECT_EQ(reading->summary.unmatched_stats, 0u);
  EXPECT_EQ(reading->summary.events[0].unit, "msec");
  EXPECT_DOUBLE_EQ(reading->summary.events[0].scale, 1e-6);
}

TEST_F(SharedRecordingsTest, TracepointsHaveTheirRawFields) {
  const auto damon = Read("sched/damon-tracepoints-vm");
  ASSERT_TRUE(damon.has_value());
  EXPECT_EQ(damon->summary.events[0].name, "damon:damon_aggregated");
}

}  // namespace
}  // namespace hftmon
