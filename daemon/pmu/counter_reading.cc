#include "daemon/pmu/counter_reading.h"

namespace hftmon {
namespace {

__extension__ typedef unsigned __int128 Uint128;

}  // namespace

std::optional<uint64_t> CounterReading::Scaled() const {
  if (!counted()) return std::nullopt;
  if (!multiplexed()) return value;
  // To the nearest.
  const Uint128 scaled = (Uint128{value} * enabled_ns + running_ns / 2) / running_ns;
  return scaled > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(scaled);
}

}  // namespace hftmon
