// `import` of recordings with an Arm SPE trace: files that the test writes, by the layout of `perf record -e arm_spe//`. No daemon.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "client/cli/cli.h"
#include "tests/client/cli/string_console.h"
#include "tests/common/perf/spe_writer.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr uint64_t kLine = 0x7f0000001040;
constexpr uint64_t kCode = 0x402000;
constexpr uint32_t kPid = 700;
constexpr uint64_t kMagic = 0x1010101010101010;
constexpr uint64_t kNeoverseV1 = 0x411fd401, kCortexA53 = 0x410fd034;
constexpr uint8_t kFromL1 = 0x0, kFromPeer = 0x9;
constexpr uint64_t kPmuType = 33, kInterval = 1'024;

class ImportSpeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hftmon_import_spe_XXXXXX";
    const int fd = mkstemp(name);
    ASSERT_GE(fd, 0);
    close(fd);
    path_ = name;
    PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kIp | PerfSampleBit::kTid | PerfSampleBit::kTime |
                              PerfSampleBit::kCpu | PerfSampleBit::kDataSource);
    attr.type = kPmuType;
    attr.period_or_frequency = kInterval;
    writer_.AddEvent(attr, {11}, "arm_spe_0//");
  }
  void TearDown() override { std::remove(path_.c_str()); }

  static WrittenSample Who(uint32_t tid, uint32_t cpu, uint64_t time_ns) {
    WrittenSample who;
    who.id = 11;
    who.pid = kPid;
    who.tid = tid;
    who.cpu = cpu;
    who.time_ns = time_ns;
    return who;
  }
  void AddInfo(const Bytes& words) {
    ByteWriter to;
    writer_.AddRecord(PerfRecordType::kAuxtraceInfo, to.Put<uint32_t>(4).Put<uint32_t>(0).Append(words).bytes);
    // A counter of 1 GHz that began with the recording's clock.
    writer_.AddRecord(PerfRecordType::kTimeConversion, WordsBody({0, 1, 0}));
  }
  void AddInfo(uint64_t midr = kNeoverseV1) { AddInfo(WordsBody({2, 4, kPmuType, 2, kMagic, 0, 1, midr, kMagic, 1, 1, midr})); }
  // What perf tells of a process that is there already.
  void AddProcess() {
    for (const uint32_t tid : {701u, 702u}) {
      writer_.AddKernelRecord(0, PerfRecordType::kComm, 0, CommBody(kPid, tid, "engine"), Who(tid, 0, 0));
    }
    writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x400000, 0x10000, 77, 2, "/opt/engine"), Who(kPid, 0, 0));
  }
  void AddTrace(uint32_t index, uint32_t tid, uint32_t cpu, const Bytes& bytes) {
    ByteWriter to;
    to.Put<uint64_t>(bytes.size()).Put<uint64_t>(0).Put<uint64_t>(1).Put(index).Put(tid).Put(cpu).Put<uint32_t>(0);
    writer_.AddRecord(PerfRecordType::kAuxtrace, to.bytes);
    writer_.AddBytes(bytes);
  }
  // Two threads on two CPUs, each with a counter of its own in one line; the second finds it in the first's cache.
  void AddSharing(bool has_context = true, uint64_t first_cycles = 1'000) {
    SpeWriter stores, loads;
    for (uint64_t i = 0; i < 30; ++i) {
      const uint64_t cycles = first_cycles + 10 * i;
      Write({.tid = 701, .code = kCode, .data = kLine + 8, .cycles = cycles, .store = true, .has_context = has_context}, &stores);
      Write({.tid = 702,
             .code = kCode + 0x40,
             .data = kLine + 0x20,
             .cycles = cycles + 5,
             .source = kFromPeer,
             .events = 0x1e,
             .latency = 120,
             .has_context = has_context},
            &loads);
      Write({.tid = 702,
             .code = kCode,
             .data = kLine + 0x100,
             .cycles = cycles + 6,
             .source = kFromL1,
             .latency = 9,
             .has_context = has_context},
            &loads);
      loads.Branch().Events(2).PadBefore(9).Timestamp(cycles + 7);
    }
    AddTrace(0, kPid, 0, stores.bytes());
    AddTrace(1, kPid, 1, loads.bytes());
  }
  void Save(const Bytes& bytes) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  json Answer(int exit_code) const {
    StringConsole console;
    EXPECT_EQ(RunCli({"import", path_, "--json"}, console, absl::UTCTimeZone()), exit_code) << console.out() << console.err();
    return json::parse(console.out(), nullptr, false);
  }
  // Saves and reads it.
  json Imported(int exit_code) const {
    Save(writer_.File());
    return Answer(exit_code);
  }

  std::string path_;
  PerfDataWriter writer_;
};

