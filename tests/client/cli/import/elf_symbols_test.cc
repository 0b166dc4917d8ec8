// Symbols of programs: of files that the test writes, sound and damaged, and of the test itself.
#include "client/cli/import/elf_symbols.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "tests/client/cli/import/elf_writer.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kCode = WrittenElf::kCodeAddress;
constexpr uint64_t kData = WrittenElf::kDataAddress;

WrittenElf Program() {
  return {.build_id = std::string(20, '\x5a'),
          .symbols = {{"_ZN6engine5MatchEi", kCode + 0x300, 0x40},
                      {"local_alias", kCode + 0x300, 0x40, STT_FUNC, STB_LOCAL},
                      {"weak_alias", kCode + 0x300, 0x40, STT_FUNC, STB_WEAK},
                      {"inner", kCode + 0x310, 0x8},
                      {"no_extent", kCode + 0x380, 0},
                      {"elsewhere", kCode + 0x3a0, 0x10, STT_FUNC, STB_GLOBAL, SHN_UNDEF},
                      {"counter", kData + 0x10, 0x8, STT_OBJECT},
                      {"zeroed", kData + 0xa0, 0x8, STT_OBJECT}},
          .exported = {{"exported", kCode + 0x200, 0x10}}};
}

std::optional<std::string> At(const std::string& bytes, uint64_t file_offset, SymbolKind kind = SymbolKind::kCode) {
  const MemoryFile written(bytes);
  const auto file = ElfFile::Open(written.path());
  if (!file.ok()) return std::string(file.status().message());
  const auto symbols = ElfSymbols::Read(*file);
  return symbols.ok() ? symbols->At(file_offset, kind) : std::string(symbols.status().message());
}

TEST(ElfSymbolsTest, AnAddressIsInTheExtentOfItsFunction) {
  const std::string program = Program().Bytes();
  EXPECT_EQ(At(program, 0x300), "engine::Match(int)+0x0");
  EXPECT_EQ(At(program, 0x30f), "engine::Match(int)+0xf");
  EXPECT_EQ(At(program, 0x312), "inner+0x2") << "it begins last";
  EXPECT_EQ(At(program, 0x318), "engine::Match(int)+0x18") << "beyond the inner one";
  EXPECT_EQ(At(program, 0x33f), "engine::Match(int)+0x3f");
  EXPECT_EQ(At(program, 0x340), std::nullopt);
  EXPECT_EQ(At(program, 0x2ff), std::nullopt);
  EXPECT_EQ(At(program, 0x380), "no_extent+0x0");
  EXPECT_EQ(At(program, 0x381), std::nullopt);
  EXPECT_EQ(At(program, 0x3a0), std::nullopt) << "it is another file's";
  EXPECT_EQ(At(program, 0x410), std::nullopt) << "no code is there";
  EXPECT_EQ(At(program, ~uint64_t{0}), std::nullopt);
}

TEST(ElfSymbolsTest, VariablesAreNamedAlsoWhereTheyBeginWithZero) {
  const std::string program = Program().Bytes();
  EXPECT_EQ(At(program, 0x414, SymbolKind::kData), "counter+0x4");
  EXPECT_EQ(At(program, 0x4a0, SymbolKind::kData), "zeroed+0x0");
  EXPECT_EQ(At(program, 0x300, SymbolKind::kData), std::nullopt) << "code is no variable";
  EXPECT_EQ(At(program, 0x500, SymbolKind::kData), std::nullopt) << "beyond all";
}

TEST(ElfSymbolsTest, AStrippedFileHasWhatItExports) {
  WrittenElf program = Program();
  EXPECT_EQ(At(program.Bytes(), 0x200), std::nullopt) << ".symtab has all";
  program.symbols.clear();
  const MemoryFile written(program.Bytes());
  const auto file = ElfFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  const auto symbols = ElfSymbols::Read(*file);
  ASSERT_TRUE(symbols.ok()) << symbols.status();
  EXPECT_TRUE(symbols->exported_only());
  EXPECT_EQ(symbols->At(0x204, SymbolKind::kCode), "exported+0x4");
  EXPECT_EQ(symbols->At(0x300, SymbolKind::kCode), std::nullopt);
  program.exported.clear();
  EXPECT_THAT(*At(program.Bytes(), 0x200), StartsWith("it has no symbols"));
}

TEST(ElfFileTest, TheBuildIdIsThatOfItsNote) {
  WrittenElf program = Program();
  for (const std::string& id : {std::string(20, '\x5a'), std::string("\x01\x02\x03\x04\x05\x06\x07\x08"), std::string()}) {
    program.build_id = id;
    const MemoryFile written(program.Bytes());
    const auto file = ElfFile::Open(written.path());
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->build_id(), id);
  }
}

TEST(ElfFileTest, NothingButARegularElfFileIsOpened) {
  const auto error = [](const std::string& path) { return std::string(ElfFile::Open(path).status().message()); };
  EXPECT_THAT(error("/"), StartsWith("it is no regular file"));
  EXPECT_THAT(error("/dev/zero"), StartsWith("it is no regular file"));
  EXPECT_THAT(error("/nowhere/at/all"), StartsWith("there is no such file"));
  EXPECT_THAT(error("/proc/self/status"), StartsWith("it is no ELF file")) << "of no size";
  EXPECT_THAT(error(MemoryFile("").path()), StartsWith("it is no ELF file"));
  EXPECT_THAT(error(MemoryFile(std::string(100, 'x')).path()), StartsWith("it is no ELF file"));
  char folder[] = "/tmp/hftmon_elf_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string pipe = std::string(folder) + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error(pipe), StartsWith("it is no regular file"));  // and does not wait for a writer
  std::filesystem::remove_all(folder);
}

TEST(ElfFileTest, AClaimOfCountlessSectionsIsRefused) {
  std::string program = Program().Bytes();
  Elf64_Ehdr header;
  memcpy(&header, program.data(), sizeof(header));
  header.e_shnum = 0;  // the first section says how many
  memcpy(program.data(), &header, sizeof(header));
  const uint64_t count = uint64_t{1} << 40;
  memcpy(program.data() + header.e_shoff + offsetof(Elf64_Shdr, sh_size), &count, sizeof(count));
  EXPECT_THAT(*At(program, 0x300), HasSubstr("more sections"));
}

// Of each byte that says something, and of each length.
TEST(ElfFileTest, NoDamageToAFileIsMoreThanASymbolThatIsMissing) {
  const std::string program = Program().Bytes();
  size_t named = 0;
  const auto look = [&named](const std::string& bytes) {
    for (const uint64_t offset : {0x0u, 0x204u, 0x312u, 0x340u, 0x4a0u}) {
      for (const SymbolKind kind : {SymbolKind::kCode, SymbolKind::kData}) {
        const std::optional<std::string> symbol = At(bytes, offset, kind);
        if (symbol == "inner+0x2") ++named;
        EXPECT_LE(symbol.value_or("").size(), ElfSymbols::kNameBytesMax + 32);
      }
    }
  };
  for (size_t length = 0; length < program.size(); length += 3) look(program.substr(0, length));
  EXPECT_EQ(named, 0u) << "the table of sections stands last";
  for (size_t at = 0; at < program.size(); ++at) {
    if (at >= 0x180 && at < 0x480) continue;  // code and variables
    for (const unsigned char value : {0x00, 0x01, 0x7f, 0xff}) {
      std::string damaged = program;
      damaged[at] = static_cast<char>(value);
      look(damaged);
    }
  }
  EXPECT_GT(named, 0u);
}

}  // namespace
}  // namespace hftmon
