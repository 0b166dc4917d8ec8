// `import`: what perf.data files of other machines say, by files that the test writes and by recordings of real hosts. No daemon.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "client/cli/cli.h"
#include "client/cli/import/recording_source.h"
#include "tests/client/cli/string_console.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kL1Hit = 0x68100142;  // a load, served by the L1, no snoop, TLB hit
constexpr uint64_t kLoad = 1u << 1;
constexpr uint64_t kStore = 1u << 2;
constexpr uint64_t kLevelHit = uint64_t{2} << 5;
constexpr uint64_t kL3 = uint64_t{64} << 5;
constexpr uint64_t kRemoteCache = uint64_t{1024} << 5;
constexpr uint64_t kHitm = uint64_t{16} << 19;
constexpr uint64_t kLocalHitm = kLoad | kLevelHit | kL3 | kHitm;
constexpr uint64_t kRemoteHitm = kLoad | kLevelHit | kRemoteCache | kHitm;
constexpr uint64_t kMemoryBits = PerfSampleBit::kIdentifier | PerfSampleBit::kIp | PerfSampleBit::kTid | PerfSampleBit::kTime |
                                 PerfSampleBit::kAddress | PerfSampleBit::kCpu | PerfSampleBit::kWeight | PerfSampleBit::kDataSource;
constexpr uint64_t kLine = 0x7f0000001040;
constexpr uint32_t kPid = 700;

class ImportVerbTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hftmon_import_XXXXXX";
    const int fd = mkstemp(name);
    ASSERT_GE(fd, 0);
    close(fd);
    path_ = name;
  }
  void TearDown() override { std::remove(path_.c_str()); }

  size_t AddMemoryEvent() {
    PerfAttr attr = PlainAttr(kMemoryBits);
    attr.type = 4;
    attr.config = 0x1cd;
    attr.period_or_frequency = 1;
    return writer_.AddEvent(attr, {11}, "cpu/mem-loads,ldlat=30/P");
  }
  void AddAccess(uint32_t tid, uint64_t offset, uint64_t data_source, uint64_t latency_cycles, uint64_t ip = 0x401234) {
    WrittenSample sample;
    sample.id = 11;
    sample.ip = ip;
    sample.pid = kPid;
    sample.tid = tid;
    sample.cpu = tid % 8;
    sample.address = kLine + offset;
    sample.weight = latency_cycles;
    sample.data_source = data_source;
    writer_.AddSample(0, sample);
  }
  void Write() { Write(writer_.File()); }
  void Write(const Bytes& bytes) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  int Run(std::vector<std::string> words, StringConsole& console) const {
    words.insert(words.begin(), {"import", path_});
    return RunCli(words, console, absl::UTCTimeZone());
  }
  json Answer(int exit_code, std::vector<std::string> words = {}) const {
    words.emplace_back("--json");
    StringConsole console;
    EXPECT_EQ(Run(words, console), exit_code) << console.err();
    return json::parse(console.out(), nullptr, false);
  }

  std::string path_;
  PerfDataWriter writer_;
};

