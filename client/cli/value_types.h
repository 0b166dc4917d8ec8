// What stands behind an option, for those who read: help, manual pages, completion. One table by the option's name, so that the same option
// is called the same in every verb; a verb's own definition (type_name, a set that CLI11 checks) comes first. Pure, any thread.
//
// A type's name: TIME a duration, PID a process, FILE a file; "a|b|c" the words that are taken, "a|b|c[,...]" a list of them; the other
// names say only what to think of.
#ifndef HFTMON_CLIENT_CLI_VALUE_TYPES_H_
#define HFTMON_CLIENT_CLI_VALUE_TYPES_H_

#include <CLI/CLI.hpp>

namespace hftmon {

// Names the type of each option of `verb` that has none of its own yet.
void NameValueTypes(CLI::App& verb);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_VALUE_TYPES_H_
