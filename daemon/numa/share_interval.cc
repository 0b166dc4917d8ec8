#include "daemon/numa/share_interval.h"

#include <algorithm>
#include <cmath>

namespace hftmon {

ShareInterval WilsonInterval(uint64_t hits, uint64_t count) {
  if (count == 0) return {};
  // Two-sided 95 % of the normal distribution.
  constexpr double kZ = 1.959963984540054;
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(hits) / n;
  const double centre = share + kZ * kZ / (2 * n);
  const double spread = kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  const double scale = 1 + kZ * kZ / n;
  // At the ends what is left of the exact 0 and 1 is rounding.
  return {.low = hits == 0 ? 0 : std::clamp((centre - spread) / scale, 0.0, 1.0),
          .high = hits == count ? 1 : std::clamp((centre + spread) / scale, 0.0, 1.0)};
}

}  // namespace hftmon