// Two threads, each with a counter of its own in one line.
TEST_F(ImportVerbTest, FalselySharedLinesAreToldWithCostCodeAndMend) {
  AddMemoryEvent();
  // Of the file from 0x1000 on.
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x400000, 0x10000, 77, 2, "/opt/engine"));
  for (int i = 0; i < 30; ++i) {
    AddAccess(701, 0x8, kStore, 0, 0x402000);
    AddAccess(702, 0x20, kStore, 0);
    AddAccess(702, 0x20, kRemoteHitm, 400);
    AddAccess(702, 0x20, kLocalHitm, 100);
    AddAccess(702, 0x100, kL1Hit, 7);
  }
  Write();
  const json answer = Answer(0);
  EXPECT_EQ(answer["imported"], true);
  EXPECT_EQ(answer["events"][0]["samples"], 150);
  EXPECT_EQ(answer["memory_loads"]["samples"], 90);
  EXPECT_EQ(answer["memory_loads"]["stores"], 60);
  EXPECT_EQ(answer["memory_loads"]["levels"], json({{"L1", 30}, {"L3", 30}, {"remote_cache", 30}}));
  EXPECT_EQ(answer["memory_loads"]["latency"]["remote_cache"],
            json({{"count", 30}, {"sum_cycles", 12'000}, {"p50_cycles", 400}, {"max_cycles", 400}}));
  ASSERT_EQ(answer["contended_lines"].size(), 1u);
  const json& line = answer["contended_lines"][0];
  EXPECT_EQ(line["address"], kLine);
  EXPECT_EQ(line["hitm_remote"], 30);
  EXPECT_EQ(line["hitm_local"], 30);
  EXPECT_EQ(line["estimated_cycles"], 15'000);
  EXPECT_EQ(line["verdict"], "false");
  EXPECT_EQ(line["false_sharing"], true);
  ASSERT_EQ(line["offsets"].size(), 2u);
  EXPECT_EQ(line["offsets"][0]["offset"], 8);
  EXPECT_EQ(line["offsets"][0]["writer_tids"], json({701}));
  EXPECT_EQ(line["offsets"][1]["sites"][0]["code"], json({{"mapping", "/opt/engine"}, {"offset", 0x2234}}));
  EXPECT_EQ(line["advice"][0]["kind"], "pad");
  StringConsole text;
  EXPECT_EQ(Run({}, text), 0);
  EXPECT_THAT(text.out(), HasSubstr("false sharing"));
  EXPECT_THAT(text.out(), HasSubstr("/opt/engine+0x2234"));
  EXPECT_THAT(text.out(), HasSubstr("  pad: "));
}

TEST_F(ImportVerbTest, APaddedVariantHasNoContendedLine) {
  AddMemoryEvent();
  for (int i = 0; i < 30; ++i) {
    AddAccess(701, 0x8, kStore, 0);
    AddAccess(702, 0x60, kL1Hit, 7);
  }
  Write();
  EXPECT_EQ(Answer(0)["contended_lines"], json::array());
  StringConsole text;
  EXPECT_EQ(Run({}, text), 0);
  EXPECT_THAT(text.out(), HasSubstr("no contended cache line\n"));
}

TEST_F(ImportVerbTest, LinesAreOrderedAndCutAsAsked) {
  AddMemoryEvent();
  for (int i = 0; i < 4; ++i) AddAccess(702, 0, kRemoteHitm, 100);
  for (int i = 0; i < 3; ++i) AddAccess(703, 0x1000, kRemoteHitm, 1'000);
  Write();
  EXPECT_EQ(Answer(0)["contended_lines"][0]["address"], kLine + 0x1000) << "what costs most";
  const json remote = Answer(0, {"--order", "remote", "--lines", "1"});
  ASSERT_EQ(remote["contended_lines"].size(), 1u);
  EXPECT_EQ(remote["contended_lines"][0]["address"], kLine);
  EXPECT_EQ(remote["contended_line_count"], 2);
  EXPECT_EQ(Answer(0, {"--line-bytes", "128"})["contended_lines"].back()["address"], kLine - 0x40) << "its line begins there";
  StringConsole console;
  EXPECT_EQ(Run({"--order", "dearest"}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("give cycles, remote or total"));
}

// A page that two processes map at different addresses is one.
TEST_F(ImportVerbTest, ProcessesThatShareAMappingShareItsLines) {
  AddMemoryEvent();
  constexpr uint32_t kMapShared = 1;
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x10000000, 0x1000, 99, kMapShared, "/dev/shm/book"));
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid + 1, 0x20000000, 0x1000, 99, kMapShared, "/dev/shm/book"));
  const auto add = [this](uint32_t pid, uint64_t address, uint64_t source) {
    WrittenSample sample;
    sample.id = 11;
    sample.pid = sample.tid = pid;
    sample.address = address;
    sample.weight = 50;
    sample.data_source = source;
    writer_.AddSample(0, sample);
  };
  // Another file, where the first sees the page.
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid + 1, 0x10000000, 0x1000, 55, 2, "/opt/decoy"));
  add(kPid, 0x10000040, kStore);
  add(kPid + 1, 0x20000040, kLocalHitm);
  Write();
  const json answer = Answer(0);
  ASSERT_EQ(answer["contended_lines"].size(), 1u);
  EXPECT_EQ(answer["contended_lines"][0]["data"]["mapping"], "/dev/shm/book");
  EXPECT_EQ(answer["contended_lines"][0]["verdict"], "true");
  EXPECT_EQ(answer["contended_lines"][0]["threads"].size(), 2u);
}

