#include "common/perf/perf_data_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Bit = PerfSampleBit;

constexpr uint64_t kUsual = Bit::kIdentifier | Bit::kIp | Bit::kTid | Bit::kTime | Bit::kPeriod;

// What was told, in words and in order.
class Story : public PerfDataVisitor {
 public:
  void OnSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc) override {
    lines.push_back(fmt::format("sample of {} ip {} misc {}", event.name, sample.ip.value_or(0), misc));
  }
  void OnStat(const PerfEvent* event, const PerfStat& stat) override {
    lines.push_back(fmt::format("stat of {} cpu {} thread {}: {} {} {}", Name(event), stat.cpu, stat.thread, stat.value, stat.enabled_ns,
                                stat.running_ns));
  }
  void OnStatRound(int64_t time_ns, bool final) override { lines.push_back(fmt::format("round at {} {}", time_ns, final)); }
  void OnLost(const PerfEvent* event, const PerfLost& lost) override {
    lines.push_back(fmt::format("lost of {}: {}", Name(event), lost.count));
  }
  void OnThrottle(const PerfEvent* event, const PerfThrottle& throttle) override {
    lines.push_back(fmt::format("throttled {} {}", Name(event), throttle.throttled));
  }
  void OnSwitch(const PerfSwitch& change) override { lines.push_back(fmt::format("switch out {}", change.out)); }
  void OnComm(const PerfComm& comm) override { lines.push_back(fmt::format("comm {}", comm.name)); }
  void OnMapping(const PerfMapping& mapping) override { lines.push_back(fmt::format("mapping {} at {:#x}", mapping.name, mapping.start)); }
  void OnFork(const PerfTask& task) override { lines.push_back(fmt::format("fork {}", task.pid)); }
  void OnExit(const PerfTask& task) override { lines.push_back(fmt::format("exit {}", task.pid)); }

  std::vector<std::string> lines;

 private:
  static std::string Name(const PerfEvent* event) { return event == nullptr ? "nobody" : event->name; }
};

absl::StatusOr<PerfDataSummary> Read(std::span<const std::byte> bytes, PerfDataVisitor* visitor) {
  MemoryByteSource source(bytes);
  return ReadPerfData(source, *visitor);
}

absl::Status Failure(std::span<const std::byte> bytes) {
  PerfDataVisitor nobody;
  return Read(bytes, &nobody).status();
}

// Two events, all kinds of records that are told, and a few that are not.
PerfDataWriter FullRecording() {
  PerfDataWriter writer;
  const size_t loads = writer.AddEvent(PlainAttr(kUsual), {11, 12}, "loads");
  const size_t stores = writer.AddEvent(PlainAttr(kUsual | Bit::kAddress, 112), {21}, "stores");
  writer.AddEventDescriptions();
  writer.AddTextFeature(3, "host");
  writer.AddTextFeature(8, "A CPU");
  writer.AddFeature(7, ByteWriter().Put<uint32_t>(8).Put<uint32_t>(6).bytes);
  writer.AddKernelRecord(loads, PerfRecordType::kMmap, 2, MmapBody(7, 0x4000, 0x1000, 0, "/bin/engine"));
  writer.AddKernelRecord(stores, PerfRecordType::kComm, 0, CommBody(7, 7, "engine"), {.id = 21});
  writer.AddSample(loads, {.id = 12, .ip = 100});
  writer.AddSample(stores, {.id = 21, .ip = 200}, 1);
  writer.AddKernelRecord(loads, PerfRecordType::kFork, 0, TaskBody(8, 7, 8, 7, 5), {.id = 11});
  writer.AddKernelRecord(loads, PerfRecordType::kSwitch, PerfRecordHeader::kSwitchOut, {}, {.id = 11});
  writer.AddKernelRecord(loads, PerfRecordType::kLost, 0, WordsBody({21, 4}), {.id = 11});
  writer.AddKernelRecord(loads, PerfRecordType::kLostSamples, 0, WordsBody({3}), {.id = 12});
  writer.AddKernelRecord(loads, PerfRecordType::kThrottle, 0, WordsBody({9, 12, 12}), {.id = 12});
  writer.AddKernelRecord(loads, PerfRecordType::kUnthrottle, 0, WordsBody({9, 99, 99}), {.id = 12});
  writer.AddKernelRecord(loads, PerfRecordType::kKsymbol, 0, WordsBody({1, 2}), {.id = 12});
  writer.AddRecord(PerfRecordType::kFinishedRound, {});
  writer.AddKernelRecord(stores, PerfRecordType::kExit, 0, TaskBody(8, 7, 8, 7, 6), {.id = 21});
  return writer;
}

