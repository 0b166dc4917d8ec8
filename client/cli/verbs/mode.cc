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
    if (!mode_.empty() || !scheduling_.empty()) {
      if (const absl::Status set = Set(**client); !set.ok()) return set;
    }
    // What was achieved, a scheduling class that was refused included.
    const auto status = (*client)->GetStatus();
    if (!status.ok()) return status.status();
    Json json = NewAnswer();
    json["operation"] = OperationJson(status->operation());
    json["loop"] = LoopPlaceJson(status->loop());
    context.console.Out(json_ ? JsonLine(json) : OperationText(status->operation()) + LoopPlaceText(status->loop()));
    return kExitFine;
  }

 private:
  absl::Status Set(const Client& client) const {
    v1::SetModeRequest request;
    request.set_mode(mode_);
    request.set_scheduling(scheduling_);
    if (mode_.empty()) {
      const auto status = client.GetStatus();
      if (!status.ok()) return status.status();
      request.set_mode(status->operation().asked_mode());
    }
    return client.SetMode(request).status();
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
