// SubjectVerb: a verb that asks one query about threads and the window behind them, and prints its answer: `locks`, `memory`.
#ifndef HFTMON_CLIENT_CLI_VERBS_SUBJECT_VERB_H_
#define HFTMON_CLIENT_CLI_VERBS_SUBJECT_VERB_H_

#include <string>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/json.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verb.h"

namespace hftmon {

template <typename Request, typename Response>
class SubjectVerb : public Verb {
 public:
  struct Subject {
    const char* name;
    const char* help;
    const char* threads_help;  // of -t
    const char* window_help;
    const char* footer;
    absl::StatusOr<Response> (Client::*query)(const Request& request) const;
    std::string (*text)(const Response& response);
    Json (*json)(const Response& response);
  };

  explicit SubjectVerb(const Subject& subject) : subject_(subject) {}

  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(subject_.name, subject_.help);
    threads_.Declare(*verb, subject_.threads_help);
    verb->add_option("--window", window_, subject_.window_help)->capture_default_str();
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(subject_.footer);
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    Request request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = ((**client).*subject_.query)(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(subject_.json(*response)) : subject_.text(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, subject_.name, warnings);
    const bool off = response->window().off_ns() > 0 && SayIfOff(context, **client, subject_.name);
    return off || !warnings.empty() ? kExitWarnings : kExitFine;
  }

 private:
  const Subject subject_;
  ThreadFlags threads_;
  std::string window_ = "10s";
  bool json_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_VERBS_SUBJECT_VERB_H_