void ExpectFullStory(const std::vector<std::string>& lines) {
  EXPECT_THAT(lines, ElementsAre("mapping /bin/engine at 0x4000", "comm engine", "sample of loads ip 100 misc 2",
                                 "sample of stores ip 200 misc 1", "fork 8", "switch out true", "lost of stores: 4", "lost of loads: 3",
                                 "throttled loads true", "throttled nobody false", "exit 8"));
}

TEST(PerfDataReaderTest, AFileAndAPipeTellTheSame) {
  const PerfDataWriter writer = FullRecording();
  for (const bool pipe : {false, true}) {
    SCOPED_TRACE(pipe);
    Story story;
    const auto summary = Read(pipe ? writer.Pipe() : writer.File(), &story);
    ASSERT_TRUE(summary.ok()) << summary.status();
    ExpectFullStory(story.lines);
    EXPECT_EQ(summary->pipe, pipe);
    ASSERT_EQ(summary->events.size(), 2u);
    EXPECT_EQ(summary->events[0].name, "loads");
    EXPECT_THAT(summary->events[0].ids, ElementsAre(11, 12));
    EXPECT_EQ(summary->events[0].sample_count, 1u);
    EXPECT_EQ(summary->events[0].lost_count, 0u);
    EXPECT_EQ(summary->events[0].lost_sample_count, 3u);
    EXPECT_EQ(summary->events[0].throttle_count, 1u);
    EXPECT_EQ(summary->events[0].unthrottle_count, 0u);
    EXPECT_EQ(summary->events[1].index, 1u);
    EXPECT_EQ(summary->events[1].lost_count, 4u);
    EXPECT_EQ(summary->events[1].lost_sample_count, 0u);
    EXPECT_EQ(summary->events[1].attr.size, 112u);
    EXPECT_EQ(summary->host.hostname, "host");
    EXPECT_EQ(summary->host.cpu, "A CPU");
    EXPECT_EQ(summary->host.cpus_available, std::optional<uint32_t>(8));
    EXPECT_EQ(summary->host.cpus_online, std::optional<uint32_t>(6));
    EXPECT_EQ(summary->RecordCount(PerfRecordType::kSample), 2u);
    EXPECT_EQ(summary->RecordCount(PerfRecordType::kKsymbol), 1u);
    EXPECT_EQ(summary->RecordCount(PerfRecordType::kBpfEvent), 0u);
    EXPECT_EQ(summary->notes.size(), pipe ? 1u : 0u);
  }
}

TEST(PerfDataReaderTest, AttrsOfEveryAgeAreReadFromFilesAndPipes) {
  for (const uint32_t size : {64u, 72u, 80u, 96u, 104u, 112u, 120u, 128u, 136u, 200u}) {
    SCOPED_TRACE(size);
    PerfDataWriter writer;
    const size_t event = writer.AddEvent(PlainAttr(kUsual, size), {5}, "old");
    writer.AddSample(event, {.id = 5, .ip = 1});
    for (const Bytes& bytes : {writer.File(), writer.Pipe()}) {
      Story story;
      const auto summary = Read(bytes, &story);
      ASSERT_TRUE(summary.ok()) << summary.status();
      EXPECT_EQ(summary->events[0].attr.size, size);
      EXPECT_EQ(summary->events[0].name, "cycles") << "which nobody named";
      EXPECT_EQ(summary->events[0].sample_count, 1u);
    }
  }
}

TEST(PerfDataReaderTest, NoBeginningOfAFileIsOne) {
  const Bytes bytes = FullRecording().File();
  for (size_t length = 0; length < bytes.size(); ++length) {
    const absl::Status status = Failure(std::span(bytes).first(length));
    ASSERT_FALSE(status.ok()) << length << " of " << bytes.size();
    EXPECT_THAT(std::string(status.message()), HasSubstr("perf.data"));
    EXPECT_EQ(absl::IsDataLoss(status), length >= 8) << length << ": " << status;
  }
}

