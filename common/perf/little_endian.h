// Loads of numbers from bytes at any alignment. Perf's formats are in the byte order of the machine that wrote them; files of big-endian
// machines are refused by their magic, and every machine of ours is little-endian. Any thread.
#ifndef HFTMON_COMMON_PERF_LITTLE_ENDIAN_H_
#define HFTMON_COMMON_PERF_LITTLE_ENDIAN_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace hftmon {

static_assert(std::endian::native == std::endian::little);

// Requires: at + sizeof(T) <= bytes.size().
template <typename T>
T LoadLittleEndian(std::span<const std::byte> bytes, size_t at) {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_LITTLE_ENDIAN_H_
