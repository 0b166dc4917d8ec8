/* A program in C that times: hftmon_profile.h is C11, and what it does is known. */
#ifndef HFTMON_TESTS_CLIENT_MARKER_C_PROFILE_H_
#define HFTMON_TESTS_CLIENT_MARKER_C_PROFILE_H_

#include "client/marker/hftmon_profile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Four operations: timed and well, timed and failed, of 100 ticks and well, of 300 ticks and failed. */
void time_four(hftmon_profile* profile, uint32_t operation);

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_TESTS_CLIENT_MARKER_C_PROFILE_H_ */