void ExpectFalseSharing(const json& answer) {
  ASSERT_EQ(answer["contended_lines"].size(), 1u) << answer;
  const json& line = answer["contended_lines"][0];
  EXPECT_EQ(line["address"], kLine);
  EXPECT_EQ(line["peer"], 30);
  EXPECT_EQ(line["hitm_local"].get<int>() + line["hitm_remote"].get<int>() + line["hitm_unplaced"].get<int>(), 0);
  EXPECT_EQ(line["verdict"], "false");
  EXPECT_EQ(line["estimated_cycles"], 30 * 120 * kInterval);
  ASSERT_EQ(line["offsets"].size(), 2u);
  EXPECT_EQ(line["offsets"][0]["writer_tids"], json({701}));
  EXPECT_EQ(line["offsets"][1]["tids"], json({702}));
  EXPECT_EQ(line["offsets"][1]["sites"][0]["code"], json({{"mapping", "/opt/engine"}, {"offset", 0x1000 + 0x2040}}));
}

TEST_F(ImportSpeTest, FalseSharingIsFoundAsInSamplesOfAnyOtherCpu) {
  AddInfo();
  AddProcess();
  AddSharing();
  const json answer = Imported(0);
  ExpectFalseSharing(answer);
  EXPECT_EQ(answer["memory_loads"]["samples"], 60);
  EXPECT_EQ(answer["memory_loads"]["stores"], 30);
  EXPECT_EQ(answer["memory_loads"]["peer"], 30);
  EXPECT_EQ(answer["memory_loads"]["hitm"], 0);
  EXPECT_EQ(answer["memory_loads"]["levels"], json({{"L1", 30}, {"peer_cache", 30}}));
  EXPECT_EQ(answer["memory_loads"]["latency"]["peer_cache"]["sum_cycles"], 30 * 120);
  EXPECT_EQ(answer["contended_lines"][0]["cpus"], json({0, 1}));
  const json& trace = answer["hardware_trace"];
  EXPECT_EQ(trace["records"], 120);
  EXPECT_EQ(trace["accesses"], 90);
  EXPECT_EQ(trace["other_operations"], 30);
  EXPECT_EQ(trace["interval"], kInterval);
  EXPECT_EQ(answer["unavailable"], json::array());
  StringConsole text;
  EXPECT_EQ(RunCli({"import", path_}, text, absl::UTCTimeZone()), 0) << text.err();
  EXPECT_THAT(text.out(), HasSubstr("Arm SPE: 120 operations of"));
  EXPECT_THAT(text.out(), HasSubstr("each stands for 1024 operations"));
  // A pipe has all of it too, but no end of its own.
  Save(writer_.Pipe());
  ExpectFalseSharing(Answer(1));
}

TEST_F(ImportSpeTest, SwitchesTellTheThreadWhereRecordsDoNot) {
  AddInfo();
  AddProcess();
  AddSharing(/*has_context=*/false);
  writer_.AddKernelRecord(0, PerfRecordType::kSwitch, 0, {}, Who(701, 0, 500));
  // The second was on CPU 1 before, and another process until then.
  writer_.AddKernelRecord(0, PerfRecordType::kSwitchCpuWide, PerfRecordHeader::kSwitchOut, WordsBody({uint64_t{702} << 32 | kPid}),
                          Who(9, 1, 900));
  ExpectFalseSharing(Imported(0));
}

TEST_F(ImportSpeTest, WithoutAThreadThereAreNoLinesAndNotNone) {
  AddInfo();
  AddProcess();
  AddSharing(/*has_context=*/false);
  const json answer = Imported(1);
  EXPECT_FALSE(answer.contains("contended_lines"));
  EXPECT_EQ(answer["memory_loads"]["samples"], 60);
  EXPECT_EQ(answer["unavailable"][0]["name"], "contended_lines");
  EXPECT_THAT(answer["unavailable"][0]["reason"].get<std::string>(), HasSubstr("CONFIG_PID_IN_CONTEXTIDR"));
}

TEST_F(ImportSpeTest, ABufferOfOneThreadIsThatThreads) {
  AddInfo();
  AddProcess();
  SpeWriter stores, loads;
  for (uint64_t i = 0; i < 30; ++i) {
    Write({.code = kCode, .data = kLine + 8, .cycles = 10 * i + 1, .store = true, .has_context = false}, &stores);
    Write({.code = kCode + 0x40, .data = kLine + 0x20, .cycles = 10 * i + 2, .source = kFromPeer, .latency = 120, .has_context = false},
          &loads);
  }
  AddTrace(0, 701, ~0u, stores.bytes());
  AddTrace(1, 702, ~0u, loads.bytes());
  ExpectFalseSharing(Imported(0));
}

