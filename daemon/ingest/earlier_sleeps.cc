#include "daemon/ingest/earlier_sleeps.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <new>

#include "daemon/ring/shared_word.h"

namespace hftmon {

// calloc: zeroed pages that cost no memory until a slot uses them.
EarlierSleeps::EarlierSleeps(uint32_t slot_count)
    : slot_count_(slot_count), entries_(static_cast<Entry*>(std::calloc(std::max(slot_count, 1u), sizeof(Entry))), &std::free) {
  if (!entries_) throw std::bad_alloc();
}

void EarlierSleeps::Put(uint16_t slot, uint32_t generation, const EarlierSleep& sleep) {
  if (slot >= slot_count_) return;
  Entry& entry = entries_.get()[slot];
  StoreRelaxed(entry.found_mono_ns, 0u);
  // Keeps the stores below behind the one above: who sees one of them does not see the old time again.
  std::atomic_thread_fence(std::memory_order_release);
  StoreRelaxed(entry.generation, generation);
  StoreRelaxed(entry.departure, uint64_t{sleep.cpu} | uint64_t{static_cast<uint8_t>(sleep.call)} << 16 |
                                    uint64_t{static_cast<uint32_t>(sleep.syscall)} << 32);
  for (size_t i = 0; i < std::size(entry.arguments); ++i) StoreRelaxed(entry.arguments[i], sleep.arguments[i]);
  // Release: pairs with the readers' acquire.
  std::atomic_ref(entry.found_mono_ns).store(static_cast<uint64_t>(sleep.found_mono_ns), std::memory_order_release);
}

void EarlierSleeps::Clear(uint16_t slot) {
  if (slot < slot_count_) StoreRelaxed(entries_.get()[slot].found_mono_ns, 0u);
}

int64_t EarlierSleeps::FoundNs(uint32_t slot, uint32_t generation) const {
  if (slot >= slot_count_) return 0;
  Entry& entry = entries_.get()[slot];
  const auto found_ns = static_cast<int64_t>(LoadAcquire(entry.found_mono_ns));
  if (found_ns == 0 || LoadRelaxed(entry.generation) != generation) return 0;
  // Keeps the load above before the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  return static_cast<int64_t>(LoadRelaxed(entry.found_mono_ns)) == found_ns ? found_ns : 0;
}

bool EarlierSleeps::Read(uint32_t slot, uint32_t generation, EarlierSleep* sleep) const {
  sleep->found_mono_ns = FoundNs(slot, generation);
  if (sleep->found_mono_ns == 0) return false;
  Entry& entry = entries_.get()[slot];
  const uint64_t departure = LoadRelaxed(entry.departure);
  sleep->cpu = static_cast<uint16_t>(departure);
  sleep->call = static_cast<hft_call_state>((departure >> 16) & 0xff);
  sleep->syscall = static_cast<int32_t>(departure >> 32);
  for (size_t i = 0; i < std::size(entry.arguments); ++i) sleep->arguments[i] = LoadRelaxed(entry.arguments[i]);
  // Keeps the loads above before the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  return static_cast<int64_t>(LoadRelaxed(entry.found_mono_ns)) == sleep->found_mono_ns;
}

}  // namespace hftmon
