#include "client/examples/order_book/injections/false_sharing.h"

#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {
namespace {

// Additions between two looks at the window or the clock.
constexpr int kAdditionsPerLook = 64;

void Add(std::atomic<uint64_t>& counter) {
  for (int i = 0; i < kAdditionsPerLook; ++i) counter.fetch_add(1, std::memory_order_relaxed);  // a mere count
}

}  // namespace

absl::Status FalseSharingInjection::Prepare() {
  if (plan_.helper_cpu == plan_.engine_cpu) {
    return absl::FailedPreconditionError("false_sharing: the other counter needs a CPU besides the engine's: widen the mask with taskset");
  }
  constexpr int kLooks = 10'000;
  const int64_t start_ns = MonotonicNs();
  for (int i = 0; i < kLooks; ++i) Add(line_.engine);
  alone_ns_ = static_cast<double>(MonotonicNs() - start_ns) / (kLooks * kAdditionsPerLook);
  line_.engine.store(0, std::memory_order_relaxed);
  const int priority = plan_.gateway_priority > 0 ? plan_.gateway_priority + 1 : 0;
  return other_.Start({"ob_sharer", plan_.helper_cpu, priority}, plan_.schedule, [this](uint32_t number) { CountBeside(number); });
}

void FalseSharingInjection::CountBeside(uint32_t number) {
  const int64_t end_ns = MonotonicNs() + plan_.length_ns;
  window_.Open(number);
  while (MonotonicNs() < end_ns) Add(line_.other);
  window_.Close();
  ++window_count_;
}

void FalseSharingInjection::Share() {
  if (!window_.Meet()) [[likely]]
    return;
  const uint64_t start_tsc = ReadTsc();
  do {
    Add(line_.engine);
  } while (window_.IsOpen());
  log_.Add(start_tsc, ReadTsc());
}

nlohmann::json FalseSharingInjection::Detail(const LinearConversion& clock) const {
  const uint64_t additions = line_.engine.load(std::memory_order_relaxed);
  const double total_ns = static_cast<double>(log_.total_ticks()) * 1e9 / clock.ticks_per_second();
  return {{"other_tid", other_.tid()},
          {"other_cpu", plan_.helper_cpu},
          {"window_count", window_count_},
          {"addition_count", additions},
          {"other_addition_count", line_.other.load(std::memory_order_relaxed)},
          {"addition_ns", additions == 0 ? 0 : total_ns / static_cast<double>(additions)},
          {"addition_alone_ns", alone_ns_},
          {"address", reinterpret_cast<uintptr_t>(&line_)}};
}

}  // namespace hftmon::order_book
