// Small ELF files, byte by byte and apart from the reader's code. Nothing is checked: what a test asks for, sound or not, is written.
#ifndef HFTMON_TESTS_CLIENT_CLI_IMPORT_ELF_WRITER_H_
#define HFTMON_TESTS_CLIENT_CLI_IMPORT_ELF_WRITER_H_

#include <elf.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hftmon {

struct WrittenSymbol {
  std::string name;
  uint64_t value = 0;
  uint64_t bytes = 0;
  unsigned char type = STT_FUNC;
  unsigned char binding = STB_GLOBAL;
  uint16_t section = 1;  // SHN_UNDEF: it is elsewhere
};

// A program of 64 bits whose code is the file from kCodeAt on, at kCodeAddress, and whose variables are kDataBytes of it from kDataAt on,
// at kDataAddress, and kZeroedBytes more that begin with zero.
struct WrittenElf {
  static constexpr uint64_t kCodeAt = 0, kCodeBytes = 0x400, kCodeAddress = 0x400000;
  static constexpr uint64_t kDataAt = 0x400, kDataBytes = 0x80, kZeroedBytes = 0x80, kDataAddress = 0x602400;

  std::string build_id;
  std::vector<WrittenSymbol> symbols, exported;  // .symtab and .dynsym; neither is written where it is empty

  std::string Bytes() const;
};

// A file of these bytes, as long as it lives.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const;

 private:
  int fd_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CLI_IMPORT_ELF_WRITER_H_
