// Symbols in `import`: the test is the program that was recorded, as far as the recording that it writes tells.
#include <gmock/gmock.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "client/cli/cli.h"
#include "client/cli/import/elf_file.h"
#include "client/cli/import/import_symbols.h"
#include "tests/client/cli/import/elf_writer.h"
#include "tests/client/cli/string_console.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {

// With names that no other has.
__attribute__((noinline)) int RecordedFunction(int value) {
  asm volatile("");
  return value + 1;
}
alignas(64) long recorded_variable[8] = {1};

namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint64_t kMemoryBits = PerfSampleBit::kIdentifier | PerfSampleBit::kIp | PerfSampleBit::kTid | PerfSampleBit::kTime |
                                 PerfSampleBit::kAddress | PerfSampleBit::kCpu | PerfSampleBit::kWeight | PerfSampleBit::kDataSource;
constexpr uint64_t kStore = 1u << 2;
constexpr uint64_t kLocalHitm = (1u << 1) | (uint64_t{2} << 5) | (uint64_t{64} << 5) | (uint64_t{16} << 19);
constexpr uint32_t kPid = 700;
constexpr uint32_t kBuildIdFeature = 2;
constexpr uint64_t kElsewhere = 0x10000000;

uint64_t AddressOf(const void* what) {
  return reinterpret_cast<uint64_t>(what);
}

struct OwnMapping {
  uint64_t start = 0, end = 0, offset = 0;
};

OwnMapping OwnMappingOf(uint64_t address) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    unsigned long start = 0, end = 0, offset = 0;
    if (sscanf(line.c_str(), "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && address >= start && address < end) {
      return {start, end, offset};
    }
  }
  return {};
}

std::string OwnPath() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
  return {path, static_cast<size_t>(length > 0 ? length : 0)};
}

std::string OwnBuildId() {
  const auto file = ElfFile::Open(OwnPath());
  return file.ok() ? file->build_id() : "";
}

Bytes BuildIdEntry(std::string id, std::string_view name) {
  id.resize(20);
  ByteWriter body;
  body.Put<int32_t>(-1).Append(std::as_bytes(std::span(id))).Fill(4).Text(name, 8);
  return ByteWriter().Put<uint32_t>(0).Put<uint16_t>(2).Put(static_cast<uint16_t>(8 + body.bytes.size())).Append(body.bytes).bytes;
}

class ImportSymbolsTest : public ::testing::Test {
 protected:
  ImportSymbolsTest() : function_(AddressOf(reinterpret_cast<const void*>(&RecordedFunction))) {
    PerfAttr attr = PlainAttr(kMemoryBits);
    attr.type = 4;
    attr.config = 0x1cd;
    attr.period_or_frequency = 1;
    writer_.AddEvent(attr, {11}, "cpu/mem-loads,ldlat=30/P");
  }

  // Of the test's own code and variables, under another name if so.
  void AddOwnMappings(const std::string& name) {
    for (const uint64_t address : {function_, AddressOf(recorded_variable)}) {
      const OwnMapping mapping = OwnMappingOf(address);
      ASSERT_NE(mapping.end, 0u);
      AddMapping(mapping.start, mapping.end - mapping.start, mapping.offset, name);
    }
  }
  void AddMapping(uint64_t start, uint64_t bytes, uint64_t offset, const std::string& name, uint16_t misc = 2) {
    writer_.AddKernelRecord(0, PerfRecordType::kMmap, misc, MmapBody(kPid, start, bytes, offset, name));
  }
  // As with --buildid-mmap.
  void AddMappingOfBuild(uint64_t start, uint64_t bytes, uint64_t offset, const std::string& id, const std::string& name) {
    std::string filled = id;
    filled.resize(20);
    ByteWriter body;
    body.Put(kPid).Put(kPid).Put(start).Put(bytes).Put(offset).Put(static_cast<uint8_t>(id.size())).Fill(3);
    body.Append(std::as_bytes(std::span(filled))).Put<uint32_t>(5).Put<uint32_t>(2).Text(name);
    writer_.AddKernelRecord(0, PerfRecordType::kMmap2, 2 | PerfRecordHeader::kBuildId, body.bytes);
  }
  void AddContention(uint64_t ip, uint64_t address) {
    for (const auto& [tid, source] : {std::pair{701u, kStore}, std::pair{702u, kLocalHitm}}) {
      WrittenSample sample;
      sample.id = 11;
      sample.ip = ip;
      sample.pid = kPid;
      sample.tid = tid;
      sample.address = address;
      sample.weight = 50;
      sample.data_source = source;
      writer_.AddSample(0, sample);
    }
  }

  static std::string Import(const Bytes& bytes, const std::vector<std::string>& words = {}) {
    char path[] = "/tmp/hftmon_symbols_XXXXXX";
    const int fd = mkstemp(path);
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    close(fd);
    std::vector<std::string> all = {"import", path};
    all.insert(all.end(), words.begin(), words.end());
    StringConsole console;
    EXPECT_LE(RunCli(all, console, absl::UTCTimeZone()), 1) << console.err();
    std::remove(path);
    return console.out();
  }
  json Answer(const std::vector<std::string>& words = {}) const {
    std::vector<std::string> all = words;
    all.emplace_back("--json");
    return json::parse(Import(writer_.File(), all), nullptr, false);
  }
  static const json& CodeOf(const json& answer) { return answer["contended_lines"][0]["offsets"][0]["sites"][0]["code"]; }

