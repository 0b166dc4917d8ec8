// A loop whose number of instructions is known: two for each round, and nothing else. A leaf; any thread.
#ifndef HFTMON_TESTS_RIG_ARM_PMU_KNOWN_LOOP_H_
#define HFTMON_TESTS_RIG_ARM_PMU_KNOWN_LOOP_H_

#include <cstdint>

namespace hftmon {

inline constexpr uint64_t kInstructionsPerRound = 2;

// At least one round.
inline void RunRounds(uint64_t rounds) {
  asm volatile(
      "1: subs %0, %0, #1\n"
      "   b.ne 1b\n"
      : "+r"(rounds)
      :
      : "cc");
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_RIG_ARM_PMU_KNOWN_LOOP_H_