TEST(PerfDataReaderTest, ABeginningOfAPipeIsOneOnlyWhereARecordEnds) {
  const Bytes bytes = FullRecording().Pipe();
  std::vector<size_t> ends = {16};
  while (ends.back() < bytes.size()) ends.push_back(ends.back() + PerfRecordHeader::Parse(std::span(bytes).subspan(ends.back())).size);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const absl::Status status = Failure(std::span(bytes).first(length));
    EXPECT_EQ(status.ok(), std::ranges::count(ends, length) != 0) << length << ": " << status;
  }
}

TEST(PerfDataReaderTest, OtherFilesAreToldWhatTheyAre) {
  const auto of = [](std::string_view text) { return Failure(ByteWriter().Text(text, 200).bytes); };
  for (const auto& [text, reason] :
       {std::pair{"PERFFILE", "2009"}, {"2ELIFREP", "big-endian"}, {"#!/bin/sh", "no perf.data"}, {"", "no perf.data"}}) {
    const absl::Status status = of(text);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
  }
  EXPECT_THAT(std::string(Failure({}).message()), HasSubstr("empty"));
  PerfDataWriter directory = FullRecording();
  directory.AddFeature(24, WordsBody({1}));
  EXPECT_TRUE(absl::IsInvalidArgument(Failure(directory.File())));
  EXPECT_THAT(std::string(Failure(directory.File()).message()), HasSubstr("--threads"));
}

TEST(PerfDataReaderTest, ARecordingThatDidNotEndSaysSo) {
  Bytes bytes = FullRecording().File();
  std::fill_n(bytes.begin() + 48, 8, std::byte{0});
  const absl::Status status = Failure(bytes);
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not end properly"));
}

TEST(PerfDataReaderTest, SamplesOfSeveralEventsMustSayWhichTheyAreOf) {
  PerfDataWriter writer;
  writer.AddEvent(PlainAttr(Bit::kIp | Bit::kTid), {1}, "a");
  writer.AddEvent(PlainAttr(Bit::kIp | Bit::kTid), {2}, "b");
  writer.AddSample(0, {.ip = 1});
  EXPECT_TRUE(absl::IsInvalidArgument(Failure(writer.File()))) << Failure(writer.File());
  // Nor may the id stand here in one and there in another.
  PerfDataWriter mixed;
  mixed.AddEvent(PlainAttr(Bit::kIp | Bit::kId), {1}, "a");
  mixed.AddEvent(PlainAttr(Bit::kIp | Bit::kId | Bit::kTid), {2}, "b");
  mixed.AddSample(0, {.id = 1});
  EXPECT_TRUE(absl::IsInvalidArgument(Failure(mixed.File())));
  // What stands before it may differ.
  PerfDataWriter same;
  same.AddEvent(PlainAttr(Bit::kIp | Bit::kId), {1}, "a");
  same.AddEvent(PlainAttr(Bit::kTid | Bit::kId), {2}, "b");
  same.AddSample(0, {.id = 1, .ip = 5});
  same.AddSample(1, {.id = 2});
  Story story;
  ASSERT_TRUE(Read(same.File(), &story).ok()) << Failure(same.File());
  EXPECT_THAT(story.lines, ElementsAre("sample of cycles ip 5 misc 2", "sample of cycles ip 0 misc 2"));
}

TEST(PerfDataReaderTest, ASampleOfNoEventOfTheFileIsCountedAndSaid) {
  PerfDataWriter writer = FullRecording();
  writer.AddSample(0, {.id = 77, .ip = 1});
  Story story;
  const auto summary = Read(writer.File(), &story);
  ASSERT_TRUE(summary.ok()) << summary.status();
  ExpectFullStory(story.lines);
  EXPECT_EQ(summary->unmatched_samples, 1u);
  EXPECT_THAT(summary->notes, ElementsAre("1 sample is of an event that the file does not describe, and is left out"));
  writer.AddSample(0, {.id = 78, .ip = 1});
  const auto two = Read(writer.File(), &story);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_THAT(two->notes, ElementsAre("2 samples are of events that the file does not describe, and are left out"));
  // One event without ids needs none.
  PerfDataWriter single;
  single.AddEvent(PlainAttr(Bit::kIp), {}, "only");
  single.AddSample(0, {.ip = 4});
  Story one;
  ASSERT_TRUE(Read(single.File(), &one).ok());
  EXPECT_THAT(one.lines, ElementsAre("sample of cycles ip 4 misc 2"));
}