TEST_F(ImportSpeTest, MappingsHoldFromTheirTimesAlsoForTraces) {
  AddInfo();
  AddProcess();
  AddSharing(true, 1'000);
  // Over the code, long after the last of them: it is told before, but was not yet.
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x400000, 0x10000, 78, 2, "/opt/other"), Who(kPid, 0, 50'000));
  ExpectFalseSharing(Imported(0));
  // And in between: neither may be named for both.
  writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(kPid, 0x400000, 0x10000, 79, 2, "/opt/third"), Who(kPid, 0, 1'100));
  const json changed = Imported(1);
  ASSERT_EQ(changed["contended_lines"].size(), 1u);
  EXPECT_FALSE(changed["contended_lines"][0]["offsets"][1]["sites"][0].contains("code"));
}

TEST_F(ImportSpeTest, OfACpuWhoseCodesAreNotKnownTheEventsTellAndThatIsSaid) {
  AddInfo(kCortexA53);
  AddProcess();
  AddSharing();
  const json answer = Imported(1);
  EXPECT_EQ(answer["contended_lines"], json::array());
  EXPECT_EQ(answer["hardware_trace"]["unread_sources"], 60);
  EXPECT_EQ(answer["memory_loads"]["levels"], json({{"L1", 30}, {"unknown", 30}}));
  EXPECT_EQ(answer["memory_loads"]["missed"], json({{"L1", 30}}));
  EXPECT_THAT(answer["warnings"].dump(), HasSubstr("60 loads with a data source whose code is not known"));
}

TEST_F(ImportSpeTest, AnOlderPerfTellsTheCpuOfTheHostAlone) {
  AddInfo(WordsBody({kPmuType, 1}));
  AddProcess();
  AddSharing();
  EXPECT_EQ(Imported(1)["hardware_trace"]["unread_sources"], 60);
  writer_.AddTextFeature(9, "0x00000000411fd400");  // CPUID
  ExpectFalseSharing(Imported(0));
}

TEST_F(ImportSpeTest, LossesAreWarningsWithTheirMend) {
  AddInfo();
  AddProcess();
  AddSharing();
  writer_.AddKernelRecord(0, PerfRecordType::kAux, 0, WordsBody({0, 64, 1 | 8}), Who(701, 0, 2'000));
  writer_.AddKernelRecord(0, PerfRecordType::kAux, 0, WordsBody({64, 64, 2 | 4}), Who(701, 0, 2'000));
  SpeWriter damaged;
  damaged.Load().Byte(0xff).Total(0xfff).End();
  AddTrace(2, kPid, 1, damaged.bytes());
  const json answer = Imported(1);
  const std::string warnings = answer["warnings"].dump();
  for (const char* what :
       {"1 time the buffer of the Arm SPE trace was full", "1 time an operation was to be sampled before", "1 time the hardware left a gap",
        "1 time older parts of the Arm SPE trace were written over", "1 place of the Arm SPE trace no records, 7 bytes passed over"}) {
    EXPECT_THAT(warnings, HasSubstr(what));
  }
  EXPECT_EQ(answer["hardware_trace"]["malformed"], 1);
  EXPECT_EQ(answer["hardware_trace"]["truncated"], 1);
}

TEST_F(ImportSpeTest, TimesOfAnotherClockAreNotMixed) {
  AddInfo();
  AddProcess();
  SpeWriter to;
  for (uint64_t i = 0; i < 5; ++i) Write({.tid = 702, .code = kCode, .data = kLine, .cycles = 900'000 + i, .source = kFromPeer}, &to);
  AddTrace(0, kPid, 0, to.bytes());
  EXPECT_EQ(Imported(0)["hardware_trace"]["without_own_time"], 0);
  PerfDataWriter other;
  PerfAttr attr = writer_.events()[0].attr;
  attr.flags |= 1u << 25;  // use_clockid
  other.AddEvent(attr, {11}, "arm_spe_0//");
  other.AddBytes(writer_.records());
  Save(other.File());
  const json answer = Answer(1);
  EXPECT_EQ(answer["hardware_trace"]["without_own_time"], 5);
  EXPECT_THAT(answer["warnings"].dump(), HasSubstr("5 accesses without a time that is the recording's"));
}

TEST_F(ImportSpeTest, WhatIsNotReadSaysWhy) {
  AddInfo(WordsBody({9, 4, kPmuType, 0}));
  AddSharing();
  const json newer = Imported(1);
  EXPECT_THAT(newer["unavailable"].dump(), HasSubstr("is of version 9"));
  EXPECT_FALSE(newer.contains("hardware_trace"));
  PerfDataWriter branches;
  branches.AddEvent(writer_.events()[0].attr, {11}, "arm_spe_0//");
  std::swap(writer_, branches);
  AddInfo();
  AddTrace(0, kPid, 0, SpeWriter().Branch().End().bytes());
  EXPECT_THAT(Imported(0)["unavailable"].dump(), HasSubstr("1 operation, but no load or store"));
}

TEST(ImportTraceTest, ATraceOfAnotherKindIsSaidToBeNotDecoded) {
  StringConsole console;
  EXPECT_EQ(RunCli({"import", "tests/fixtures/perf/m7-intel_pt-auxtrace.perf.data", "--json"}, console, absl::UTCTimeZone()), 1);
  const json answer = json::parse(console.out(), nullptr, false);
  EXPECT_FALSE(answer.contains("hardware_trace"));
  EXPECT_THAT(answer["unavailable"].dump(), HasSubstr("149968 bytes of a hardware trace (Intel PT) are not decoded"));
  EXPECT_THAT(answer["warnings"].dump(), HasSubstr("149968 bytes of hardware trace not decoded"));
}

}  // namespace
}  // namespace hftmon
