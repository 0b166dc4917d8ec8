// ModuleResult: what one module of `check` found. Passive data; the renderers know nothing else of it.
#ifndef HFTMON_CLIENT_CHECK_MODULE_RESULT_H_
#define HFTMON_CLIENT_CHECK_MODULE_RESULT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/check/check_figure.h"

namespace hftmon {

enum class CheckModule { kIsolation, kIrq, kMemory, kSyscall, kNetwork };
// In the order of the report.
inline constexpr std::array kCheckModules{CheckModule::kIsolation, CheckModule::kIrq, CheckModule::kMemory, CheckModule::kSyscall,
                                          CheckModule::kNetwork};
// "isolation": the word of --module and the key in JSON.
const char* NameOf(CheckModule module);

enum class CheckVerdict { kPass, kWarn, kFail };  // ascending: the worst of several is the largest
const char* NameOf(CheckVerdict verdict);         // "PASS"

// What to do about a failure.
struct CheckAdvice {
  std::string rule;     // of the daemon's advice; empty: none of its rules spoke, and this is the module's own hint
  std::string text;     // what is wrong and why, or what to change in the program
  std::string command;  // for a shell of root; empty only where `text` says what else to do
  std::string undo;     // empty: nothing to undo, or not known
};

struct CheckFinding {
  CheckVerdict severity = CheckVerdict::kWarn;  // never kPass
  std::string figure;                           // the key; empty: of the whole module
  std::string text;
  std::optional<CheckAdvice> advice;
};

// The longest single event of the module's kind.
struct CheckEvent {
  std::optional<int64_t> start_ns;  // CLOCK_MONOTONIC; absent: only its length is known
  int64_t duration_ns = 0;
  std::string cause;  // "thread", "hard_irq", "futex" …
  std::string actor;  // who: "rival (4711)", "eth0-rx-0"; empty: nobody, or not known
  int32_t tid = 0;    // whom it hit; 0: no thread
  std::string comm;
  std::optional<int32_t> cpu;
  uint64_t spike_id = 0;  // for `hftmon spikes`; 0: none
};

struct ModuleResult {
  CheckModule module = CheckModule::kIsolation;
  CheckVerdict verdict = CheckVerdict::kPass;
  std::vector<CheckFigure> figures;
  std::optional<CheckEvent> worst;  // absent: worst_reason
  std::string worst_reason;
  std::vector<CheckFinding> findings;  // none: PASS
  int64_t violations = 0;              // limits that were exceeded
  int64_t begin_ns = 0;                // that its counts are of, CLOCK_MONOTONIC
  int64_t end_ns = 0;

  // Null where there is none of that key.
  const CheckFigure* Find(const std::string& key) const;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_MODULE_RESULT_H_