TEST(PerfDataReaderTest, OneIdOfTwoEventsIsDamage) {
  PerfDataWriter writer;
  writer.AddEvent(PlainAttr(kUsual), {1, 1}, "a");
  writer.AddEvent(PlainAttr(kUsual), {2, 1}, "b");
  writer.AddSample(0, {.id = 1});
  for (const Bytes& bytes : {writer.File(), writer.Pipe()}) EXPECT_TRUE(absl::IsDataLoss(Failure(bytes))) << Failure(bytes);
}

TEST(PerfDataReaderTest, ValuesOfPerfStatAndTheirUnits) {
  PerfDataWriter writer;
  writer.AddEvent(PlainAttr(Bit::kIdentifier), {31}, "task-clock");
  writer.AddEvent(PlainAttr(Bit::kIdentifier), {32}, "cycles");
  writer.AddEventDescriptions();
  writer.AddRecord(PerfRecordType::kEventUpdate, ByteWriter().Put<uint64_t>(0).Put<uint64_t>(31).Text("msec").bytes);
  writer.AddRecord(PerfRecordType::kEventUpdate, ByteWriter().Put<uint64_t>(1).Put<uint64_t>(31).Put(1e-6).bytes);
  writer.AddRecord(PerfRecordType::kEventUpdate, ByteWriter().Put<uint64_t>(2).Put<uint64_t>(32).Text("cpu_core/cycles/").bytes);
  writer.AddRecord(PerfRecordType::kEventUpdate, ByteWriter().Put<uint64_t>(2).Put<uint64_t>(99).Text("of nobody").bytes);
  const auto stat = [&](uint64_t id, int32_t cpu, uint64_t value, uint64_t running) {
    writer.AddRecord(PerfRecordType::kStat,
                     ByteWriter().Put(id).Put(cpu).Put<uint32_t>(2).Put(value).Put<uint64_t>(1000).Put(running).bytes);
  };
  stat(31, -1, 5000, 1000);
  stat(32, 3, 7, 0);
  stat(99, 0, 1, 1);
  writer.AddRecord(PerfRecordType::kStatRound, WordsBody({0, 50}));
  writer.AddRecord(PerfRecordType::kStatRound, WordsBody({1, 60}));
  for (const Bytes& bytes : {writer.File(), writer.Pipe()}) {
    Story story;
    const auto summary = Read(bytes, &story);
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_THAT(story.lines,
                ElementsAre("stat of task-clock cpu -1 thread 2: 5000 1000 1000", "stat of cpu_core/cycles/ cpu 3 thread 2: 7 1000 0",
                            "stat of nobody cpu 0 thread 2: 1 1000 1", "round at 50 false", "round at 60 true"));
    EXPECT_EQ(summary->events[0].unit, "msec");
    EXPECT_DOUBLE_EQ(summary->events[0].scale, 1e-6);
    EXPECT_EQ(summary->events[1].unit, "");
  }
}

TEST(PerfDataReaderTest, AValueOfPerfStatOfNoEventOfTheFileIsCountedAndSaid) {
  PerfDataWriter writer;
  writer.AddEvent(PlainAttr(Bit::kIdentifier), {31}, "task-clock");
  writer.AddEvent(PlainAttr(Bit::kIdentifier), {32}, "cycles");
  const auto add_stat = [&](uint64_t id) { writer.AddRecord(PerfRecordType::kStat, WordsBody({id, 0, 1, 1, 1})); };
  const auto read = [&] {
    PerfDataVisitor nobody;
    return Read(writer.File(), &nobody);
  };
  add_stat(31);
  ASSERT_TRUE(read().ok()) << read().status();
  EXPECT_EQ(read()->unmatched_stats, 0u);
  EXPECT_THAT(read()->notes, IsEmpty());
  add_stat(77);
  EXPECT_EQ(read()->unmatched_stats, 1u);
  EXPECT_THAT(read()->notes, ElementsAre("1 value of `perf stat` is of an event that the file does not describe"));
  add_stat(78);
  EXPECT_EQ(read()->unmatched_stats, 2u);
  EXPECT_THAT(read()->notes, ElementsAre("2 values of `perf stat` are of events that the file does not describe"));
}

