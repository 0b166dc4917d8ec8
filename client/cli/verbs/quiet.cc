// quiet: market hours: refuse whatever would disturb the host.
#include "client/cli/exit_code.h"
#include "client/cli/render/operation.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class QuietVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("quiet", "market hours: refuse whatever would attach programs, create maps or reload");
    verb->add_option("state", state_, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
    verb->add_flag("--json", json_, "print one JSON object");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    v1::SetQuietRequest request;
    request.set_quiet(state_ == "on");
    const auto response = (*client)->SetQuiet(request);
    if (!response.ok()) return response.status();
    Json json = NewAnswer();
    json["operation"] = OperationJson(response->operation());
    context.console.Out(json_ ? JsonLine(json) : OperationText(response->operation()));
    return kExitFine;
  }

 private:
  std::string state_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewQuietVerb() {
  return std::make_unique<QuietVerb>();
}

}  // namespace hftmon
