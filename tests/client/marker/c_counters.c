#include "tests/client/marker/c_counters.h"

uint32_t open_each_named(hftmon_counters_refusal* why) {
  const hftmon_counter_event events[] = {
      HFTMON_COUNTER_CYCLES,       HFTMON_COUNTER_INSTRUCTIONS, HFTMON_COUNTER_BRANCH_MISSES, HFTMON_COUNTER_STALLED_CYCLES_BACKEND,
      HFTMON_COUNTER_CACHE_MISSES, HFTMON_COUNTER_L1D_MISSES,   HFTMON_COUNTER_LLC_MISSES,    HFTMON_COUNTER_DTLB_MISSES,
      HFTMON_COUNTER_ITLB_MISSES,  HFTMON_COUNTER_RAW("raw", 0)};
  uint32_t opened = 0;
  for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); ++i) {
    hftmon_counters_refusal one;
    hftmon_counters* const counters = hftmon_counters_open(&events[i], 1, &one);
    opened += counters != NULL;
    if (counters == NULL) *why = one;
    hftmon_counters_close(counters);
  }
  return opened;
}

void count_two(hftmon_counter_profile* profile, uint32_t operation, const hftmon_counters* counters) {
  hftmon_counter_span outer;
  hftmon_counter_span inner;
  hftmon_counter_profile_begin(counters, &outer);
  hftmon_counter_profile_begin(counters, &inner);
  hftmon_counter_profile_end(profile, operation, counters, &inner);
  hftmon_counter_profile_end_error(profile, operation, counters, &outer);
}
