/* Times a thousand operations, and prints what they took. */
#include "client/marker/hftmon_profile.h"

enum { ORDER_IN, ORDER_OUT, OPERATIONS };

int main(void) {
  hftmon_profile* profile = hftmon_profile_create(OPERATIONS);  // once for each thread; NULL: everything below does nothing
  for (uint64_t order = 0; order < 1000; ++order) {
    uint64_t begin = hftmon_profile_begin();
    // ...
    hftmon_profile_end(profile, ORDER_IN, begin);
  }
  hftmon_profile_figures figures;
  if (hftmon_profile_read(profile, ORDER_IN, &figures)) printf("%lld ns at the median\n", (long long)figures.p50_ns);
  const char* names[OPERATIONS] = {"order in", "order out"};
  hftmon_profile_write_json(profile, names, stdout);
  hftmon_profile_destroy(profile);
}
