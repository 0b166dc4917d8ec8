#include "tests/client/marker/c_profile.h"

void time_four(hftmon_profile* profile, uint32_t operation) {
  const uint64_t outer = hftmon_profile_begin();
  const uint64_t inner = hftmon_profile_begin();
  hftmon_profile_end(profile, operation, inner);
  hftmon_profile_end_error(profile, operation, outer);
  hftmon_profile_add(profile, operation, 1000, 1100, false);
  hftmon_profile_add(profile, operation, 1000, 1300, true);
}