// As perf writes it: what CPU 0 had stands before what CPU 1 had earlier.
TEST_F(ImportVerbTest, MappingsHoldFromTheirTimesWhereverTheyStand) {
  AddMemoryEvent();
  constexpr uint32_t kMapShared = 1;
  const auto add = [this](uint32_t pid, uint64_t address, uint64_t source, uint64_t time_ns) {
    WrittenSample sample;
    sample.id = 11;
    sample.pid = sample.tid = pid;
    sample.time_ns = time_ns;
    sample.address = address;
    sample.ip = 0x401000;
    sample.weight = 50;
    sample.data_source = source;
    writer_.AddSample(0, sample);
  };
  const auto at = [](uint32_t pid, uint64_t time_ns) {
    WrittenSample who;
    who.id = 11;
    who.pid = who.tid = pid;
    who.time_ns = time_ns;
    return who;
  };
  add(kPid, 0x10000040, kStore, 100);
  add(kPid + 1, 0x20000040, kLocalHitm, 110);
  constexpr uint16_t kExec = 1u << 13;
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x10000000, 0x1000, 99, kMapShared, "/dev/shm/book"), at(kPid, 50));
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid + 1, 0x20000000, 0x1000, 99, kMapShared, "/dev/shm/book"),
                          at(kPid + 1, 60));
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid + 1, 0x400000, 0x10000, 7, 2, "/opt/engine"), at(kPid + 1, 40));
  writer_.AddKernelRecord(0, PerfRecordType::kComm, kExec, CommBody(kPid + 1, kPid + 1, "engine"), at(kPid + 1, 30));
  writer_.AddKernelRecord(0, PerfRecordType::kFork, 0, TaskBody(kPid + 1, kPid, kPid + 1, kPid, 20), at(kPid + 1, 20));
  Write();
  const json answer = Answer(0);
  ASSERT_EQ(answer["contended_lines"].size(), 1u);
  const json& line = answer["contended_lines"][0];
  EXPECT_EQ(line["verdict"], "true");
  EXPECT_EQ(line["threads"].size(), 2u);
  EXPECT_EQ(line["data"]["mapping"], "/dev/shm/book");
  EXPECT_THAT(line.dump(), HasSubstr("/opt/engine"));
}

// The same address is another program's after an exec: neither may be named for both.
TEST_F(ImportVerbTest, CodeThatWasAnothersAtAnotherTimeIsNotNamed) {
  AddMemoryEvent();
  constexpr uint16_t kExec = 1u << 13;
  const auto at = [](uint64_t time_ns) {
    WrittenSample who;
    who.id = 11;
    who.pid = who.tid = kPid;
    who.time_ns = time_ns;
    return who;
  };
  const auto add = [&](uint64_t time_ns) {
    WrittenSample sample = at(time_ns);
    sample.address = kLine;
    sample.ip = 0x401000;
    sample.data_source = kLocalHitm;
    writer_.AddSample(0, sample);
  };
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x400000, 0x10000, 7, 2, "/bin/first"), at(10));
  add(20);
  writer_.AddKernelRecord(0, PerfRecordType::kComm, kExec, CommBody(kPid, kPid, "second"), at(30));
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x400000, 0x10000, 8, 2, "/bin/second"), at(40));
  add(50);
  Write();
  const json answer = Answer(1);
  EXPECT_THAT(answer["warnings"][0].get<std::string>(), HasSubstr("1 address not named"));
  EXPECT_THAT(answer["contended_lines"].dump(), Not(HasSubstr("/bin/")));
}

