#include "client/examples/order_book/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "client/examples/order_book/injection_table.h"
#include "common/duration.h"

namespace hftmon::order_book {
namespace {

struct DurationOption {
  const char* name;
  int64_t min_ns;
  int64_t max_ns;
  std::string text;
};

absl::StatusOr<int64_t> ReadDuration(const DurationOption& option) {
  const absl::StatusOr<int64_t> duration_ns = ParseDuration(option.text);
  if (duration_ns.ok() && *duration_ns >= option.min_ns && *duration_ns <= option.max_ns) return *duration_ns;
  return absl::InvalidArgumentError(fmt::format("{} is '{}': give a duration from {} to {}", option.name, option.text,
                                                FormatDuration(option.min_ns), FormatDuration(option.max_ns)));
}

std::string KindNames() {
  std::string names;
  for (const InjectionKind& kind : InjectionKinds()) names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
  return names;
}

std::string Footer() {
  std::string text = "Injections, each at known times, their truth in the JSON:\n";
  for (const InjectionKind& kind : InjectionKinds()) text += fmt::format("  {:<20}{}\n", kind.name, kind.help);
  return text + "Exit codes: 0 fine, 2 a check of the book failed, 3 error.";
}

absl::Status CheckInjections(const Options& options) {
  for (size_t i = 0; i < options.inject.size(); ++i) {
    const std::string& name = options.inject[i];
    if (FindInjectionKind(name) == nullptr) {
      return absl::InvalidArgumentError(fmt::format("--inject is '{}': give any of {}", name, KindNames()));
    }
    if (std::find(options.inject.begin(), options.inject.begin() + static_cast<int64_t>(i), name) !=
        options.inject.begin() + static_cast<int64_t>(i)) {
      return absl::InvalidArgumentError(fmt::format("--inject names {} twice: name each kind once", name));
    }
  }
  if (options.until_injected && (options.inject.empty() || options.inject_count == 0)) {
    return absl::InvalidArgumentError("--until-injected: give --inject and --inject-count too: it ends when that many have happened");
  }
  if (options.inject_every_ns < 2 * options.inject_length_ns) {
    return absl::InvalidArgumentError(fmt::format("--inject-every {} is less than twice --inject-length {}: the book would do nothing else",
                                                  FormatDuration(options.inject_every_ns), FormatDuration(options.inject_length_ns)));
  }
  return absl::OkStatus();
}

absl::Status CheckCpus(const Options& options) {
  const std::vector<int>& cpus = options.cpus;
  if (cpus.empty()) return absl::OkStatus();
  if (cpus.size() > 2 || (options.threads == 2 && cpus.size() == 1)) {
    return absl::InvalidArgumentError("--cpus: give the gateway's CPU and the engine's, `--cpus 2,3`; one CPU is for `--threads 1`");
  }
  if (cpus.size() == 2 && cpus[0] == cpus[1] && options.threads != 1) {
    return absl::InvalidArgumentError("--cpus: both threads never sleep and need a CPU each: name two, or use `--threads 1`");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParsedOptions> ParseOptions(std::vector<std::string> words) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  DurationOption duration{"--duration", 1'000'000, 3'600'000'000'000, "5s"};
  DurationOption every{"--inject-every", 1'000'000, 3'600'000'000'000, "100ms"};
  DurationOption length{"--inject-length", 1'000, 1'000'000'000, "1ms"};
  std::string markers = "on";
  std::string marks = "order";
  CLI::App app{"A limit order book under load: a gateway, a queue, a matching engine; optionally with known disturbances.", "order_book"};
  app.add_option("--duration", duration.text, "how long it runs, at most 1h")->capture_default_str();
  app.add_option("--seed", options.seed, "of the order flow: the same seed sends the same messages")->capture_default_str();
  app.add_option("--rate", options.rate_per_s, "messages per second offered, evenly spaced (default: as fast as they are taken)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{100'000'000}));
  app.add_option("--orders", options.orders_max, "end after that many messages");
  app.add_option("--queue", options.queue_capacity, "messages between gateway and engine at most (default: 32, with --rate 1024)")
      ->check(CLI::Range(1u, 1u << 20));
  app.add_option("--cpus", options.cpus, "CPU of the gateway, CPU of the engine (default: the last two that the process may use)")
      ->delimiter(',')
      ->check(CLI::Range(0, 8'191));
  app.add_option("--threads", options.threads, "2, or 1: gateway and engine take turns in one (default: 2 where two CPUs are to be had)")
      ->check(CLI::Range(1, 2));
  app.add_option("--priority", options.priority, "SCHED_FIFO priority of gateway and engine")->check(CLI::Range(1, 98));
  app.add_option("--markers", markers, "mark operations for hftmon")->check(CLI::IsMember({"off", "on"}))->capture_default_str();
  app.add_option("--marks", marks, "order: each order; all: what it does to the book too, at a price")
      ->check(CLI::IsMember({"order", "all"}))
      ->capture_default_str();
  app.add_option("--inject", options.inject, "disturb the engine on purpose; any of the kinds below, with commas")->delimiter(',');
  app.add_option("--inject-every", every.text, "from one injection of a kind to its next")->capture_default_str();
  app.add_option("--inject-length", length.text, "what each is meant to take, 1us to 1s")->capture_default_str();
  app.add_option("--inject-count", options.inject_count, "end injecting after that many of each kind");
  app.add_flag("--until-injected", options.until_injected, "end when each kind has happened --inject-count times, if that is earlier");
  app.add_flag("--pi-mutex", options.pi_mutex, "mutexes of injections inherit priority");
  app.add_flag("--json", options.json, "the report as one JSON object");
  app.add_flag("--quiet", options.quiet, "no report; with --json that alone, without the lists of events");
  app.footer(Footer());
  std::reverse(words.begin(), words.end());  // CLI11 takes them last to first
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    parsed.help = app.help();
    return parsed;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(fmt::format("{}: see `order_book --help`", error.what()));
  }
  options.markers = markers == "off" ? MarkLevel::kOff : (marks == "all" ? MarkLevel::kAll : MarkLevel::kOrder);
  for (const auto& [option, target] : {std::pair{&duration, &options.duration_ns}, std::pair{&every, &options.inject_every_ns},
                                       std::pair{&length, &options.inject_length_ns}}) {
    const absl::StatusOr<int64_t> value_ns = ReadDuration(*option);
    if (!value_ns.ok()) return value_ns.status();
    *target = *value_ns;
  }
  if (absl::Status status = CheckCpus(options); !status.ok()) return status;
  if (absl::Status status = CheckInjections(options); !status.ok()) return status;
  return parsed;
}

}  // namespace hftmon::order_book
