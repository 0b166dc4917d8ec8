#include "tests/client/cli/import/elf_writer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace hftmon {
namespace {

template <typename T>
void Append(std::string* to, const T& value) {
  to->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string NoteOf(const std::string& build_id) {
  std::string note;
  Append(&note, Elf64_Nhdr{.n_namesz = 4, .n_descsz = static_cast<uint32_t>(build_id.size()), .n_type = NT_GNU_BUILD_ID});
  note.append("GNU", 4);
  note += build_id;
  note.resize((note.size() + 3) / 4 * 4);
  return note;
}

// A table of symbols and their names, and the headers of both.
void AppendTable(const std::vector<WrittenSymbol>& symbols, uint32_t type, std::string* file, std::vector<Elf64_Shdr>* headers) {
  if (symbols.empty()) return;
  std::string table(sizeof(Elf64_Sym), '\0'), names(1, '\0');
  for (const WrittenSymbol& symbol : symbols) {
    Append(&table, Elf64_Sym{.st_name = static_cast<uint32_t>(names.size()),
                             .st_info = static_cast<unsigned char>(ELF64_ST_INFO(symbol.binding, symbol.type)),
                             .st_other = 0,
                             .st_shndx = symbol.section,
                             .st_value = symbol.value,
                             .st_size = symbol.bytes});
    names.append(symbol.name.c_str(), symbol.name.size() + 1);
  }
  Elf64_Shdr header{};
  header.sh_type = type;
  header.sh_offset = file->size();
  header.sh_size = table.size();
  header.sh_link = static_cast<uint32_t>(headers->size() + 1);
  header.sh_info = 1;
  header.sh_addralign = 8;
  header.sh_entsize = sizeof(Elf64_Sym);
  headers->push_back(header);
  *file += table;
  header = {};
  header.sh_type = SHT_STRTAB;
  header.sh_offset = file->size();
  header.sh_size = names.size();
  header.sh_addralign = 1;
  headers->push_back(header);
  *file += names;
  file->resize((file->size() + 7) / 8 * 8);
}

}  // namespace

std::string WrittenElf::Bytes() const {
  const std::string note = NoteOf(build_id);
  constexpr uint64_t kNoteAt = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
  const Elf64_Phdr segments[] = {{.p_type = PT_LOAD,
                                  .p_flags = PF_R | PF_X,
                                  .p_offset = kCodeAt,
                                  .p_vaddr = kCodeAddress,
                                  .p_paddr = 0,
                                  .p_filesz = kCodeBytes,
                                  .p_memsz = kCodeBytes,
                                  .p_align = 0x1000},
                                 {.p_type = PT_LOAD,
                                  .p_flags = PF_R | PF_W,
                                  .p_offset = kDataAt,
                                  .p_vaddr = kDataAddress,
                                  .p_paddr = 0,
                                  .p_filesz = kDataBytes,
                                  .p_memsz = kDataBytes + kZeroedBytes,
                                  .p_align = 0x1000},
                                 {.p_type = PT_NOTE,
                                  .p_flags = PF_R,
                                  .p_offset = kNoteAt,
                                  .p_vaddr = kCodeAddress + kNoteAt,
                                  .p_paddr = 0,
                                  .p_filesz = note.size(),
                                  .p_memsz = note.size(),
                                  .p_align = 4}};
  std::string rest;  // beyond the header
  for (const Elf64_Phdr& segment : segments) Append(&rest, segment);
  if (!build_id.empty()) rest += note;
  std::string file = std::string(sizeof(Elf64_Ehdr), '\0') + rest;
  file.resize(kDataAt + kDataBytes);
  std::vector<Elf64_Shdr> sections(1);
  AppendTable(exported, SHT_DYNSYM, &file, &sections);
  AppendTable(symbols, SHT_SYMTAB, &file, &sections);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(header);
  header.e_shoff = file.size();
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 3;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<uint16_t>(sections.size());
  std::memcpy(file.data(), &header, sizeof(header));
  for (const Elf64_Shdr& section : sections) Append(&file, section);
  return file;
}

MemoryFile::MemoryFile(const std::string& bytes) : fd_(memfd_create("elf", MFD_CLOEXEC)) {
  if (fd_ < 0 || write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) abort();
}

MemoryFile::~MemoryFile() {
  close(fd_);
}

std::string MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(fd_);
}

}  // namespace hftmon
