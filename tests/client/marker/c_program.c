#include "tests/client/marker/c_program.h"

int mark_one_of_each(hftmon_marker_thread* thread, uint32_t operation) {
  int recorded = 0;
  recorded += hftmon_marker_begin(thread, operation, 1);
  recorded += hftmon_marker_instant(thread, operation, 2);
  recorded += hftmon_marker_heartbeat(thread, operation, 3);
  recorded += hftmon_marker_end(thread, operation, 1);
  recorded += hftmon_marker_begin(thread, operation, 4);
  recorded += hftmon_marker_end_error(thread, operation, 4);
  return recorded;
}
