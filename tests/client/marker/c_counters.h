/* A program in C that counts: hftmon_counters.h and hftmon_counter_profile.h are C11. */
#ifndef HFTMON_TESTS_CLIENT_MARKER_C_COUNTERS_H_
#define HFTMON_TESTS_CLIENT_MARKER_C_COUNTERS_H_

#include "client/marker/hftmon_counter_profile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens cycles and each other named event of the header, one after another; how many of them opened. `why`: of the last that did not. */
uint32_t open_each_named(hftmon_counters_refusal* why);

/* Two operations around nothing, the second as an error. */
void count_two(hftmon_counter_profile* profile, uint32_t operation, const hftmon_counters* counters);

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_TESTS_CLIENT_MARKER_C_COUNTERS_H_ */
