#include "client/cli/import/elf_symbols.h"

#include <fmt/format.h>
#include <gelf.h>

#include <algorithm>
#include <tuple>

#include "common/demangled_name.h"

namespace hftmon {
namespace {

// .symtab, else .dynsym; null: neither is there.
Elf_Scn* FindTable(Elf* elf, GElf_Shdr* header) {
  Elf_Scn* exported = nullptr;
  GElf_Shdr one;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    if (gelf_getshdr(section, &one) == nullptr) continue;
    if (one.sh_type != SHT_SYMTAB && (one.sh_type != SHT_DYNSYM || exported != nullptr)) continue;
    *header = one;
    if (one.sh_type == SHT_SYMTAB) return section;
    exported = section;
  }
  return exported;
}

// Null: there is none, or it is too large.
Elf_Data* DataOf(Elf_Scn* section, const GElf_Shdr& header) {
  if (section == nullptr || header.sh_size > ElfSymbols::kTableBytesMax || (header.sh_flags & SHF_COMPRESSED) != 0) return nullptr;
  Elf_Data* const data = elf_getdata(section, nullptr);
  return data == nullptr || data->d_buf == nullptr ? nullptr : data;
}

uint8_t RankOf(unsigned char info) {
  const unsigned char binding = GELF_ST_BIND(info);
  return binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;
}

}  // namespace

absl::StatusOr<ElfSymbols> ElfSymbols::Read(const ElfFile& file) {
  GElf_Shdr header, names_header;
  Elf_Scn* const section = FindTable(file.elf(), &header);
  if (section == nullptr) return absl::NotFoundError("it has no symbols: keep .symtab (strip takes it away)");
  const Elf_Data* const table = DataOf(section, header);
  Elf_Scn* const names_section = elf_getscn(file.elf(), header.sh_link);
  if (names_section == nullptr || gelf_getshdr(names_section, &names_header) == nullptr || names_header.sh_type != SHT_STRTAB) {
    return absl::InvalidArgumentError("its symbols have no names: the file is damaged");
  }
  const Elf_Data* const names = DataOf(names_section, names_header);
  if (table == nullptr || names == nullptr) return absl::InvalidArgumentError("its table of symbols is damaged, or larger than 256 MiB");
  const size_t entry_bytes = gelf_fsize(file.elf(), ELF_T_SYM, 1, EV_CURRENT);
  const size_t count = entry_bytes == 0 ? 0 : table->d_size / entry_bytes;
  if (count > kSymbolsMax) return absl::InvalidArgumentError(fmt::format("it has {} symbols; {} are read", count, kSymbolsMax));
  GElf_Ehdr about;
  const bool thumb = gelf_getehdr(file.elf(), &about) != nullptr && about.e_machine == EM_ARM;
  ElfSymbols symbols(file);
  symbols.names_ = std::string_view(static_cast<const char*>(names->d_buf), names->d_size);
  symbols.exported_only_ = header.sh_type == SHT_DYNSYM;
  symbols.Add(*table, count, thumb);
  return symbols;
}

void ElfSymbols::Add(const Elf_Data& table, size_t count, bool thumb) {
  for (size_t i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(const_cast<Elf_Data*>(&table), static_cast<int>(i), &symbol) == nullptr) break;
    const unsigned char type = GELF_ST_TYPE(symbol.st_info);
    const bool code = type == STT_FUNC || type == STT_GNU_IFUNC;
    if ((!code && type != STT_OBJECT) || symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS || symbol.st_name == 0) continue;
    // Bit 0 of a function's address says there which instruction set it is of.
    const uint64_t start = code && thumb ? symbol.st_value & ~uint64_t{1} : symbol.st_value;
    (code ? code_ : data_)
        .push_back(
            {.start = start, .bytes = std::max<uint64_t>(symbol.st_size, 1), .name_at = symbol.st_name, .rank = RankOf(symbol.st_info)});
  }
  for (std::vector<Symbol>* const symbols : {&code_, &data_}) {
    std::stable_sort(symbols->begin(), symbols->end(),
                     [](const Symbol& a, const Symbol& b) { return std::tie(a.start, a.rank) < std::tie(b.start, b.rank); });
  }
}

const ElfSymbols::Symbol* ElfSymbols::Find(const std::vector<Symbol>& symbols, uint64_t address) {
  auto at =
      std::upper_bound(symbols.begin(), symbols.end(), address, [](uint64_t value, const Symbol& symbol) { return value < symbol.start; });
  const Symbol* found = nullptr;
  for (size_t looked_at = 0; at != symbols.begin() && looked_at < kOverlapsMax; ++looked_at) {
    --at;
    if (found != nullptr && at->start != found->start) break;
    if (address - at->start < at->bytes) found = &*at;  // the first of those that begin there
  }
  return found;
}

std::optional<std::string> ElfSymbols::At(uint64_t file_offset, SymbolKind kind) const {
  const std::optional<uint64_t> address = file_->AddressOf(file_offset, kind);
  if (!address) return std::nullopt;
  const Symbol* const symbol = Find(kind == SymbolKind::kCode ? code_ : data_, *address);
  if (symbol == nullptr || symbol->name_at >= names_.size()) return std::nullopt;
  const std::string_view rest = names_.substr(symbol->name_at, kNameBytesMax);
  const std::string_view name = rest.substr(0, rest.find('\0'));
  if (name.empty()) return std::nullopt;
  return fmt::format("{}+{:#x}", DemangledName(std::string(name)), *address - symbol->start);
}

}  // namespace hftmon
