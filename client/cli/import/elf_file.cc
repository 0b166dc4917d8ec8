#include "client/cli/import/elf_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

// A section's number has 16 bits; of more than that a header says 0, and the first section how many. Such files are not read: no linked
// program has so many, and the table for as many as one claims would be taken from memory unseen.
bool HasTooManySections(const std::array<unsigned char, sizeof(Elf64_Ehdr)>& header) {
  const bool is_64_bit = header[EI_CLASS] == ELFCLASS64;
  const size_t count_at = is_64_bit ? offsetof(Elf64_Ehdr, e_shnum) : offsetof(Elf32_Ehdr, e_shnum);
  const size_t table_at = is_64_bit ? offsetof(Elf64_Ehdr, e_shoff) : offsetof(Elf32_Ehdr, e_shoff);
  const auto is_zero = [&header](size_t at, size_t bytes) {
    return std::all_of(header.begin() + at, header.begin() + at + bytes, [](unsigned char byte) { return byte == 0; });
  };
  return is_zero(count_at, 2) && !is_zero(table_at, is_64_bit ? 8 : 4);
}

absl::Status OpenError(int error) {
  const std::string text = std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError("there is no such file here");
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

// A descriptor of a regular file of at most kBytesMax.
absl::StatusOr<int> OpenRegular(const std::string& path) {
  const int place = open(path.c_str(), O_PATH | O_CLOEXEC);  // opens nothing yet: a device does not notice
  if (place < 0) return OpenError(errno);
  struct stat about {};
  absl::Status fault;
  int fd = -1;
  if (fstat(place, &about) != 0) {
    fault = OpenError(errno);
  } else if (!S_ISREG(about.st_mode)) {
    fault = absl::InvalidArgumentError("it is no regular file here");
  } else if (about.st_size < static_cast<off_t>(sizeof(Elf64_Ehdr))) {
    fault =
        absl::InvalidArgumentError("it is no ELF file here");  // the kernel's own (tracefs, procfs) say 0, and reading may take from them
  } else if (about.st_size > ElfFile::kBytesMax) {
    fault = absl::InvalidArgumentError("it is larger than 4 GiB here");
  } else {
    fd = open(fmt::format("/proc/self/fd/{}", place).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) fault = OpenError(errno);
  }
  close(place);
  if (fd < 0) return fault;
  return fd;
}

}  // namespace

void ElfFile::CloseFile::operator()(const int* fd) const {
  close(*fd);
  delete fd;
}

absl::StatusOr<ElfFile> ElfFile::Open(const std::string& path) {
  const absl::StatusOr<int> fd = OpenRegular(path);
  if (!fd.ok()) return fd.status();
  ElfFile file;
  file.file_.reset(new const int(*fd));
  std::array<unsigned char, sizeof(Elf64_Ehdr)> header{};
  if (pread(*fd, header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()) ||
      std::memcmp(header.data(), ELFMAG, SELFMAG) != 0) {
    return absl::InvalidArgumentError("it is no ELF file here");
  }
  if (HasTooManySections(header)) return absl::InvalidArgumentError("it has more sections here than a linked program");
  elf_version(EV_CURRENT);
  file.elf_.reset(elf_begin(*fd, ELF_C_READ, nullptr));
  if (file.elf_ == nullptr || elf_kind(file.elf_.get()) != ELF_K_ELF) return absl::InvalidArgumentError("it is a damaged ELF file here");
  file.ReadSegments();
  return file;
}

void ElfFile::ReadSegments() {
  size_t count = 0;
  if (elf_getphdrnum(elf(), &count) != 0) return;
  for (size_t i = 0; i < std::min(count, kSegmentsMax); ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf(), static_cast<int>(i), &header) == nullptr) return;
    if (header.p_type == PT_NOTE && build_id_.empty()) ReadNotes(header.p_offset, header.p_filesz, header.p_align);
    if (header.p_type != PT_LOAD) continue;
    segments_.push_back({.file_offset = header.p_offset,
                         .file_bytes = header.p_filesz,
                         .memory_bytes = header.p_memsz,
                         .address = header.p_vaddr,
                         .executable = (header.p_flags & PF_X) != 0,
                         .writable = (header.p_flags & PF_W) != 0});
  }
}

void ElfFile::ReadNotes(uint64_t file_offset, uint64_t bytes, uint64_t alignment) {
  if (bytes > kNoteBytesMax) return;
  Elf_Data* const data = elf_getdata_rawchunk(elf(), static_cast<int64_t>(file_offset), bytes, alignment == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
  if (data == nullptr || data->d_buf == nullptr) return;
  const auto* const text = static_cast<const char*>(data->d_buf);
  GElf_Nhdr note;
  size_t name_at = 0, content_at = 0;
  for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name_at, &content_at)) > 0;) {
    const bool gnu = note.n_namesz == sizeof(ELF_NOTE_GNU) && std::memcmp(text + name_at, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0;
    if (!gnu || note.n_type != NT_GNU_BUILD_ID) continue;
    build_id_.assign(text + content_at, note.n_descsz);
    return;
  }
}

std::optional<uint64_t> ElfFile::AddressOf(uint64_t file_offset, SymbolKind kind) const {
  const Segment* best = nullptr;
  for (const Segment& segment : segments_) {
    if (file_offset < segment.file_offset) continue;
    const uint64_t into = file_offset - segment.file_offset;
    const bool from_file = into < segment.file_bytes;
    // The rest of a page of the file that variables begin in is zeroed for those that begin with zero.
    const bool zeroed = kind == SymbolKind::kData && segment.writable && into < segment.memory_bytes;
    if (!from_file && !zeroed) continue;
    if (kind == SymbolKind::kCode && !segment.executable) continue;
    if (best == nullptr || (segment.writable && !best->writable)) best = &segment;
  }
  if (best == nullptr) return std::nullopt;
  return best->address + (file_offset - best->file_offset);
}

}  // namespace hftmon
