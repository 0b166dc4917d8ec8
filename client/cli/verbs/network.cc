// network: the way of packets, from the poll of their interface to the thread that reads them.
#include "client/cli/render/network.h"
#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

class NetworkVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(
        "network", "polls and softirqs of network packets, drops, retransmits, and how long packets took to their readers");
    threads_.Declare(*verb, "thread ids, a list, of the sockets (default: all)");
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8, and what each polled (default: all that had packets, in all)");
    verb->add_option("--interface", interface_, "only this interface's polls, counters and drops");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Counted while a process is attached with --probes network, since the daemon started; squeezed and backlog drops: since boot;\n"
        "device: since the interface came to be, of the daemon's network namespace. A packet arrives where the kernel's protocols take it\n"
        "over: its device's own time is not in it. Traffic that bypasses the kernel (DPDK, Onload, ef_vi, XDP zero copy) is invisible.\n"
        "Exit code 1: nobody asks, a part cannot be had on this host, no figures are to be had of a thread, or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryNetworkRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    if (!cpus_.empty()) {
      const auto cpus = ParseCpuList(cpus_);
      if (!cpus.ok()) return cpus.status();
      request.mutable_cpus()->Add(cpus->begin(), cpus->end());
    }
    request.set_interface(interface_);
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryNetwork(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(NetworkJson(*response)) : NetworkText(*response, !cpus_.empty(), interface_));
    const bool off = SayIfOff(context, **client, "network");
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "network", warnings);
    return warnings.empty() && !off ? kExitFine : kExitWarnings;
  }

 private:
  ThreadFlags threads_;
  std::string cpus_;
  std::string interface_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewNetworkVerb() {
  return std::make_unique<NetworkVerb>();
}

}  // namespace hftmon