  const uint64_t function_;
  PerfDataWriter writer_;
};

TEST_F(ImportSymbolsTest, CodeAndDataOfTheRecordedBuildHaveTheirSymbols) {
  ASSERT_NE(RecordedFunction(1), 0);
  ASSERT_FALSE(OwnBuildId().empty());
  AddOwnMappings(OwnPath());
  AddContention(function_ + 1, AddressOf(recorded_variable) + 8);
  writer_.AddFeature(kBuildIdFeature, BuildIdEntry(OwnBuildId(), OwnPath()));
  const json answer = Answer();
  EXPECT_EQ(CodeOf(answer)["symbol"], "hftmon::RecordedFunction(int)+0x1");
  EXPECT_EQ(CodeOf(answer)["mapping"], OwnPath());
  EXPECT_EQ(answer["contended_lines"][0]["data"]["symbol"], "hftmon::recorded_variable+0x0");
  EXPECT_EQ(answer["contended_lines"][0]["offsets"][0]["data"]["symbol"], "hftmon::recorded_variable+0x8");
  EXPECT_EQ(answer["contended_lines"][0]["offsets"][0]["symbol"], "hftmon::RecordedFunction(int)+0x1");
  EXPECT_EQ(answer["symbols_unavailable"], json::array());
  const std::string text = Import(writer_.File());
  EXPECT_THAT(text, HasSubstr("hftmon::RecordedFunction(int)+0x1 (" + OwnPath() + "+0x"));
  EXPECT_THAT(text, Not(HasSubstr("symbols of")));
}

// Two variables in a line that begins in neither: what false sharing is, as a rule.
TEST_F(ImportSymbolsTest, EachOffsetHasItsOwnVariableAndTheCodeThatContendsMostThere) {
  constexpr uint64_t kCode = WrittenElf::kCodeAddress;
  constexpr uint64_t kData = WrittenElf::kDataAddress;
  const WrittenElf program{.build_id = std::string(20, '\x5a'),
                           .symbols = {{"busy", kCode + 0x200, 0x10},
                                       {"seldom", kCode + 0x300, 0x10},
                                       {"first", kData + 8, 8, STT_OBJECT},
                                       {"second", kData + 0x20, 8, STT_OBJECT}},
                           .exported = {}};
  const MemoryFile written(program.Bytes());
  AddMappingOfBuild(kCode, 0x1000, 0, program.build_id, written.path());
  AddMappingOfBuild(kData - WrittenElf::kDataAt, 0x1000, 0, program.build_id, written.path());
  AddContention(kCode + 0x304, kData + 8);
  AddContention(kCode + 0x201, kData + 8);
  AddContention(kCode + 0x202, kData + 0x20);
  AddContention(kCode + 0x201, kData + 8);
  const json answer = Answer();
  ASSERT_EQ(answer["contended_lines"].size(), 1u);
  const json& line = answer["contended_lines"][0];
  EXPECT_EQ(line["data"], json({{"mapping", written.path()}, {"offset", WrittenElf::kDataAt}})) << "no variable is where the line begins";
  ASSERT_EQ(line["offsets"].size(), 2u);
  EXPECT_EQ(line["offsets"][0]["data"], json({{"mapping", written.path()}, {"offset", WrittenElf::kDataAt + 8}, {"symbol", "first+0x0"}}));
  EXPECT_EQ(line["offsets"][0]["symbol"], "busy+0x1");
  EXPECT_EQ(line["offsets"][1]["data"]["symbol"], "second+0x0");
  EXPECT_EQ(line["offsets"][1]["symbol"], "busy+0x2");
}

TEST_F(ImportSymbolsTest, AMappingsOwnBuildIdAndOneThatCameThroughAPipeDoToo) {
  const OwnMapping mapping = OwnMappingOf(function_);
  AddMappingOfBuild(mapping.start, mapping.end - mapping.start, mapping.offset, OwnBuildId(), OwnPath());
  AddContention(function_ + 2, kElsewhere);
  // The mapping's own counts, whatever is told of the name.
  writer_.AddFeature(kBuildIdFeature, BuildIdEntry(std::string(20, 'x'), OwnPath()));
  EXPECT_EQ(CodeOf(Answer())["symbol"], "hftmon::RecordedFunction(int)+0x2");
  PerfDataWriter piped;
  std::swap(piped, writer_);
  writer_.AddEvent(piped.events()[0].attr, {11}, piped.events()[0].name);
  AddOwnMappings(OwnPath());
  AddContention(function_ + 3, kElsewhere);
  const Bytes entry = BuildIdEntry(OwnBuildId(), OwnPath());
  writer_.AddRecord(PerfRecordType::kBuildId, std::span(entry).subspan(8), 2);
  const json answer = json::parse(Import(writer_.Pipe(), {"--json"}), nullptr, false);
  EXPECT_EQ(CodeOf(answer)["symbol"], "hftmon::RecordedFunction(int)+0x3");
}

