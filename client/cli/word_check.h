// What no word of a command line may hold: bytes that no message can carry, and characters that would move a terminal's cursor when an
// error repeats them. Checked once for all verbs and options, before any of them looks at its own.
#ifndef HFTMON_CLIENT_CLI_WORD_CHECK_H_
#define HFTMON_CLIENT_CLI_WORD_CHECK_H_

#include <CLI/CLI.hpp>
#include <string_view>

#include "absl/status/status.h"

namespace hftmon {

// INVALID_ARGUMENT for bytes that are not UTF-8 and for control characters; the message has them escaped.
absl::Status CheckWord(std::string_view word);

// INVALID_ARGUMENT where an option of `app` was given an empty value (an unset variable of a script's, as a rule): not the same as leaving
// it out. Options of subcommands are not looked at.
absl::Status CheckNoEmptyValue(const CLI::App& app);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_WORD_CHECK_H_
