// ElfFile: a program or library of this machine, held open: its build, and where its bytes are loaded. The file is hostile until shown
// otherwise: a damaged one is an error, or has less than a sound one, and nothing that it says of itself makes the reader take more memory
// than the bounds below. Movable; one thread.
//
// Reads: the ELF header, program headers and notes, as the System V ABI has them, of 32 or 64 bits and either byte order.
#ifndef HFTMON_CLIENT_CLI_IMPORT_ELF_FILE_H_
#define HFTMON_CLIENT_CLI_IMPORT_ELF_FILE_H_

#include <libelf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

// Whether an address is that of an instruction or of what one reads or writes.
enum class SymbolKind : uint8_t { kCode, kData };

class ElfFile {
 public:
  // Nothing but a regular file is opened: not a device, not a pipe, which could block. Errors do not name the path, so that equal ones can
  // be told together: NOT_FOUND; PERMISSION_DENIED; INVALID_ARGUMENT: no such file, or one beyond the bounds; UNAVAILABLE: what else the
  // system says.
  static absl::StatusOr<ElfFile> Open(const std::string& path);

  // Bytes of NT_GNU_BUILD_ID; empty: it has none.
  const std::string& build_id() const { return build_id_; }
  // The address that the file gives to what a mapping of it has at this offset. No value: nothing of that kind is loaded from there.
  std::optional<uint64_t> AddressOf(uint64_t file_offset, SymbolKind kind) const;
  Elf* elf() const { return elf_.get(); }  // never null

  static constexpr int64_t kBytesMax = int64_t{1} << 32;
  static constexpr size_t kSegmentsMax = 1'024;
  static constexpr uint64_t kNoteBytesMax = 65'536;  // of one segment

 private:
  struct CloseFile {
    void operator()(const int* fd) const;
  };
  struct EndElf {
    void operator()(Elf* elf) const { elf_end(elf); }
  };
  struct Segment {
    uint64_t file_offset = 0;
    uint64_t file_bytes = 0;
    uint64_t memory_bytes = 0;  // what is beyond file_bytes is zeroed
    uint64_t address = 0;
    bool executable = false;
    bool writable = false;
  };

  ElfFile() = default;
  void ReadSegments();
  void ReadNotes(uint64_t file_offset, uint64_t bytes, uint64_t alignment);

  std::unique_ptr<const int, CloseFile> file_;
  std::unique_ptr<Elf, EndElf> elf_;  // before the file is closed
  std::vector<Segment> segments_;
  std::string build_id_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_ELF_FILE_H_
