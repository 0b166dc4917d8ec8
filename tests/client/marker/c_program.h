/* A program in C that marks: the header is C11, and what it does is known. */
#ifndef HFTMON_TESTS_CLIENT_MARKER_C_PROGRAM_H_
#define HFTMON_TESTS_CLIENT_MARKER_C_PROGRAM_H_

#include "client/marker/hftmon_marker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One record of each kind, in the order begin, instant, heartbeat, end, begin, failed end, with values 1 to 4. How many were recorded. */
int mark_one_of_each(hftmon_marker_thread* thread, uint32_t operation);

/* Names the halves of a piece of memory, "c first" and "c second". Whether both were. */
int name_two_ranges(hftmon_marker* marker, const char* memory, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_TESTS_CLIENT_MARKER_C_PROGRAM_H_ */
