// PerfFieldCursor: takes the fields of a record one after another. The first that does not fit stops it: what it gives from there on is 0
// and empty, and status() names that field and its place. A value, one thread; no allocation while all fits.
#ifndef HFTMON_COMMON_PERF_PERF_FIELD_CURSOR_H_
#define HFTMON_COMMON_PERF_PERF_FIELD_CURSOR_H_

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "common/perf/little_endian.h"

namespace hftmon {

class PerfFieldCursor {
 public:
  // `what` is whose fields they are, for the message; it outlives the cursor, as `field` does below.
  PerfFieldCursor(std::string_view what, std::span<const std::byte> bytes) : what_(what), bytes_(bytes) {}

  template <typename T>
  T Take(std::string_view field) {
    const std::span<const std::byte> bytes = TakeBytes(sizeof(T), field);
    return ok() ? LoadLittleEndian<T>(bytes, 0) : T{};
  }
  // `count` of `each` bytes; count * each need not be a number.
  std::span<const std::byte> TakeArray(uint64_t count, size_t each, std::string_view field) {
    if (ok() && count > left() / each) return Fail(count, each, field);
    return TakeBytes(count * each, field);
  }
  std::span<const std::byte> TakeBytes(uint64_t count, std::string_view field) {
    if (!ok() || count > left()) return Fail(count, 1, field);
    const std::span<const std::byte> taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  // Up to a NUL, which is passed over too.
  std::string_view TakeText(std::string_view field) {
    const std::span<const std::byte> rest = this->rest();
    for (size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == std::byte{0}) return {reinterpret_cast<const char*>(TakeBytes(i + 1, field).data()), i};
    }
    Fail(rest.size() + 1, 1, field);
    return {};
  }

  bool ok() const { return failed_.empty(); }
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  std::span<const std::byte> rest() const { return ok() ? bytes_.subspan(at_) : std::span<const std::byte>(); }
  // DATA_LOSS after a field that did not fit.
  absl::Status status() const {
    if (ok()) return absl::OkStatus();
    return absl::DataLossError(fmt::format("{} ends too early: {} at byte {} of {} wants {} x {} bytes", what_, failed_, at_, bytes_.size(),
                                           wanted_count_, wanted_each_));
  }

 private:
  std::span<const std::byte> Fail(uint64_t count, size_t each, std::string_view field) {
    if (ok()) {
      failed_ = field;
      wanted_count_ = count;
      wanted_each_ = each;
    }
    return {};
  }

  std::string_view what_;
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  std::string_view failed_;  // the field; empty: none yet
  uint64_t wanted_count_ = 0;
  size_t wanted_each_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_FIELD_CURSOR_H_
