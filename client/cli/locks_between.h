// LocksBetween: what threads blocked in from one answer of QueryLocks to the next. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_LOCKS_BETWEEN_H_
#define HFTMON_CLIENT_CLI_LOCKS_BETWEEN_H_

#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// As the second answer, with differences for the counts and sums of its threads' calls; calls in which none of that time was are left out.
// Longest ones are the second's: of that time none was longer. A thread that the first lacks, or that began anew, has the second's sums.
v1::QueryLocksResponse LocksBetween(const v1::QueryLocksResponse& first, const v1::QueryLocksResponse& second);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_LOCKS_BETWEEN_H_
