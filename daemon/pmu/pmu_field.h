// PmuField: where the value of a term lies in an event's configuration words, as a PMU's format file says: "config:0-7,32-35". A value.
#ifndef HFTMON_DAEMON_PMU_PMU_FIELD_H_
#define HFTMON_DAEMON_PMU_PMU_FIELD_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/pmu/event_encoding.h"

namespace hftmon {

struct PmuField {
  struct Bits {
    int low = 0;
    int high = 0;  // inclusive, low to 63
    friend bool operator==(const Bits&, const Bits&) = default;
  };

  static constexpr int kWords = 4;
  int word = 0;  // 0 to 3: config, config1, config2, config3
  // The value's lowest bits lie in the first. None overlaps another.
  std::vector<Bits> bits;

  int width() const;
  // Its bits in the word.
  uint64_t mask() const;
  // The largest value that fits.
  uint64_t value_max() const;
  // Puts `value`, at most value_max(), in the place of what was there.
  void Put(uint64_t value, EventEncoding* encoding) const;

  friend bool operator==(const PmuField&, const PmuField&) = default;
};

// INVALID_ARGUMENT: another word, no bits, bits beyond 63, backwards or overlapping.
absl::StatusOr<PmuField> ParsePmuField(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PMU_FIELD_H_
