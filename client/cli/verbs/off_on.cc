// off, on: every program in the kernel returns at its first test, or works again.
#include "client/cli/exit_code.h"
#include "client/cli/render/operation.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class OffOnVerb : public Verb {
 public:
  OffOnVerb(const char* name, const char* help, bool on) : name_(name), help_(help), on_(on) {}

  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(name_, help_);
    verb->add_flag("--json", json_, "print one JSON object");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    v1::SetCollectingRequest request;
    request.set_on(on_);
    const auto response = (*client)->SetCollecting(request);
    if (!response.ok()) return response.status();
    Json json = NewAnswer();
    json["operation"] = OperationJson(response->operation());
    context.console.Out(json_ ? JsonLine(json) : OperationText(response->operation()));
    return kExitFine;
  }

 private:
  const char* const name_;
  const char* const help_;
  const bool on_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewOffVerb() {
  return std::make_unique<OffOnVerb>("off", "collect nothing: every program in the kernel returns at its first test", false);
}

std::unique_ptr<Verb> NewOnVerb() {
  return std::make_unique<OffOnVerb>("on", "collect again after `off`; nothing of before is believed", true);
}

}  // namespace hftmon
