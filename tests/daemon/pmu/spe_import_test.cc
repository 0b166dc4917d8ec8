// The same operations, sampled live and recorded: what ProcessAccesses makes of AUX memory is what an import makes of the recording.
#include <gtest/gtest.h>

#include <vector>

#include "client/cli/import/import_report.h"
#include "daemon/pmu/process_accesses.h"
#include "tests/common/perf/spe_recorded.h"
#include "tests/common/perf/spe_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

constexpr uint32_t kPid = 700;
constexpr uint64_t kInterval = 1'024, kPmuType = 33, kNeoverseV1 = 0x411fd401;
constexpr uint64_t kLine = 0x7f0000001040, kCode = 0x402000;
constexpr uint8_t kFromL1 = 0x0, kFromPeer = 0x9;

// What a thread's memory got while it ran on one CPU. Recorded bytes have a context of another thread: that one is the recording's.
struct Stretch {
  uint32_t tid = 0, cpu = 0;
  Bytes bytes;
};

// Two threads in one line, which move between CPUs; false and true sharing, an atomic, branches, and what hardware wrote.
std::vector<Stretch> SomeSharing() {
  std::vector<Stretch> all;
  uint64_t cycles = 1'000;
  for (uint32_t round = 0; round < 40; ++round) {
    SpeWriter stores, loads;
    for (int i = 0; i < 3; ++i) {
      Write({.tid = 701, .code = kCode, .data = kLine + 8, .cycles = cycles++, .store = true, .has_context = false}, &stores);
      Write({.tid = 702,
             .code = kCode + 0x40,
             .data = kLine + (i == 2 ? 8u : 0x20u),
             .cycles = cycles++,
             .source = kFromPeer,
             .events = 0x1e,
             .latency = static_cast<uint16_t>(100 + round),
             .has_context = false},
            &loads);
      Write({.code = kCode + 0x80, .data = kLine + 0x4000, .cycles = cycles++, .source = kFromL1, .latency = 9, .has_context = false},
            &loads);
    }
    loads.Branch().Events(2).PadBefore(9).Timestamp(cycles++);
    all.push_back({.tid = 701, .cpu = round % 4, .bytes = stores.bytes()});
    all.push_back({.tid = 702, .cpu = 4 + round % 2, .bytes = loads.bytes()});
  }
  return all;
}

// As `perf record --per-thread` writes them: a buffer for each thread.
Bytes Recording(const std::vector<Stretch>& stretches) {
  PerfDataWriter writer;
  PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kTid | PerfSampleBit::kTime | PerfSampleBit::kCpu);
  attr.type = kPmuType;
  attr.period_or_frequency = kInterval;
  writer.AddEvent(attr, {11}, "arm_spe_0//");
  ByteWriter info;
  info.Put<uint32_t>(4).Put<uint32_t>(0).Append(WordsBody({2, 4, kPmuType, 1, 0x1010101010101010, 0, 1, kNeoverseV1}));
  writer.AddRecord(PerfRecordType::kAuxtraceInfo, info.bytes);
  writer.AddRecord(PerfRecordType::kTimeConversion, WordsBody({0, 1, 0}));
  for (const uint32_t tid : {701u, 702u}) {
    const WrittenSample who{.id = 11, .pid = kPid, .tid = tid};
    writer.AddKernelRecord(0, PerfRecordType::kComm, 0, CommBody(kPid, tid, "engine"), who);
    uint64_t offset = 0;
    for (const Stretch& stretch : stretches) {
      if (stretch.tid != tid) continue;
      ByteWriter head;
      head.Put<uint64_t>(stretch.bytes.size()).Put(offset).Put<uint64_t>(1).Put(tid - 701).Put(tid).Put(~0u).Put(0u);
      writer.AddRecord(PerfRecordType::kAuxtrace, head.bytes);
      writer.AddBytes(stretch.bytes);
      offset += stretch.bytes.size();
    }
  }
  return writer.File();
}

void ExpectSame(const AccessCounts& live, const AccessCounts& imported) {
  EXPECT_EQ(live.accesses, imported.accesses);
  EXPECT_EQ(live.loads, imported.loads);
  EXPECT_EQ(live.stores, imported.stores);
  EXPECT_EQ(live.locked, imported.locked);
  EXPECT_EQ(live.contended(), imported.contended());
  EXPECT_EQ(live.peer, imported.peer);
}

void ExpectSame(const ContendedLine& live, const ContendedLine& imported) {
  EXPECT_EQ(live.address, imported.address);
  EXPECT_EQ(live.estimated_cycles, imported.estimated_cycles);
  EXPECT_EQ(live.sharing.verdict, imported.sharing.verdict);
  EXPECT_EQ(live.sharing.false_contended, imported.sharing.false_contended);
  EXPECT_EQ(live.sharing.true_contended, imported.sharing.true_contended);
  ExpectSame(live.counts, imported.counts);
  ASSERT_EQ(live.offsets.size(), imported.offsets.size());
  for (size_t i = 0; i < live.offsets.size(); ++i) {
    EXPECT_EQ(live.offsets[i].offset, imported.offsets[i].offset);
    EXPECT_EQ(live.offsets[i].tids, imported.offsets[i].tids);
    EXPECT_EQ(live.offsets[i].writer_tids, imported.offsets[i].writer_tids);
    ExpectSame(live.offsets[i].counts, imported.offsets[i].counts);
  }
  ASSERT_EQ(live.sites.size(), imported.sites.size());
  for (size_t i = 0; i < live.sites.size(); ++i) {
    EXPECT_EQ(live.sites[i].tid, imported.sites[i].tid);
    EXPECT_EQ(live.sites[i].pid, imported.sites[i].pid);
    EXPECT_EQ(live.sites[i].code_address, imported.sites[i].code_address);
    ExpectSame(live.sites[i].counts, imported.sites[i].counts);
  }
}

