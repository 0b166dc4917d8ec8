// ElfSymbols: which function or variable of a program or library stands where: .symtab, or .dynsym where it was stripped of that. One
// thread.
#ifndef HFTMON_CLIENT_CLI_IMPORT_ELF_SYMBOLS_H_
#define HFTMON_CLIENT_CLI_IMPORT_ELF_SYMBOLS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/import/elf_file.h"

namespace hftmon {

class ElfSymbols {
 public:
  // `file` outlives it. NOT_FOUND: it has no symbols at all; INVALID_ARGUMENT: its table is damaged or beyond the bounds.
  static absl::StatusOr<ElfSymbols> Read(const ElfFile& file);

  // "engine::Match(Order const&)+0x12": the symbol whose extent has the address that a mapping of the file has at this offset; of several
  // the one that begins last, of those a global one, then a weak one; kOverlapsMax are looked at. A symbol without an extent has its own
  // address alone. No value: there is none there. The name is bytes of the file.
  std::optional<std::string> At(uint64_t file_offset, SymbolKind kind) const;
  // Only what the file exports is known: it is stripped.
  bool exported_only() const { return exported_only_; }

  static constexpr size_t kSymbolsMax = size_t{4} << 20;
  static constexpr uint64_t kTableBytesMax = uint64_t{256} << 20;  // of symbols, and of names
  static constexpr size_t kOverlapsMax = 64;                       // symbols that begin at or before an address, nearest first
  static constexpr size_t kNameBytesMax = 4'096;                   // a longer one is cut

 private:
  struct Symbol {
    uint64_t start = 0;
    uint64_t bytes = 0;
    uint32_t name_at = 0;
    uint8_t rank = 0;  // the lowest is preferred
  };

  explicit ElfSymbols(const ElfFile& file) : file_(&file) {}
  void Add(const Elf_Data& table, size_t count, bool thumb);
  static const Symbol* Find(const std::vector<Symbol>& symbols, uint64_t address);

  const ElfFile* file_;
  std::string_view names_;
  std::vector<Symbol> code_, data_;  // by start, then by rank
  bool exported_only_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_ELF_SYMBOLS_H_
