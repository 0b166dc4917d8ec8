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

int name_two_ranges(hftmon_marker* marker, const char* memory, size_t bytes) {
  const uint32_t first = hftmon_marker_range(marker, "c first", memory, bytes / 2);
  const uint32_t second = hftmon_marker_range(marker, "c second", memory + bytes / 2, bytes / 2);
  return first != 0 && second != 0;
}