TEST(SpeImportTest, WhatIsSampledLiveIsWhatAnImportOfTheSameBytesTells) {
  const std::vector<Stretch> stretches = SomeSharing();
  const Bytes file = Recording(stretches);
  MemoryByteSource source(file);
  const absl::StatusOr<ImportReport> report = ReadImportReport(source, {});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->trace && report->accesses.loads && report->accesses.table);

  FakeSamplingEvents kernel;
  kernel.threads = {701, 702};
  kernel.conversion = PerfTimeConversion{.shift = 0, .multiplier = 1, .zero_ns = 0};
  SampledEvent event{.name = "arm_spe_0//", .spe = SpeSourceEncodingOf(kNeoverseV1)};
  event.attributes.type = kPmuType;
  event.attributes.sample_period = kInterval;
  event.attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
  auto live = ProcessAccesses::Open(kernel, kernel, [&kernel](pid_t) { return kernel.List(); }, kPid, {event}, {});
  ASSERT_TRUE(live.ok()) << live.status();
  ASSERT_TRUE(live->Begin().ok());
  for (const Stretch& one : stretches) {
    const WrittenSample who{.time_ns = 5, .pid = kPid, .tid = one.tid, .cpu = one.cpu};
    ASSERT_TRUE(kernel.WriteAux(static_cast<pid_t>(one.tid), 0, one.bytes, who));
    live->Drain();
  }
  ASSERT_TRUE(live->End().ok());

  EXPECT_EQ(live->counts().samples.access_count, report->trace->counts.read.records);
  EXPECT_EQ(live->loads().others(), report->trace->other_operations);
  EXPECT_EQ(live->loads().loads() + live->loads().stores(), report->trace->accesses);
  EXPECT_EQ(live->loads().peer(), report->accesses.loads->peer());
  for (const AccessLevel level : {AccessLevel::kL1, AccessLevel::kPeerCache}) {
    EXPECT_GT(live->loads().level(level).loads, 0u);
    EXPECT_EQ(live->loads().level(level), report->accesses.loads->level(level));
  }
  const ContendedLineTable table = live->lines().Build(LineOrder::kCycles);
  ASSERT_EQ(table.lines.size(), 1u);
  ASSERT_EQ(report->accesses.lines.size(), 1u);
  ExpectSame(table.lines[0], report->accesses.lines[0].line);
  EXPECT_EQ(table.lines[0].cpus, (std::vector<uint32_t>{0, 1, 2, 3, 4, 5})) << "which a recording of threads does not tell";
  EXPECT_TRUE(live->counts().samples.complete());
}

TEST(SpeImportTest, BytesThatHardwareWroteAreTheSameLoadsLiveAndImported) {
  std::vector<Stretch> stretches;
  for (const char* name : {"el2-load-and-branch", "user-load-physical", "windows-branch-end", "windows-branch-timestamp"}) {
    stretches.push_back({.tid = 701, .cpu = 1, .bytes = RecordedSpe(name)});
  }
  const Bytes file = Recording(stretches);
  MemoryByteSource source(file);
  const absl::StatusOr<ImportReport> report = ReadImportReport(source, {});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->trace && report->accesses.loads);
  FakeSamplingEvents kernel;
  kernel.threads = {701};
  SampledEvent event{.name = "arm_spe_0//", .spe = SpeSourceEncodingOf(kNeoverseV1)};
  event.attributes.sample_period = kInterval;
  event.attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
  auto live = ProcessAccesses::Open(kernel, kernel, [&kernel](pid_t) { return kernel.List(); }, kPid, {event}, {});
  ASSERT_TRUE(live.ok()) << live.status();
  ASSERT_TRUE(live->Begin().ok());
  for (const Stretch& one : stretches) ASSERT_TRUE(kernel.WriteAux(701, 0, one.bytes, {.pid = kPid, .tid = 701, .cpu = one.cpu}));
  ASSERT_TRUE(live->End().ok());
  const SpeReadCounts& read = live->counts().samples.traced.read;
  const SpeReadCounts& imported = report->trace->counts.read;
  EXPECT_EQ(read.records, imported.records);
  EXPECT_EQ(read.malformed, imported.malformed);
  EXPECT_EQ(read.cut_records, imported.cut_records);
  EXPECT_EQ(read.skipped_bytes, imported.skipped_bytes);
  EXPECT_EQ(live->loads().loads(), report->accesses.loads->loads());
  EXPECT_GT(live->loads().loads(), 0u);
  EXPECT_EQ(live->loads().level(AccessLevel::kL1), report->accesses.loads->level(AccessLevel::kL1));
  EXPECT_EQ(live->loads().tlb_hits(), report->accesses.loads->tlb_hits());
}

}  // namespace
}  // namespace hftmon