TEST_F(ImportSymbolsTest, AnotherBuildIsNeverAsked) {
  AddOwnMappings(OwnPath());
  AddContention(function_, AddressOf(recorded_variable));
  std::string other = OwnBuildId();
  ASSERT_FALSE(other.empty());
  other.back() = static_cast<char>(other.back() ^ 1);
  writer_.AddFeature(kBuildIdFeature, BuildIdEntry(other, OwnPath()));
  const json answer = Answer();
  EXPECT_FALSE(CodeOf(answer).contains("symbol"));
  EXPECT_FALSE(answer["contended_lines"][0]["data"].contains("symbol"));
  EXPECT_FALSE(answer["contended_lines"][0]["offsets"][0].contains("symbol"));
  EXPECT_FALSE(answer["contended_lines"][0]["offsets"][0]["data"].contains("symbol"));
  ASSERT_EQ(answer["symbols_unavailable"].size(), 1u);
  EXPECT_EQ(answer["symbols_unavailable"][0]["mapping"], OwnPath());
  EXPECT_THAT(answer["symbols_unavailable"][0]["reason"].get<std::string>(), StartsWith("this machine has another build"));
}

TEST_F(ImportSymbolsTest, WithoutABuildIdNothingIsLookedUp) {
  AddOwnMappings(OwnPath());
  AddContention(function_, AddressOf(recorded_variable));
  const json answer = Answer();
  EXPECT_FALSE(CodeOf(answer).contains("symbol"));
  EXPECT_THAT(answer["symbols_unavailable"][0]["reason"].get<std::string>(), StartsWith("the recording has no build id"));
  Bytes entries = BuildIdEntry(OwnBuildId(), OwnPath());
  const Bytes another = BuildIdEntry(std::string(20, 'x'), OwnPath());
  entries.insert(entries.end(), another.begin(), another.end());
  writer_.AddFeature(kBuildIdFeature, entries);
  EXPECT_THAT(Answer()["symbols_unavailable"][0]["reason"].get<std::string>(), StartsWith("the recording has several builds"));
}

TEST_F(ImportSymbolsTest, NoOtherFileIsOpenedWhereSymbolsAreNotWanted) {
  AddOwnMappings(OwnPath());
  AddContention(function_, kElsewhere);
  writer_.AddFeature(kBuildIdFeature, BuildIdEntry(OwnBuildId(), OwnPath()));
  const json answer = Answer({"--no-symbols"});
  EXPECT_FALSE(CodeOf(answer).contains("symbol"));
  EXPECT_EQ(answer["symbols_unavailable"], json::array());
}

TEST_F(ImportSymbolsTest, ReasonsAreToldByMappingAndBounded) {
  AddMapping(0xffffffff81000000, 0x1000, 0, "[kernel.kallsyms]_text", 1);
  AddContention(0xffffffff81000010, kElsewhere);
  AddMapping(0x500000, 0x1000, 0, "//anon");
  AddContention(0x500010, kElsewhere + 0x40);
  for (uint64_t i = 0; i < 40; ++i) {
    AddMappingOfBuild(0x600000 + i * 0x1000, 0x1000, 0, std::string(20, 'x'), "/nowhere/lib" + std::to_string(i) + ".so");
    AddContention(0x600010 + i * 0x1000, kElsewhere + 0x1000 + i * 0x40);
  }
  const json answer = Answer({"--lines", "100"});
  EXPECT_EQ(answer["symbols_unavailable"].size(), 20u);
  EXPECT_EQ(answer["symbols_unavailable_left_out"], 22);
  const std::string text = Import(writer_.File(), {"--lines", "100"});
  EXPECT_THAT(text, HasSubstr("symbols of [kernel.kallsyms]_text: unavailable: the kernel's symbols are not looked up"));
  EXPECT_THAT(text, HasSubstr("symbols of //anon: unavailable: no file is mapped there\n"));
  EXPECT_THAT(text, HasSubstr("/nowhere/lib0.so, /nowhere/lib1.so, "));
  EXPECT_THAT(text, HasSubstr("and of 22 mappings more\n"));
}

TEST_F(ImportSymbolsTest, AFileThatNamesOnlySomeSaysSo) {
  WrittenElf program{.build_id = std::string(20, '\x5a'), .symbols = {}, .exported = {{"evil\x1b[2J", 0x400200, 0x10}}};
  const MemoryFile written(program.Bytes());
  AddMappingOfBuild(0x400000, 0x1000, 0, program.build_id, written.path());
  AddContention(0x400204, kElsewhere);
  AddContention(0x400300, kElsewhere + 0x40);
  const std::string text = Import(writer_.File());
  EXPECT_THAT(text, HasSubstr("evil?[2J+0x4 ("));
  EXPECT_THAT(text, HasSubstr("2 of 4 places in no symbol of it, which has only exported ones"));
}

}  // namespace
}  // namespace hftmon
