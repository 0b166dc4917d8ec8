/* Marks a thousand operations. */
#include "client/marker/hftmon_marker.h"

int main(void) {
  hftmon_marker* marker = hftmon_marker_create(NULL);                // once; NULL: no marks, and everything below does nothing
  uint32_t order_in = hftmon_marker_operation(marker, "order in");   // once for each operation
  hftmon_marker_thread* thread = hftmon_marker_thread_open(marker);  // once for each thread, by the thread
  for (uint64_t order = 0; order < 1000; ++order) {
    hftmon_marker_begin(thread, order_in, order);
    // ...
    hftmon_marker_end(thread, order_in, order);
  }
  hftmon_marker_thread_close(thread);
  hftmon_marker_close(marker);
}
