// hftmond: parse, start, wait for a signal, stop.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "daemon/config_flags.h"
#include "daemon/daemon.h"

namespace {

constexpr int kExitError = 3;

int Fail(const absl::Status& status) {
  fmt::print(stderr, "hftmond: {}\n", std::string(status.message()));
  return kExitError;
}

// Blocked before any thread is made, so that only sigwait sees them: no thread is interrupted, the housekeeping loop least of all.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Returns when the daemon is to end.
void ServeSignals(const sigset_t& signals, hftmon::Daemon* daemon) {
  int signal_number = 0;
  while (sigwait(&signals, &signal_number) == 0 && signal_number == SIGHUP) fmt::print(stderr, "hftmond: {}\n", daemon->Reload());
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = BlockSignals();
  absl::StatusOr<hftmon::ParsedArguments> parsed = hftmon::ParseArguments(argc, argv);
  if (!parsed.ok()) {
    // Each line begins with its place, as compilers write it.
    fmt::print(stderr, "{}\n", std::string(parsed.status().message()));
    return kExitError;
  }
  if (parsed->exit_code >= 0) {
    fmt::print("{}", parsed->output);
    return parsed->exit_code;
  }
  hftmon::Daemon daemon(parsed->config, parsed->source);
  if (absl::Status status = daemon.Start(); !status.ok()) return Fail(status);
  const std::string description = daemon.Describe();
  fmt::print(stderr, "hftmond: {}\n", description);
  daemon.service_manager().Ready(description);
  ServeSignals(signals, &daemon);
  daemon.service_manager().Stopping();
  daemon.Stop();
  return 0;
}
