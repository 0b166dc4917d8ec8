#include "client/marker/marker_ranges.h"

#include <string.h>

#define SLOT_BITS 8u
#define SLOTS (1u << SLOT_BITS)
_Static_assert(HFT_MARKER_RANGES_MAX <= SLOTS, "a number has room for the slot");

/* An entry's sequence goes up by 2 with each change, and is 2, 6, 10 ... while it holds a range: half of it is odd, so no number is 0. */
static uint32_t number_of(const struct hft_marker_range* ranges, uint32_t slot) {
  return ranges[slot].sequence >> 1 << SLOT_BITS | slot;
}

static void begin_change(struct hft_marker_range* range) {
  __atomic_store_n(&range->sequence, range->sequence + 1, __ATOMIC_RELAXED);
  /* The fields' stores stay behind the odd number. */
  __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end_change(struct hft_marker_range* range) {
  /* Release: who sees the even number sees the fields. Pairs with the acquire between a reader's two copies. */
  __atomic_store_n(&range->sequence, range->sequence + 1, __ATOMIC_RELEASE);
}

uint32_t hftmon_marker_ranges_add(struct hft_marker_range* ranges, const char* name, uint32_t name_bytes, uint64_t address,
                                  uint64_t bytes) {
  for (uint32_t slot = 0; slot < HFT_MARKER_RANGES_MAX; ++slot) {
    struct hft_marker_range* const range = &ranges[slot];
    if (range->bytes != 0) continue;
    begin_change(range);
    range->address = address;
    range->bytes = bytes;
    range->name_bytes = name_bytes;
    memset(range->name, 0, sizeof(range->name));
    memcpy(range->name, name, name_bytes);
    end_change(range);
    return number_of(ranges, slot);
  }
  return 0;
}

void hftmon_marker_ranges_remove(struct hft_marker_range* ranges, uint32_t number) {
  const uint32_t slot = number % SLOTS;
  if (slot >= HFT_MARKER_RANGES_MAX || ranges[slot].bytes == 0 || number_of(ranges, slot) != number) return;
  begin_change(&ranges[slot]);
  ranges[slot].bytes = 0;
  end_change(&ranges[slot]);
}
