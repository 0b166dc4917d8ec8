// Texts of rules with a fact's values in them: "echo {near_housekeeping_cpus} > /proc/irq/{irq}/smp_affinity_list". Pure, any thread.
//
// A placeholder is {field} or {field:format}; formats: mask (CPUs in hexadecimal as the kernel's files take them: "3c", "1,00000000"),
// mask_or_0 (the same, and an empty list is "0": for undo), words (CPUs as "2 3 4"). There is no way to write a literal brace.
//
// A command is run by root out of a report, and names of threads, files and interfaces are other people's. So a command has only numbers,
// lists of CPUs and identifiers (IsIdentifier) in it, whatever the row says; anything else withholds the whole command. In sentences such
// names are cleaned (control characters and what is not UTF-8 become '?'), cut at 200 bytes and stand in quotes.
#ifndef HFTMON_DAEMON_ADVICE_TEMPLATE_TEXT_H_
#define HFTMON_DAEMON_ADVICE_TEMPLATE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/advice/fact_schema.h"

namespace hftmon {

struct Placeholder {
  FactField field = FactField::kCount;
  std::string_view format;  // "", "mask", "mask_or_0", "words"
};

// Of a row's text; INVALID_ARGUMENT names a brace without its other, an unknown field, or a format that is none of the field's type.
absl::StatusOr<std::vector<Placeholder>> PlaceholdersOf(std::string_view text);

// Whether values of the type may stand in a command.
bool MayStandInCommand(FieldType type);

// FAILED_PRECONDITION names the field whose value is not there, differs among the facts, or may not stand in a command.
absl::StatusOr<std::string> RenderCommand(std::string_view text, const Fact& fact);

// Never fails: a name that is not known is "(no name)", another value "?".
std::string RenderSentence(std::string_view text, const Fact& fact);

// One value for people: durations as "1.5ms", shares as "45 %", addresses in hexadecimal, texts cleaned and in quotes.
std::string FormatValue(FactField field, const FactValue& value);

// Somebody's bytes for people: cleaned and cut at 200 bytes, without the quotes.
std::string CleanText(std::string_view bytes);
// A whole sentence with such bytes in it: the same, but for quotes, and cut at 1,000 bytes.
std::string CleanSentence(std::string_view bytes);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_TEMPLATE_TEXT_H_
