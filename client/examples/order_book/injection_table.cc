#include "client/examples/order_book/injection_table.h"

#include <array>

#include "client/examples/order_book/injections/allocation.h"
#include "client/examples/order_book/injections/false_sharing.h"
#include "client/examples/order_book/injections/lock_convoy.h"
#include "client/examples/order_book/injections/page_faults.h"
#include "client/examples/order_book/injections/preemptor.h"
#include "client/examples/order_book/injections/priority_inversion.h"
#include "client/examples/order_book/injections/remote_memory.h"
#include "client/examples/order_book/injections/sleep.h"

namespace hftmon::order_book {
namespace {

template <typename T>
std::unique_ptr<Injection> Make(const InjectionPlan& plan) {
  return std::make_unique<T>(plan);
}

constexpr std::array<InjectionKind, 8> kKinds = {{
    {"preemptor", "a thread of higher real-time priority on the engine's CPU", false, Make<PreemptorInjection>},
    {"page_faults", "first touches of fresh pages by the engine", false, Make<PageFaultsInjection>},
    {"lock_convoy", "a mutex that another thread holds when the engine asks for it", true, Make<LockConvoyInjection>},
    {"priority_inversion", "three threads and a mutex (--pi-mutex: one that inherits priority)", true, Make<PriorityInversionInjection>},
    {"false_sharing", "two counters in one cache line, the other one on another CPU", true, Make<FalseSharingInjection>},
    {"remote_memory", "dependent loads from another NUMA node's memory", false, Make<RemoteMemoryInjection>},
    {"sleep", "nanosleep by the engine", false, Make<SleepInjection>},
    {"allocation", "malloc, touch and free of 1 MiB blocks by the engine", false, Make<AllocationInjection>},
}};

}  // namespace

std::span<const InjectionKind> InjectionKinds() {
  return kKinds;
}

const InjectionKind* FindInjectionKind(std::string_view name) {
  for (const InjectionKind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace hftmon::order_book