TEST(PerfDataReaderTest, NodesThatAreNotKeptAreSaid) {
  ByteWriter nodes;
  nodes.Put<uint32_t>(1'026);
  for (uint32_t node = 0; node < 1'026; ++node) {
    nodes.Put(node).Put<uint64_t>(1).Put<uint64_t>(1).SizedText(node == 0 ? std::string((size_t{64} << 10) + 1, '1') : "0-3");
  }
  PerfDataWriter writer;
  writer.AddEvent(PlainAttr(kUsual), {5}, "a");
  writer.AddSample(0, {.id = 5});
  writer.AddFeature(14, nodes.bytes);
  PerfDataVisitor nobody;
  const auto summary = Read(writer.File(), &nobody);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->host.nodes.size(), 1'024u);
  EXPECT_THAT(summary->notes, ElementsAre("2 nodes of the host are beyond the 1024 that are kept",
                                          "1 node of the host is without CPUs: the list of them is longer than 65536 bytes"));
}

TEST(PerfDataReaderTest, BytesBehindARecordAreNoRecords) {
  PerfDataWriter writer;
  const size_t event = writer.AddEvent(PlainAttr(kUsual), {5}, "a");
  writer.AddRecord(PerfRecordType::kAuxtrace, WordsBody({24, 0, 0, 0, 0}));
  writer.AddBytes(ByteWriter().Fill(24, 0xff).bytes);
  writer.AddSample(event, {.id = 5, .ip = 9});
  Story story;
  auto summary = Read(writer.File(), &story);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->aux_bytes, 24u);
  EXPECT_THAT(story.lines, ElementsAre("sample of cycles ip 9 misc 2"));
  // In a pipe the format of tracepoints comes so too, filled up to 8 bytes.
  PerfDataWriter traced;
  traced.AddEvent(PlainAttr(kUsual), {5}, "a");
  traced.AddRecord(PerfRecordType::kTracingData, ByteWriter().Put<uint32_t>(13).bytes);
  traced.AddBytes(ByteWriter().Fill(16, 0xff).bytes);
  traced.AddSample(0, {.id = 5, .ip = 9});
  Story pipe;
  ASSERT_TRUE(Read(traced.Pipe(), &pipe).ok());
  EXPECT_THAT(pipe.lines, ElementsAre("sample of cycles ip 9 misc 2"));
  // More than there is.
  for (const uint64_t bytes : {uint64_t{1'000}, ~uint64_t{0}}) {
    PerfDataWriter cut;
    cut.AddEvent(PlainAttr(kUsual), {5}, "a");
    cut.AddRecord(PerfRecordType::kAuxtrace, WordsBody({bytes, 0, 0, 0, 0}));
    EXPECT_TRUE(absl::IsDataLoss(Failure(cut.File()))) << Failure(cut.File());
  }
}

TEST(PerfDataReaderTest, RecordsOfTypesThatAreNewAreCountedAndPassedOver) {
  PerfDataWriter writer = FullRecording();
  writer.AddRecord(static_cast<PerfRecordType>(40), WordsBody({1}));
  writer.AddRecord(static_cast<PerfRecordType>(400), ByteWriter().Fill(3).bytes);  // of odd size
  writer.AddRecord(PerfRecordType::kFinishedRound, {});
  Story story;
  const auto summary = Read(writer.File(), &story);
  ASSERT_TRUE(summary.ok()) << summary.status();
  ExpectFullStory(story.lines);
  EXPECT_EQ(summary->records_by_type.at(40), 1u);
  EXPECT_THAT(summary->notes, ElementsAre(HasSubstr("2 records are of types newer")));
  // As many types as records are noise.
  for (uint32_t type = 1'000; type < 3'000; ++type) writer.AddRecord(static_cast<PerfRecordType>(type), {});
  EXPECT_TRUE(absl::IsDataLoss(Failure(writer.File())));
}

TEST(PerfDataReaderTest, DamageIsToldWithItsPlace) {
  PerfDataWriter writer = FullRecording();
  const size_t sound = writer.records().size();
  ByteWriter none;
  writer.AddBytes(none.Put<uint32_t>(9).Put<uint16_t>(0).Put<uint16_t>(4).bytes);
  const Bytes bytes = writer.File();
  const absl::Status status = Failure(bytes);
  EXPECT_TRUE(absl::IsDataLoss(status));
  uint64_t data_at = 0;
  std::memcpy(&data_at, bytes.data() + 40, sizeof(data_at));
  EXPECT_THAT(std::string(status.message()), HasSubstr(fmt::format("damaged at byte {}: its size of 4 bytes", data_at + sound)));
  EXPECT_THAT(std::string(status.message()), HasSubstr("copy it again"));
}

// A file of more than 4 GiB, of which only the parts are there that are anything.
class SparseSource : public ByteSource {
 public:
  explicit SparseSource(uint64_t size) : size_(size) {}
  void Put(uint64_t at, Bytes bytes) { parts_[at] = std::move(bytes); }
  uint64_t size() const override { return size_; }
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
    largest_read_bytes = std::max(largest_read_bytes, into.size());
    std::ranges::fill(into, std::byte{0});
    for (const auto& [at, bytes] : parts_) {
      for (size_t i = 0; i < bytes.size(); ++i) {
        if (at + i >= offset && at + i - offset < into.size()) into[at + i - offset] = bytes[i];
      }
    }
    return absl::OkStatus();
  }
  size_t largest_read_bytes = 0;

 private:
  const uint64_t size_;
  std::map<uint64_t, Bytes> parts_;
};

TEST(PerfDataReaderTest, OffsetsBeyond4GiBAreReadAndLittleMemoryWithThem) {
  constexpr uint64_t kTrace = uint64_t{6} << 30;
  PerfDataWriter writer;
  const size_t event = writer.AddEvent(PlainAttr(kUsual), {5}, "a");
  writer.AddRecord(PerfRecordType::kAuxtrace, WordsBody({kTrace, 0, 0, 0, 0}));
  Bytes head = writer.File();
  const Bytes sample = RecordBytes(PerfRecordType::kSample, 2, SampleBody(writer.events()[event].attr, {.id = 5, .ip = 9}));
  const uint64_t data_bytes = writer.records().size() + kTrace + sample.size();
  std::memcpy(head.data() + 48, &data_bytes, sizeof(data_bytes));
  SparseSource source(head.size() + kTrace + sample.size());
  source.Put(head.size() + kTrace, sample);
  source.Put(0, head);
  Story story;
  const auto summary = ReadPerfData(source, story);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(story.lines, ElementsAre("sample of cycles ip 9 misc 2"));
  EXPECT_EQ(summary->aux_bytes, kTrace);
  EXPECT_LE(source.largest_read_bytes, size_t{1} << 20);
}

TEST(PerfDataReaderTest, ASourceThatFailsIsToldAsItIs) {
  class Failing : public MemoryByteSource {
   public:
    using MemoryByteSource::MemoryByteSource;
    absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
      return offset > 200 ? absl::UnavailableError("the disk is gone") : MemoryByteSource::ReadAt(offset, into);
    }
  };
  const Bytes bytes = FullRecording().File();
  Failing source(bytes);
  PerfDataVisitor nobody;
  const absl::Status status = ReadPerfData(source, nobody).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("the disk is gone"));
}

TEST(PerfDataReaderTest, HeadersThatCannotBeAreErrors) {
  const Bytes sound = FullRecording().File();
  const struct {
    size_t at;
    uint64_t value;
  } kWrong[] = {
      {8, 103},           {8, ~uint64_t{0}},  {16, 79},           {16, 0},  {16, 1u << 20},     {24, ~uint64_t{0}},     {32, 0}, {32, 5},
      {32, ~uint64_t{0}}, {40, ~uint64_t{0}}, {48, ~uint64_t{0}}, {48, 12}, {72, ~uint64_t{0}}, {96, uint64_t{1} << 63}};
  for (const auto& wrong : kWrong) {
    Bytes bytes = sound;
    std::memcpy(bytes.data() + wrong.at, &wrong.value, sizeof(wrong.value));
    const absl::Status status = Failure(bytes);
    EXPECT_TRUE(absl::IsDataLoss(status)) << wrong.at << " " << wrong.value << ": " << status;
  }
}

}  // namespace
}  // namespace hftmon
