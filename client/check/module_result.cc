#include "client/check/module_result.h"

namespace hftmon {

const char* NameOf(CheckModule module) {
  switch (module) {
    case CheckModule::kIsolation:
      return "isolation";
    case CheckModule::kIrq:
      return "irq";
    case CheckModule::kMemory:
      return "memory";
    case CheckModule::kSyscall:
      return "syscall";
    case CheckModule::kNetwork:
      return "network";
  }
  return "";
}

const char* NameOf(CheckVerdict verdict) {
  switch (verdict) {
    case CheckVerdict::kPass:
      return "PASS";
    case CheckVerdict::kWarn:
      return "WARN";
    case CheckVerdict::kFail:
      return "FAIL";
  }
  return "";
}

const CheckFigure* ModuleResult::Find(const std::string& key) const {
  for (const CheckFigure& figure : figures) {
    if (figure.key == key) return &figure;
  }
  return nullptr;
}

}  // namespace hftmon
