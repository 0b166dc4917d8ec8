#include "daemon/hardware_readings.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace hftmon {
namespace {

// Relaxed, but for where the words that it guards are read after it.
template <typename Word>
Word Load(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}
template <typename Word>
Word LoadAcquire(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_acquire);
}

hft_hardware_reading Copy(const hft_hardware_reading& reading) {
  hft_hardware_reading copy = {};
  copy.known = Load(reading.known);
  copy.mono_ns = Load(reading.mono_ns);
  for (size_t i = 0; i < HFT_COUNTERS; ++i) copy.values[i] = Load(reading.values[i]);
  copy.steal_ns = Load(reading.steal_ns);
  copy.begin_ns = Load(reading.begin_ns);
  return copy;
}

}  // namespace

std::vector<hft_hardware_reading> CopyReadings(const hft_cpu_hardware& cpu) {
  std::vector<hft_hardware_reading> readings;
  const uint64_t end = Load(cpu.position);
  for (uint64_t i = end > HFT_HARDWARE_READINGS ? end - HFT_HARDWARE_READINGS : 0; i < end; ++i) {
    const hft_hardware_reading& reading = cpu.readings[i % HFT_HARDWARE_READINGS];
    const auto sequence = static_cast<uint32_t>(i + 1);
    // Acquire: pairs with the program's exchange, after which the reading is whole.
    if (LoadAcquire(reading.sequence) != sequence) continue;
    hft_hardware_reading copy = Copy(reading);
    // Keeps the copy above the second look.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (Load(reading.sequence) != sequence) continue;
    copy.sequence = sequence;
    readings.push_back(copy);
  }
  return readings;
}

bool MaySurround(const hft_cpu_hardware& cpu, int64_t begin_mono_ns, int64_t end_mono_ns) {
  const uint64_t end = Load(cpu.position);
  if (end == 0) return false;
  const uint64_t oldest = end > HFT_HARDWARE_READINGS ? end - HFT_HARDWARE_READINGS : 0;
  return static_cast<int64_t>(Load(cpu.readings[oldest % HFT_HARDWARE_READINGS].mono_ns)) <= begin_mono_ns &&
         static_cast<int64_t>(Load(cpu.readings[(end - 1) % HFT_HARDWARE_READINGS].mono_ns)) >= end_mono_ns;
}

std::vector<hft_runner> CopyRunners(const hft_cpu& cpu) {
  std::vector<hft_runner> runners;
  // Acquire: the entries below it are written.
  const uint64_t end = LoadAcquire(cpu.position);
  const uint64_t first = std::max<uint64_t>(end > HFT_CPU_LOG_ENTRIES ? end - HFT_CPU_LOG_ENTRIES : 0, Load(cpu.log_begin));
  for (uint64_t i = first; i < end; ++i) {
    const hft_runner& entry = cpu.log[i % HFT_CPU_LOG_ENTRIES];
    runners.push_back({Load(entry.clock_ns), Load(entry.tid), Load(entry.tgid)});
  }
  // Keeps the copies above the second look. The entry at its position may be written already.
  std::atomic_thread_fence(std::memory_order_acquire);
  const uint64_t written = Load(cpu.position) + 1;
  const uint64_t kept = written > HFT_CPU_LOG_ENTRIES ? written - HFT_CPU_LOG_ENTRIES : 0;
  if (kept > first)
    runners.erase(runners.begin(), runners.begin() + static_cast<int64_t>(std::min<uint64_t>(kept - first, runners.size())));
  return runners;
}

}  // namespace hftmon