TEST_F(ImportVerbTest, SamplesOfGuestsAreInNoLineOfTheHost) {
  AddMemoryEvent();
  WrittenSample sample;
  sample.id = 11;
  sample.pid = sample.tid = kPid;
  sample.address = kLine;
  sample.data_source = kLocalHitm;
  constexpr uint16_t kGuestUser = 5;
  writer_.AddSample(0, sample, kGuestUser);
  Write();
  const json answer = Answer(1);
  EXPECT_EQ(answer["memory_loads"]["hitm"], 1);
  EXPECT_FALSE(answer.contains("contended_lines"));
}

TEST_F(ImportVerbTest, WhatAFileDoesNotTellIsUnavailableAndNeverZero) {
  PerfAttr attr = PlainAttr(PerfSampleBit::kIp | PerfSampleBit::kTid);
  writer_.AddEvent(attr, {1}, "cycles");
  writer_.AddKernelRecord(0, PerfRecordType::kComm, 0, CommBody(kPid, kPid, "engine"));
  Write();
  const json answer = Answer(0);
  EXPECT_FALSE(answer.contains("memory_loads"));
  EXPECT_FALSE(answer.contains("contended_lines"));
  EXPECT_EQ(answer["unavailable"][0]["name"], "memory_loads");
  EXPECT_THAT(answer["unavailable"][0]["reason"].get<std::string>(), HasSubstr("perf mem record"));
}

TEST_F(ImportVerbTest, SamplesOfNoAccessAreNotLoads) {
  AddMemoryEvent();
  AddAccess(701, 0, 0x1e05080021, 0);
  Write();
  const json answer = Answer(0);
  EXPECT_FALSE(answer.contains("memory_loads"));
  EXPECT_THAT(answer["unavailable"][0]["reason"].get<std::string>(),
              AllOf(HasSubstr("1 sample with the field"), HasSubstr("no access of memory")));
}

TEST_F(ImportVerbTest, WithoutAddressesOrThreadsThereAreNoLinesAndNotNone) {
  PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kTid | PerfSampleBit::kDataSource);
  writer_.AddEvent(attr, {11}, "mem-loads");
  AddAccess(701, 0, kLocalHitm, 0);
  Write();
  json answer = Answer(0);
  EXPECT_EQ(answer["memory_loads"]["hitm"], 1);
  EXPECT_FALSE(answer.contains("contended_lines"));
  EXPECT_THAT(answer["unavailable"][0]["reason"].get<std::string>(), HasSubstr("tells its address"));
  writer_ = PerfDataWriter();
  attr.sample_type = PerfSampleBit::kIdentifier | PerfSampleBit::kAddress | PerfSampleBit::kDataSource;
  writer_.AddEvent(attr, {11}, "mem-loads");
  AddAccess(701, 0, kLocalHitm, 0);
  Write();
  answer = Answer(1);
  EXPECT_FALSE(answer.contains("contended_lines"));
  EXPECT_THAT(answer["unavailable"][0]["reason"].get<std::string>(), HasSubstr("tells its thread"));
}

