#include "client/check/modules.h"

namespace hftmon {

ModuleResult RunModule(CheckModule module, const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits) {
  switch (module) {
    case CheckModule::kIsolation:
      return CheckIsolation(inputs, scope, limits);
    case CheckModule::kIrq:
      return CheckIrq(inputs, scope, limits);
    case CheckModule::kMemory:
      return CheckMemory(inputs, scope, limits);
    case CheckModule::kSyscall:
      return CheckSyscall(inputs, scope, limits);
    case CheckModule::kNetwork:
      return CheckNetwork(inputs, scope, limits);
  }
  return {};
}

}  // namespace hftmon
