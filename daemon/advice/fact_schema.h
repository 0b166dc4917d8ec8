// The schema of facts: the one table of fields (name, type, unit, how values of one group become one) and the one of kinds (which fields a
// fact of it has, where each is read). Producers are written against it, rules are linted against it, Judge refuses what breaks it.
//
// Constant data and pure functions, any thread.
#ifndef HFTMON_DAEMON_ADVICE_FACT_SCHEMA_H_
#define HFTMON_DAEMON_ADVICE_FACT_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "daemon/advice/fact.h"

namespace hftmon {

// The type says what a FactValue holds and whether it may stand in a command that root runs.
enum class FieldType : uint8_t {
  kNumber,      // int64, at least 0; in commands as it is
  kTaskId,      // int64, 1 to 4194304; in commands as it is
  kAddress,     // int64, the bits of a user address; hexadecimal in sentences, never in a command
  kDuration,    // int64 ns, at least 0; never in a command
  kShare,       // double, 0 to 1; never in a command
  kReal,        // double; never in a command
  kText,        // anybody's bytes; cleaned in sentences, never in a command
  kIdentifier,  // text that IsIdentifier; a value that is none makes the command be withheld, not the fact be refused
  kCpuList,     // CpuList; in commands as "2-5,8", `:mask` "3c", `:words` "2 3 4 5"; an empty one withholds the command
};

// Of the facts of one group, see RuleRow::group_by.
enum class FieldMerge : uint8_t {
  kSame,   // it stays where all agree, else it is gone, and a command that names it is withheld
  kSum,    //
  kMax,    //
  kMin,    //
  kUnite,  // of lists: all in any
};

struct FactFieldRow {
  FactField field;
  std::string_view name;  // in templates and answers; snake_case, unit last
  FieldType type;
  std::string_view unit;  // "" where the type says it
  FieldMerge merge;
  std::string_view help;
};

struct FactSchemaRow {
  FactField field;
  bool required;
  std::string_view source;  // the totals, spike field or file it is read from; "Δ": the difference of two snapshots of a sum
};

struct FactKindRow {
  FactKind kind;
  std::string_view name;
  std::string_view help;  // one fact is about …
  bool has_thread;        // Fact::thread is required
  bool from_records;      // single events: lost records make its absence no proof
  std::span<const FactSchemaRow> fields;
};

std::span<const FactFieldRow> FactFieldRows();
std::span<const FactKindRow> FactKindRows();

const FactFieldRow& RowOf(FactField field);
const FactKindRow& RowOf(FactKind kind);
// Null when there is none of that name.
const FactFieldRow* FindFactField(std::string_view name);
// Whether facts of the kind may have it; those of the thread where the kind has one.
bool HasField(FactKind kind, FactField field);
// Whether every fact of the kind has it.
bool IsRequired(FactKind kind, FactField field);

// [A-Za-z0-9_.:-], 1 to 32 bytes, the first neither '-' nor '.': it is one word to a shell, no option, and no path.
bool IsIdentifier(std::string_view text);

// The value of a field, the thread's fields included; absent: not known.
std::optional<FactValue> ValueOf(const Fact& fact, FactField field);
// As a number; absent also where it is none.
std::optional<double> NumberOf(const Fact& fact, FactField field);
int64_t IntegerOr(const Fact& fact, FactField field, int64_t otherwise);

// INVALID_ARGUMENT names the kind, the field and what is wrong with it. Bounds: texts of 4,096 bytes, lists within kCpuNumberLimit.
absl::Status CheckFact(const Fact& fact);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_FACT_SCHEMA_H_