TEST_F(ImportVerbTest, MoreThreadsThanAreKeptAreSaid) {
  AddMemoryEvent();
  for (uint32_t tid = 1; tid <= 600; ++tid) AddAccess(1'000 + tid, 8, kLocalHitm, 10);
  Write();
  const json answer = Answer(1);
  EXPECT_GT(answer["contended_lines"][0]["dropped_site_accesses"], 0);
  EXPECT_THAT(answer["warnings"][0].get<std::string>(), HasSubstr("1 line with more threads"));
  StringConsole text;
  EXPECT_EQ(Run({}, text), 1);
  EXPECT_THAT(text.out(), HasSubstr("+  writer not seen"));
}

// A thread's counts on a hybrid processor: each stands still while the thread is on cores of the other kind.
TEST_F(ImportVerbTest, CountsOfOneKindOfCoreAreNotScaledToTheOther) {
  PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier);
  attr.type = 0;
  attr.config = uint64_t{10} << 32;
  writer_.AddEvent(attr, {1}, "cpu_atom/cycles/");
  ByteWriter body;
  body.Put(uint64_t{1}).Put(int32_t{-1}).Put(uint32_t{0}).Put(uint64_t{400}).Put(uint64_t{100}).Put(uint64_t{50});
  writer_.AddRecord(PerfRecordType::kStat, body.bytes);
  Write();
  const json answer = Answer(0);
  EXPECT_EQ(answer["stat"][0]["value"], 400);
  EXPECT_THAT(answer["stat"][0]["reason"].get<std::string>(), HasSubstr("its own kind of core"));
}

TEST_F(ImportVerbTest, CountsOfStatAreTheLastOnesScaledOrAbsentWithTheReason) {
  const PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier);
  writer_.AddEvent(attr, {1}, "cycles");
  writer_.AddEvent(attr, {2}, "instructions");
  writer_.AddEvent(attr, {3}, "LLC-loads");
  writer_.AddEvent(attr, {}, "L1-icache-loads");
  writer_.AddEvent(attr, {5}, "branches");
  writer_.AddEventDescriptions();
  const auto stat = [this](uint64_t id, uint64_t value, uint64_t enabled_ns, uint64_t running_ns) {
    ByteWriter body;
    body.Put(id).Put(int32_t{-1}).Put(uint32_t{0}).Put(value).Put(enabled_ns).Put(running_ns);
    writer_.AddRecord(PerfRecordType::kStat, body.bytes);
  };
  stat(1, 500, 1'000, 1'000);
  stat(1, 900, 2'000, 2'000);
  stat(2, 300, 2'000, 500);
  stat(3, 0, 2'000, 0);
  stat(5, 0, 0, 0);
  Write();
  const json answer = Answer(1);
  ASSERT_EQ(answer["stat"].size(), 4u);
  EXPECT_EQ(answer["stat"][0]["value"], 900);
  EXPECT_EQ(answer["stat"][0]["multiplexed"], false);
  EXPECT_EQ(answer["stat"][1]["value"], 1'200);
  EXPECT_EQ(answer["stat"][1]["multiplexed"], true);
  EXPECT_FALSE(answer["stat"][2].contains("value"));
  EXPECT_THAT(answer["stat"][2]["reason"].get<std::string>(), HasSubstr("not counted"));
  EXPECT_THAT(answer["stat"][3]["reason"].get<std::string>(), HasSubstr("never switched on"));
  EXPECT_EQ(answer["unavailable"][0]["name"], "L1-icache-loads");
}

TEST_F(ImportVerbTest, LossesAreWarnings) {
  const PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kTid);
  const size_t event = writer_.AddEvent(attr, {1}, "cycles");
  WrittenSample who;
  who.id = 1;
  writer_.AddKernelRecord(event, PerfRecordType::kLost, 0, WordsBody({1, 40}), who);
  Write();
  StringConsole console;
  EXPECT_EQ(Run({}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("hftmon: import: 40 records lost of"));
}

TEST_F(ImportVerbTest, WhatIsLostOfNoEventIsSaidByItsKind) {
  const PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kTid);
  const size_t event = writer_.AddEvent(attr, {1}, "cycles");
  writer_.AddEvent(attr, {2}, "instructions");
  WrittenSample who;
  who.id = 99;
  writer_.AddKernelRecord(event, PerfRecordType::kLost, 0, WordsBody({99, 40}), who);
  writer_.AddKernelRecord(event, PerfRecordType::kLostSamples, 0, WordsBody({7}), who);
  Write();
  const json answer = Answer(1);
  EXPECT_EQ(answer["lost_of_no_event"], 40);
  EXPECT_EQ(answer["lost_samples_of_no_event"], 7);
}

TEST_F(ImportVerbTest, NamesFromTheFileCannotDriveTheTerminal) {
  writer_.AddEvent(PlainAttr(PerfSampleBit::kIdentifier), {1}, "evil\x1b[2J\n");
  writer_.AddEventDescriptions();
  writer_.AddKernelRecord(0, PerfRecordType::kComm, 0, CommBody(kPid, kPid, "engine"));
  Write();
  StringConsole console;
  EXPECT_EQ(Run({}, console), 0) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("evil?[2J?"));
  EXPECT_THAT(console.out(), Not(HasSubstr("\x1b")));
  writer_.AddKernelRecord(0, PerfRecordType::kLost, 0, WordsBody({1, ~uint64_t{0}}));
  writer_.AddKernelRecord(0, PerfRecordType::kLost, 0, WordsBody({1, 3}));
  Write();
  StringConsole warned;
  EXPECT_EQ(Run({}, warned), 1);
  EXPECT_THAT(warned.err(), HasSubstr("18446744073709551615 records lost of evil?[2J?"));
  EXPECT_THAT(warned.err(), Not(HasSubstr("\x1b")));
}

