// RuleRow: evidence → cause → action, as data. Passive data; rows are made once by the rules_*.cc and never change.
//
// A new rule over facts that exist is a row and its test. What a row must have is written beside each member and held by a test over all
// rows (tests/daemon/advice/rule_lint_test.cc).
#ifndef HFTMON_DAEMON_ADVICE_RULE_H_
#define HFTMON_DAEMON_ADVICE_RULE_H_

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/advice/fact.h"

namespace hftmon {

enum class Operator : uint8_t {
  kIs,       // number or word
  kIsNot,    // known and another
  kIsOneOf,  // of words
  kAtLeast,
  kBelow,
  kHasAny,   // two lists of CPUs meet
  kHasNone,  // both are known and do not meet
  kKnown,    // it is there; a list: and not empty
  kUnknown,
};

using WordList = std::vector<std::string_view>;
// A number, a word, words, or another field of the same fact.
using Operand = std::variant<std::monostate, double, std::string_view, WordList, FactField>;

// Whatever the operator: it does not hold where the value is not known, but kUnknown.
struct Condition {
  FactField field;
  Operator op;
  Operand operand = {};
};

// Bounds of a group's figures. It holds when every one that is not 0 is reached, and `where` holds of the group.
struct Measure {
  int64_t count_min = 0;
  double count_per_s_min = 0;  // of the window
  double share_min = 0;        // sum_ns by the window: 0.001 is 1 ms a second
  int64_t longest_ns_min = 0;
  std::vector<Condition> where = {};
};

// What it takes for the change to act.
enum class Reach : uint8_t {
  kNow,       // acts at once, gone at the next boot (and where it names a task: at its end)
  kRestart,   // the program is started anew: another environment, unit file or configuration
  kReboot,    // boot argument
  kCode,      // the program's source
  kFirmware,  // BIOS, BMC, or whoever runs the hypervisor
};

enum class Risk : uint8_t { kLow, kMedium, kHigh };

// The texts are templates (template_text.h). Either a command with its undo, or a hint, or all three.
struct ActionRow {
  std::vector<Condition> when = {};
  std::string_view command = {};  // for a shell of root; only values that may stand in one
  std::string_view undo = {};     // restores what was: with the old value out of the fact, or the opposite word where there are but two
  std::string_view code_hint = {};
  Reach reach = Reach::kCode;
  std::string_view persist = {};  // the form that outlives a reboot; required of a command that does not
  Risk risk = Risk::kLow;
  std::string_view risk_text = {};  // what may go wrong; required of a command
};

// A cause that is worded otherwise of some facts.
struct CauseRow {
  std::vector<Condition> when;  // of the group
  std::string_view text;        // template
};

// Where the bound of what can be gained comes from: an upper one, but for kPartsOfWaits.
enum class GainKind : uint8_t {
  kSumPerSecond,      // sum_ns by the window
  kPartsOfWaits,      // the same of parts of the waits that are spikes: estimated, shorter waits and parts are in it with nothing
  kLongest,           // longest_ns
  kShareOfSpikeTime,  // sum_ns by the time of all spikes in the window
  kPlacement,         // remote share × (distance ratio − 1): estimated
  kUnknown,           // what it costs was not measured
};

enum class Basis : uint8_t {
  kMeasured,       // it happened in the window
  kConfiguration,  // it may happen
};

// Other evidence explains the same better: no advice where the named rule gave one and these fields of both are equal.
struct Unless {
  std::string_view rule;
  std::vector<FactField> same;
};

struct RuleRow {
  std::string_view id;     // kebab-case, unique, never renamed
  std::string_view title;  // one line, without values
  FactKind fact = FactKind::kHostSetting;
  std::vector<Condition> when = {};  // of each fact
  std::vector<FactField> group_by =
      {};  // facts that agree in these are one; fields that every fact of the kind has, or that `when` wants known
  std::vector<Measure> measures = {};   // one of them is enough; measured rows alone, and each of those has one
  std::string_view cause;               // template: what is wrong and why, with its numbers
  std::vector<CauseRow> causes = {};    // the first that fits stands in the place of `cause`
  std::vector<ActionRow> actions = {};  // the first that fits is the advice, the others that fit are its alternatives; one has no `when`
  GainKind gain = GainKind::kUnknown;
  double confidence = 0.9;                   // of the cause, given perfect evidence: above 0, at most 1
  std::string_view proof_metric;             // a name of proof_metric.h
  std::string_view expected;                 // of that metric afterwards: "0", "below 5 %"
  std::vector<std::string_view> needs = {};  // probe groups without which there are no such facts
  Basis basis = Basis::kMeasured;
  Unless unless = {};
  std::vector<std::string_view> corroborated_by = {};  // configuration: measured rules whose advice makes this one more than possible
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_RULE_H_
