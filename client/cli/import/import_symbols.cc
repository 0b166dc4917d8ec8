#include "client/cli/import/import_symbols.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/import/elf_file.h"
#include "client/cli/import/elf_symbols.h"
#include "common/counted.h"

namespace hftmon {
namespace {

// The places in one build of one file.
struct Mapping {
  std::vector<MappedPlace*> code;
  std::vector<MappedPlace*> data;
};

// In the order in which they are first met: the report's own.
std::vector<Mapping> MappingsOf(ImportReport* report) {
  std::vector<Mapping> mappings;
  std::map<std::pair<std::string, std::string>, size_t> known;
  const auto mapping_of = [&](const MappedPlace& place) -> Mapping& {
    const auto [at, is_new] = known.emplace(std::pair(place.mapping, place.build_id), mappings.size());
    if (is_new) mappings.emplace_back();
    return mappings[at->second];
  };
  for (PlacedLine& line : report->accesses.lines) {
    if (line.data) mapping_of(*line.data).data.push_back(&*line.data);
    for (std::optional<MappedPlace>& place : line.offset_data) {
      if (place) mapping_of(*place).data.push_back(&*place);
    }
    for (std::optional<MappedPlace>& place : line.code) {
      if (place) mapping_of(*place).code.push_back(&*place);
    }
  }
  return mappings;
}

std::string Hexadecimal(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

// What is recorded may be filled up with NULs to 20 bytes.
bool IsRecordedBuild(const std::string& recorded, const std::string& found) {
  return !found.empty() && recorded.starts_with(found) && recorded.find_first_not_of('\0', found.size()) == std::string::npos;
}

// Why no file is opened for it; empty: one may be.
std::string ReasonNotToLook(const MappedPlace& place) {
  if (place.kernel) return "the kernel's symbols are not looked up: `perf report` has them, on the machine that recorded";
  if (!place.mapping.starts_with('/') || place.mapping.starts_with("//")) return "no file is mapped there";
  if (place.build_id_ambiguous) {
    return "the recording has several builds of that name, and does not tell which this is: record with `perf record --buildid-mmap`";
  }
  if (place.build_id.empty()) {
    return "the recording has no build id of it, and a symbol of another build would be wrong unseen: record without --no-buildid, or "
           "with `perf record --buildid-mmap`";
  }
  return "";
}

std::string Unnamed(const Mapping& mapping, bool exported_only) {
  size_t without = 0;
  for (const MappedPlace* const place : mapping.code) without += place->symbol ? 0 : 1;
  if (without == 0) return "";
  return fmt::format("{} of {} in no symbol of it{}", without, Counted(mapping.code.size(), "place"),
                     exported_only ? ", which has only exported ones: keep .symtab (strip takes it away)" : "");
}

// Names what it can; what it returns keeps it from naming all code. Empty: nothing does.
std::string NamePlaces(const std::string& path, const std::string& build_id, const Mapping& mapping) {
  const absl::StatusOr<ElfFile> file = ElfFile::Open(path);
  if (!file.ok()) return std::string(file.status().message());
  if (!IsRecordedBuild(build_id, file->build_id())) {
    return fmt::format("this machine has another build of it (recorded is {}): import where that build is", Hexadecimal(build_id));
  }
  const absl::StatusOr<ElfSymbols> symbols = ElfSymbols::Read(*file);
  if (!symbols.ok()) return std::string(symbols.status().message());
  for (MappedPlace* const place : mapping.code) place->symbol = symbols->At(place->file_offset, SymbolKind::kCode);
  for (MappedPlace* const place : mapping.data) place->symbol = symbols->At(place->file_offset, SymbolKind::kData);
  return Unnamed(mapping, symbols->exported_only());
}

}  // namespace

void NameSymbols(ImportReport* report) {
  size_t files = 0;
  for (const Mapping& mapping : MappingsOf(report)) {
    const MappedPlace& first = mapping.code.empty() ? *mapping.data.front() : *mapping.code.front();
    std::string reason = ReasonNotToLook(first);
    if (reason.empty() && files >= kSymbolFilesMax) {
      reason = fmt::format("{} files are looked at, and this is one more: ask for fewer --lines", kSymbolFilesMax);
    } else if (reason.empty()) {
      ++files;
      reason = NamePlaces(first.mapping, first.build_id, mapping);
    }
    if (reason.empty() || mapping.code.empty()) continue;
    if (report->symbols_unavailable.size() < ImportReport::kSymbolReasonsMax) {
      report->symbols_unavailable.push_back({first.mapping, reason});
    } else {
      ++report->symbols_unavailable_left_out;
    }
  }
}

}  // namespace hftmon
