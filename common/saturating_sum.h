// Sums and products that end at 2^64 - 1 instead of beginning anew: what is counted comes from outside. Pure functions, any thread.
#ifndef HFTMON_COMMON_SATURATING_SUM_H_
#define HFTMON_COMMON_SATURATING_SUM_H_

#include <cstdint>

namespace hftmon {

constexpr uint64_t SaturatingSum(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

constexpr uint64_t SaturatingProduct(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

}  // namespace hftmon

#endif  // HFTMON_COMMON_SATURATING_SUM_H_
