// CommandLine: what may be said to hftmon: its global options and every verb with its own, declared once. Parsing, help, the manual pages
// and the shells' completion draw from it.
//
// Threads: one. Options are bound to members of this object and of the verbs: it is not moved, and outlives whoever runs a verb of it.
#ifndef HFTMON_CLIENT_CLI_COMMAND_LINE_H_
#define HFTMON_CLIENT_CLI_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/server_address.h"

namespace hftmon {

class Verb;

// Options before or after the verb that every verb has.
struct GlobalOptions {
  std::string server = kDefaultServerAddress;
  std::string timeout = "5s";
  std::string pid_namespace;
};

struct DeclaredVerb {
  std::unique_ptr<Verb> verb;
  CLI::App* app = nullptr;
  bool takes_command = false;  // words after `--`
};

class CommandLine {
 public:
  // What a line of words asks for: a verb with its options set, or a text to print.
  struct Parsed {
    const DeclaredVerb* verb = nullptr;  // of this object; null: print `text`
    std::vector<std::string> command;    // the words behind `--`
    std::string text;
  };

  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Once. INVALID_ARGUMENT says what is wrong with the words, and where the way out is written. What CLI11 cannot know of a value (a
  // duration's range, an id) is the verb's to check.
  absl::StatusOr<Parsed> Parse(const std::vector<std::string>& words);

  const CLI::App& app() const { return app_; }
  const GlobalOptions& options() const { return options_; }
  const std::vector<DeclaredVerb>& verbs() const { return verbs_; }

 private:
  bool IsVerb(std::string_view word) const;
  void AskForHelp(std::vector<std::string>* own) const;
  absl::Status Refusal(const CLI::ParseError& error) const;

  CLI::App app_;
  GlobalOptions options_;
  std::vector<DeclaredVerb> verbs_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_COMMAND_LINE_H_
