// The reader of perf.data files against files that are cut, spoilt and put together from parts of others: recordings of real hosts, and the
// writer's. It never crashes, always ends, takes bounded memory, and what it tells adds up.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "common/perf/data_source.h"
#include "common/perf/perf_address_spaces.h"
#include "common/perf/perf_data_reader.h"
#include "common/perf/zstd_stream.h"
#include "tests/common/perf/file_bytes.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

constexpr uint64_t kRounds = 20'000;
constexpr size_t kReadBytesMax = size_t{16} << 20;

// Uses all that it is given, so that a view of bytes that are not there shows under a sanitizer, and counts it.
class StrictVisitor : public PerfDataVisitor {
 public:
  void OnSample(const PerfEvent& event, const PerfSample& sample, uint16_t) override {
    ++sample_count;
    Touch(event.name);
    for (const auto bytes : {sample.callchain, sample.raw, sample.branches, sample.branch_counters, sample.user_registers,
                             sample.interrupt_registers, sample.user_stack, sample.aux}) {
      for (const std::byte byte : bytes) sum += std::to_integer<uint64_t>(byte);
    }
    for (size_t i = 0; sample.read.has_value() && i < sample.read->size(); ++i) sum += sample.read->at(i).value;
    if (sample.data_source.has_value()) Touch(AccessLevelName(DecodeDataSource(*sample.data_source).level));
    const MappedRange* const range = spaces.Find(sample.pid.value_or(0), sample.ip.value_or(0));
    if (range == nullptr) return;
    EXPECT_LE(range->start, sample.ip.value_or(0));
    EXPECT_GT(range->end, sample.ip.value_or(0));
    Touch(range->name);
  }
  void OnStat(const PerfEvent* event, const PerfStat& stat) override { sum += stat.value + (event == nullptr ? 0 : event->index); }
  void OnLost(const PerfEvent* event, const PerfLost&) override { sum += event == nullptr ? 0 : event->lost_count; }
  void OnThrottle(const PerfEvent* event, const PerfThrottle&) override { sum += event == nullptr ? 0 : event->throttle_count; }
  void OnComm(const PerfComm& comm) override {
    EXPECT_LE(comm.name.size(), kPerfNameBytesMax);
    Touch(comm.name);
    spaces.OnComm(comm);
  }
  void OnMapping(const PerfMapping& mapping) override {
    EXPECT_LE(mapping.start, mapping.start + mapping.bytes);
    EXPECT_LE(mapping.name.size(), kPerfNameBytesMax);
    spaces.OnMapping(mapping);
  }
  void OnFork(const PerfTask& task) override { spaces.OnFork(task); }

  uint64_t sample_count = 0;
  uint64_t sum = 0;
  PerfAddressSpaces spaces;

 private:
  void Touch(std::string_view text) {
    for (const char c : text) sum += static_cast<unsigned char>(c);
  }
};

// Memory, and how much of it is asked for at a time.
class StrictSource : public MemoryByteSource {
 public:
  using MemoryByteSource::MemoryByteSource;
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
    EXPECT_LE(into.size(), kReadBytesMax);
    EXPECT_LE(offset + into.size(), size()) << "every place is checked before it is read";
    return MemoryByteSource::ReadAt(offset, into);
  }
};

// Whether it was read to its end; what must hold either way is asserted.
bool ReadOnce(std::span<const std::byte> bytes) {
  StrictSource source(bytes);
  StrictVisitor visitor;
  const absl::StatusOr<PerfDataSummary> summary = ReadPerfData(source, visitor);
  if (!summary.ok()) {
    const absl::Status& status = summary.status();
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
                absl::IsResourceExhausted(status))
        << status;
    EXPECT_NE(status.message().find("perf.data"), std::string::npos) << status;
    return false;
  }
  uint64_t samples = summary->unmatched_samples;
  for (const PerfEvent& event : summary->events) samples += event.sample_count;
  EXPECT_EQ(samples, summary->RecordCount(PerfRecordType::kSample));
  EXPECT_EQ(visitor.sample_count + summary->unmatched_samples, samples);
  return true;
}

