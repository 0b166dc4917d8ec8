// mode: how the daemon's loop polls: shows it, or sets it.
#include "client/cli/exit_code.h"
#include "client/cli/render/operation.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class ModeVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("mode", "show or set how the daemon's loop polls: auto, latency, balanced, economy");
    verb->add_option("mode", mode_, "auto (chosen from the host), latency (spins), balanced, economy (sleeps); without it: show");
    verb->add_option("--scheduling", scheduling_, "of the loop: other or fifo; without it: as it is");
    verb->add_flag("--json", json_, "print one JSON object");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    if (mode_.empty() && scheduling_.empty()) {
      const auto response = (*client)->GetStatus();
      if (!response.ok()) return response.status();
      return Print(context, response->operation());
    }
    v1::SetModeRequest request;
    request.set_mode(mode_);
    request.set_scheduling(scheduling_);
    if (mode_.empty()) {
      const auto status = (*client)->GetStatus();
      if (!status.ok()) return status.status();
      request.set_mode(status->operation().asked_mode());
    }
    const auto response = (*client)->SetMode(request);
    if (!response.ok()) return response.status();
    return Print(context, response->operation());
  }

 private:
  int Print(const Context& context, const v1::OperationStatus& operation) const {
    Json json = NewAnswer();
    json["operation"] = OperationJson(operation);
    context.console.Out(json_ ? JsonLine(json) : OperationText(operation));
    return kExitFine;
  }

  std::string mode_;
  std::string scheduling_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewModeVerb() {
  return std::make_unique<ModeVerb>();
}

}  // namespace hftmon
