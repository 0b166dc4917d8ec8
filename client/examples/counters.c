/* Counts the instructions and cache misses of a thousand operations, and prints what they had, or why there are no counters. */
#include "client/marker/hftmon_counter_profile.h"

enum { ORDER_IN, OPERATIONS };

int main(void) {
  const hftmon_counter_event events[] = {HFTMON_COUNTER_INSTRUCTIONS, HFTMON_COUNTER_L1D_MISSES};
  hftmon_counters_refusal why;
  hftmon_counters* counters = hftmon_counters_open(events, 2, &why);  // once for each thread, by the thread
  if (!counters) printf("%s\n", why.text);                            // NULL: what follows counts the operations as uncounted
  hftmon_counter_profile* profile = hftmon_counter_profile_create(OPERATIONS, 2);
  for (uint64_t order = 0; order < 1000; ++order) {
    hftmon_counter_span span;
    hftmon_counter_profile_begin(counters, &span);
    // ...
    hftmon_counter_profile_end(profile, ORDER_IN, counters, &span);
  }
  const char* names[OPERATIONS] = {"order in"};
  hftmon_counter_profile_write_json(profile, names, events, stdout);
  hftmon_counter_profile_destroy(profile);
  hftmon_counters_close(counters);
}