// Every field of a sample, every kind of record.
Bytes WrittenFile(bool pipe) {
  PerfDataWriter writer;
  PerfAttr attr = PlainAttr(PerfSampleBit::kKnown & ~PerfSampleBit::kWeight);
  attr.read_format = PerfReadBit::kKnown;
  attr.branch_sample_type = 1u << 17 | 1u << 19;
  attr.user_registers = attr.interrupt_registers = 7;
  writer.AddEvent(attr, {1, 2}, "all");
  writer.AddEvent(PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kIp, 96), {3}, "few");
  writer.AddEventDescriptions();
  writer.AddTextFeature(3, "host");
  writer.AddFeature(11, ByteWriter().Put<uint32_t>(2).SizedText("perf").SizedText("record").bytes);
  writer.AddFeature(14, ByteWriter().Put<uint32_t>(1).Fill(20).SizedText("0-3").bytes);
  const WrittenSample sample = {.id = 2,
                                .ip = 0x4010,
                                .pid = 7,
                                .values = {{.value = 5, .id = 1}, {.value = 6, .id = 3}},
                                .callchain = {1, 2, 3},
                                .raw = Bytes(12),
                                .branches = {1, 2, 3, 4, 5, 6},
                                .branch_counters = {1, 2},
                                .user_abi = 2,
                                .user_registers = {1, 2, 3},
                                .user_stack = Bytes(64),
                                .user_stack_copied = 32,
                                .aux = Bytes(16)};
  for (int i = 0; i < 4; ++i) {
    writer.AddKernelRecord(0, PerfRecordType::kMmap, 2, MmapBody(7, 0x4000, 0x1000, 0, "/bin/engine"));
    writer.AddKernelRecord(1, PerfRecordType::kMmap2, 2, Mmap2Body(7, 0x4800, 0x1000, 9, 1, "/lib/book"), {.id = 3});
    writer.AddSample(0, sample);
    writer.AddSample(1, {.id = 3, .ip = 0x4811});
    writer.AddKernelRecord(0, PerfRecordType::kComm, PerfRecordHeader::kExec, CommBody(8, 8, "engine"));
    writer.AddKernelRecord(0, PerfRecordType::kFork, 0, TaskBody(8, 7, 8, 7, 5));
    writer.AddKernelRecord(0, PerfRecordType::kLost, 0, WordsBody({3, 4}));
    writer.AddKernelRecord(0, PerfRecordType::kThrottle, 0, WordsBody({9, 2, 2}));
    writer.AddKernelRecord(0, PerfRecordType::kSwitchCpuWide, 0, WordsBody({9}));
    writer.AddRecord(PerfRecordType::kAuxtrace, WordsBody({16, 0, 0, 0, 0}));
    writer.AddBytes(Bytes(16));
    writer.AddRecord(PerfRecordType::kStat, WordsBody({1, 0, 5, 6, 7}));
    writer.AddRecord(PerfRecordType::kStatRound, WordsBody({1, 5}));
    writer.AddRecord(PerfRecordType::kEventUpdate, ByteWriter().Put<uint64_t>(2).Put<uint64_t>(3).Text("other").bytes);
  }
  return pipe ? writer.Pipe() : writer.File();
}

struct Sound {
  std::string name;
  Bytes bytes;
  bool pipe = false;
};

std::vector<Sound> SoundFiles() {
  std::vector<Sound> files = {{"a written file", WrittenFile(false)}, {"a written pipe", WrittenFile(true), true}};
  for (const char* name :
       {"bdw2s-hitm-nosamples", "celeron-6events-echo", "celeron-pebs-group-lost_samples", "e5-2690-2node-small", "graviton-zstd",
        "i5-3330-cache-misses", "m7-context_switch_records", "m7-intel_pt-auxtrace", "w2135-pipe-6.12"}) {
    auto bytes = FileBytes("tests/fixtures/perf/" + std::string(name) + ".perf.data");
    EXPECT_TRUE(bytes.has_value()) << name;
    if (bytes.has_value()) files.push_back({name, std::move(*bytes), std::string_view(name).find("pipe") != std::string_view::npos});
  }
  return files;
}

// Numbers that break what takes them for small, or for signed, or adds to them.
uint64_t Nasty(std::mt19937_64* random) {
  switch ((*random)() % 5) {
    case 0:
      return (*random)();
    case 1:
      return (*random)() % 1'024;
    case 2:
      return ~((*random)() % 16);
    case 3:
      return uint64_t{1} << ((*random)() % 64);
    default:
      return (uint64_t{1} << ((*random)() % 64)) - 1;
  }
}

