// Verb: one word of the command line, such as `spikes`: declares its options, then runs.
#ifndef HFTMON_CLIENT_CLI_VERBS_VERB_H_
#define HFTMON_CLIENT_CLI_VERBS_VERB_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cli/console.h"
#include "client/cpp/client.h"

namespace hftmon {

// What every verb may use.
struct Context {
  Console& console;
  absl::TimeZone zone;               // in which times of day are shown
  std::string server;                // address
  int64_t timeout_ns = 0;            // of each call
  std::vector<std::string> command;  // the words after `--`
  int32_t pid_namespace_of = 0;      // --pid-namespace; 0: numbers are those of this process's own namespace

  absl::StatusOr<std::unique_ptr<Client>> Connect() const {
    return Client::Connect(server, {.deadline_ns = timeout_ns, .name = "", .pid_namespace_of = pid_namespace_of});
  }
  // For numbers that came out of an answer.
  absl::StatusOr<std::unique_ptr<Client>> ConnectByHostNumbers() const {
    return Client::Connect(server, {.deadline_ns = timeout_ns, .name = "", .host_numbers = true});
  }
};

class Verb {
 public:
  virtual ~Verb() = default;
  // Called once. Adds the subcommand to `app` and its options to that; the options live in the verb.
  virtual CLI::App* Declare(CLI::App& app) = 0;
  // The exit code (exit_code.h), or the error that is printed with kExitError.
  virtual absl::StatusOr<int> Run(const Context& context) = 0;
  virtual bool takes_command() const { return false; }  // words after `--`
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_VERBS_VERB_H_
