// hftmond: parse, start, wait for a signal, stop.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "daemon/config.h"
#include "daemon/daemon.h"

namespace {

constexpr int kExitError = 3;

int Fail(const absl::Status& status) {
  fmt::print(stderr, "hftmond: {}\n", std::string(status.message()));
  return kExitError;
}

// Blocked before any thread is made, so that only sigwait sees them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

int main(int argc, char** argv) {
  absl::StatusOr<hftmon::ParsedConfig> parsed = hftmon::ParseConfig(argc, argv);
  if (!parsed.ok()) return Fail(parsed.status());
  if (parsed->exit_code >= 0) {
    fmt::print("{}", parsed->output);
    return parsed->exit_code;
  }
  const sigset_t signals = BlockStopSignals();
  hftmon::Daemon daemon(parsed->config);
  if (absl::Status status = daemon.Start(); !status.ok()) return Fail(status);
  const std::string description = daemon.Describe();
  fmt::print(stderr, "hftmond: {}\n", description);
  daemon.service_manager().Ready(description);
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  daemon.service_manager().Stopping();
  daemon.Stop();
  return 0;
}