// One thing that befalls a file on its way.
void Spoil(Bytes* bytes, const std::vector<Sound>& files, std::mt19937_64* random) {
  const size_t at = (*random)() % bytes->size();
  switch ((*random)() % 6) {
    case 0:  // a bit
      (*bytes)[at] ^= static_cast<std::byte>(1u << ((*random)() % 8));
      return;
    case 1: {  // a number, wherever it lies, and of any width
      const uint64_t value = Nasty(random);
      std::memcpy(bytes->data() + at, &value, std::min<size_t>(bytes->size() - at, size_t{1} << ((*random)() % 4)));
      return;
    }
    case 2: {  // a number of the header
      const uint64_t value = Nasty(random);
      std::memcpy(bytes->data() + 8 + (*random)() % 12 * 8, &value, sizeof(value));
      return;
    }
    case 3: {  // a piece of another file
      const Bytes& other = files[(*random)() % files.size()].bytes;
      const size_t from = (*random)() % other.size();
      const size_t count = std::min({other.size() - from, bytes->size() - at, size_t{1} << ((*random)() % 12)});
      std::copy_n(other.begin() + static_cast<ptrdiff_t>(from), count, bytes->begin() + static_cast<ptrdiff_t>(at));
      return;
    }
    case 4:  // bytes that went missing
      bytes->erase(bytes->begin() + static_cast<ptrdiff_t>(at),
                   bytes->begin() + static_cast<ptrdiff_t>(std::min(bytes->size(), at + 1 + (*random)() % 64)));
      if (bytes->size() < 128) bytes->resize(128);
      return;
    default:  // a page that was never written
      std::fill_n(bytes->begin() + static_cast<ptrdiff_t>(at), std::min<size_t>(bytes->size() - at, 512), std::byte{0});
  }
}

TEST(PerfDataFuzz, SoundFilesAreReadToTheirEnd) {
  for (const Sound& file : SoundFiles()) {
    const bool packed = file.name == "graviton-zstd";
    EXPECT_EQ(ReadOnce(file.bytes), !packed || ZstdStream::Create().ok()) << file.name;
  }
}

TEST(PerfDataFuzz, NoBeginningOfAFileIsOne) {
  for (const Sound& file : SoundFiles()) {
    SCOPED_TRACE(file.name);
    std::mt19937_64 random(file.bytes.size());
    for (uint64_t round = 0; round < 300 && !HasFailure(); ++round) {
      const size_t length = round < 200 ? random() % file.bytes.size() : file.bytes.size() - 1 - (round - 200);
      const bool read = ReadOnce(std::span(file.bytes).first(length));
      EXPECT_TRUE(file.pipe || !read) << length << " of " << file.bytes.size() << ": only a pipe has no mark of its end";
    }
  }
}

TEST(PerfDataFuzz, SpoiltFilesAreReadOrRefused) {
  const std::vector<Sound> files = SoundFiles();
  uint64_t read_count = 0;
  for (uint64_t seed = 0; seed < kRounds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bytes bytes = files[random() % files.size()].bytes;
    for (uint64_t harm = 1 + random() % 4; harm > 0; --harm) Spoil(&bytes, files, &random);
    read_count += ReadOnce(bytes) ? 1 : 0;
  }
  // Both ends are met, or the harm is of the wrong kind.
  EXPECT_GT(read_count, kRounds / 20);
  EXPECT_LT(read_count, kRounds - kRounds / 20);
}

TEST(PerfDataFuzz, CutAndSpoiltRecordingsThatAreNotKeptAreReadOrRefused) {
  constexpr uint64_t kRoundsOfEach = 40;
  const std::string folder = SharedRecordingsFolder();
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << NoSharedRecordings(folder);
  const std::vector<Sound> files = SoundFiles();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".perf.data")) continue;
    SCOPED_TRACE(path);
    const auto sound = FileBytes(path);
    ASSERT_TRUE(sound.has_value());
    for (uint64_t seed = 0; seed < kRoundsOfEach && !HasFailure(); ++seed) {
      SCOPED_TRACE(seed);
      std::mt19937_64 random(seed);
      const bool pipe = path.find("pipe") != std::string::npos;
      EXPECT_TRUE(!ReadOnce(std::span(*sound).first(random() % sound->size())) || pipe);
      Bytes bytes = *sound;
      for (uint64_t harm = 1 + random() % 4; harm > 0; --harm) Spoil(&bytes, files, &random);
      ReadOnce(bytes);
    }
  }
}

TEST(PerfDataFuzz, NoiseBehindTheMagicIsRefusedOrHarmless) {
  for (uint64_t seed = 0; seed < kRounds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    ByteWriter to;
    to.Text("PERFILE2", 1).bytes.pop_back();
    to.Put<uint64_t>(seed % 2 == 0 ? 104 : 16);
    for (uint64_t words = random() % 200; words > 0; --words) to.Put(Nasty(&random));
    ReadOnce(to.bytes);
  }
}

// Every number of a written file, at every byte, made the worst that it can be.
TEST(PerfDataFuzz, NoSingleByteHarms) {
  for (const bool pipe : {false, true}) {
    const Bytes sound = WrittenFile(pipe);
    for (size_t at = 0; at < sound.size() && !HasFailure(); ++at) {
      SCOPED_TRACE(at);
      for (const uint8_t value : {0x00, 0x7f, 0xff}) {
        Bytes bytes = sound;
        bytes[at] = std::byte{value};
        ReadOnce(bytes);
      }
    }
  }
}

}  // namespace
}  // namespace hftmon
