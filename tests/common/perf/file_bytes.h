// A file's bytes, for tests that read recordings.
#ifndef HFTMON_TESTS_COMMON_PERF_FILE_BYTES_H_
#define HFTMON_TESTS_COMMON_PERF_FILE_BYTES_H_

#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
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

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_PERF_FILE_BYTES_H_