TEST_F(ImportVerbTest, WhatIsNoSuchFileIsAnErrorThatNamesIt) {
  Write(ByteWriter().Text("not a recording").bytes);
  StringConsole console;
  EXPECT_EQ(Run({}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr(path_));
  StringConsole folder;
  EXPECT_EQ(RunCli({"import", "/"}, folder, absl::UTCTimeZone()), 3);
  EXPECT_THAT(folder.err(), HasSubstr("/ is a folder"));
  StringConsole missing;
  EXPECT_EQ(RunCli({"import", path_ + ".none"}, missing, absl::UTCTimeZone()), 3);
  EXPECT_THAT(missing.err(), HasSubstr("No such file"));
}

// The figures of tests/fixtures/README.md.
TEST(ImportRecordingTest, EventsOfARealHostHaveTheirSamples) {
  StringConsole console;
  const std::string file = "tests/fixtures/perf/celeron-6events-echo.perf.data";
  ASSERT_EQ(RunCli({"import", file, "--json"}, console, absl::UTCTimeZone()), 0) << console.err();
  const json answer = json::parse(console.out());
  std::vector<uint64_t> samples;
  for (const json& event : answer["events"]) samples.push_back(event["samples"]);
  EXPECT_THAT(samples, ElementsAre(14, 14, 12, 11, 13, 13));
  EXPECT_EQ(answer["host"]["cpus_online"], 2);
}

TEST(RecordingSourceTest, WhatComesThroughAPipeIsReadWholeUpToItsBound) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "abcdef", 6), 6);
  close(ends[1]);
  const std::string name = "/proc/self/fd/" + std::to_string(ends[0]);
  const auto bytes = OpenRecording(name);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ((*bytes)->size(), 6u);
  std::byte part[2];
  EXPECT_TRUE((*bytes)->ReadAt(4, part).ok());
  EXPECT_EQ(part[1], std::byte{'f'});
  EXPECT_FALSE((*bytes)->ReadAt(5, part).ok());
  close(ends[0]);
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "abcdef", 6), 6);
  close(ends[1]);
  const auto refused = OpenRecording("/proc/self/fd/" + std::to_string(ends[0]), 5);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  close(ends[0]);
}

}  // namespace
}  // namespace hftmon
