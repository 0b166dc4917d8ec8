// Recordings for tests: a file's bytes, and where those are that the tree does not have.
#ifndef HFTMON_TESTS_COMMON_PERF_FILE_BYTES_H_
#define HFTMON_TESTS_COMMON_PERF_FILE_BYTES_H_

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hftmon {

inline std::optional<std::vector<std::byte>> FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return file ? std::optional(std::move(bytes)) : std::nullopt;
}

// The folder of recordings without a free licence, or too large to keep: $HFTMON_SHARED_FIXTURES alone names it. Empty: it does not, and
// what needs them is skipped. It need not be there.
inline std::string SharedRecordingsFolder() {
  const char* const told = std::getenv("HFTMON_SHARED_FIXTURES");
  return told != nullptr ? told : "";
}

// Why tests skip where that folder is none.
inline std::string NoSharedRecordings(const std::string& folder) {
  if (folder.empty()) return "HFTMON_SHARED_FIXTURES is not set: let it name the folder of recordings that the tree does not have";
  return "HFTMON_SHARED_FIXTURES names no folder of recordings: " + folder;
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_PERF_FILE_BYTES_H_
