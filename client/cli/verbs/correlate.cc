// correlate: what happened to watched processes around the moments that a file names.
#include "client/cli/render/correlate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <sstream>

#include "client/cli/event_file.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"
#include "client/cpp/errors.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kEventsPerCallMax = 10'000;
constexpr size_t kFileBytesMax = 256u << 20;
constexpr DurationRange kSpanRange{0, 10'000'000'000, "0 to 10s"};

absl::StatusOr<std::string> ReadAll(const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    errno = 0;
    file.open(name, std::ios::binary);
    if (!file)
      return absl::NotFoundError(
          fmt::format("{}: {}: name a file of lines `TIME ID`, or - for standard input", name, std::strerror(errno)));
  }
  std::istream& input = name == "-" ? std::cin : file;
  std::string text;
  std::vector<char> part(1u << 16);
  while (input.read(part.data(), static_cast<std::streamsize>(part.size())) || input.gcount() > 0) {
    text.append(part.data(), static_cast<size_t>(input.gcount()));
    if (text.size() > kFileBytesMax) return absl::OutOfRangeError(name + ": larger than 256 MiB: split it");
  }
  if (input.bad()) return absl::UnavailableError(name + ": it cannot be read to its end");
  return text;
}

absl::StatusOr<int64_t> ParseSpan(const std::string& option, const std::string& text) {
  const absl::StatusOr<int64_t> span_ns = ParseDuration(text);
  if (!span_ns.ok()) return absl::InvalidArgumentError(fmt::format("{}: {}", option, std::string(span_ns.status().message())));
  if (*span_ns > kSpanRange.max_ns) return absl::InvalidArgumentError(fmt::format("{} {}: give {}", option, text, kSpanRange.text));
  return span_ns;
}

class CorrelateVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("correlate", "which stalls hit the moments that a file names, such as the lines of an order log");
    verb->add_option("FILE", file_, "lines of `TIME ID`, or - for standard input")->required();
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb->add_option("--clock", clock_, "what TIME is in: monotonic, realtime, tai or tsc (default: monotonic)");
    verb->add_option("--before", before_, "a stall counts when it touches so much before the event … (default: 100us)");
    verb->add_option("--after", after_, "… or so much after it (default: 0)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "TIME: nanoseconds (tsc: ticks) as a whole number, seconds with a point (1700000000.123456789), or with --clock realtime RFC 3339\n"
        "(2026-11-27T07:14:12.123456789Z). Fields are separated by blanks, tabs, a comma or a semicolon; what follows ID is left alone;\n"
        "# begins a comment; a first line that does not begin with a digit is a header.\n"
        "A sleep counts where its thread fell asleep within --before and slept at the event; one for a page fault, or for a lock whose\n"
        "owner is known, as any stall.\n"
        "Exit code 1: stalls of these times are not kept, records were lost, or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::CorrelateEventsRequest question;
    if (const absl::Status read = ReadOptions(&question); !read.ok()) return read;
    const absl::StatusOr<std::string> text = ReadAll(file_);
    if (!text.ok()) return text.status();
    const absl::StatusOr<std::vector<v1::TimedEvent>> events =
        ParseEventFile(file_ == "-" ? "standard input" : file_, *text, question.clock());
    if (!events.ok()) return events.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const absl::StatusOr<v1::CorrelateEventsResponse> response = Ask(**client, question, *events);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(CorrelateJson(*response)) : CorrelateText(*response, context.zone));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "correlate", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  absl::Status ReadOptions(v1::CorrelateEventsRequest* question) const {
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    question->mutable_pids()->Add(pids->begin(), pids->end());
    const auto clock = ParseEventClock("--clock", clock_);
    if (!clock.ok()) return clock.status();
    question->set_clock(*clock);
    const auto before_ns = ParseSpan("--before", before_);
    if (!before_ns.ok()) return before_ns.status();
    const auto after_ns = ParseSpan("--after", after_);
    if (!after_ns.ok()) return after_ns.status();
    if (*before_ns == 0 && *after_ns == 0) {
      return absl::InvalidArgumentError("--before 0 --after 0: no time is left around an event: give one of them, e.g. --before 1us");
    }
    question->set_before_ns(*before_ns);
    question->set_after_ns(*after_ns);
    return absl::OkStatus();
  }

  // In several calls where there are many events: by their times, so that few stalls are in two of them.
  static absl::StatusOr<v1::CorrelateEventsResponse> Ask(const Client& client, const v1::CorrelateEventsRequest& question,
                                                         const std::vector<v1::TimedEvent>& events) {
    std::vector<size_t> order(events.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (events.size() > kEventsPerCallMax) {
      std::stable_sort(order.begin(), order.end(), [&events](size_t a, size_t b) { return events[a].time() < events[b].time(); });
    }
    v1::CorrelateEventsResponse all;
    if (const absl::Status asked = AskPart(client, question, events, order.data(), order.size(), &all); !asked.ok()) return asked;
    // As in the file.
    std::vector<v1::CorrelatedEvent*> sorted(events.size());
    for (size_t i = 0; i < order.size(); ++i) sorted[order[i]] = all.mutable_events(static_cast<int>(i));
    v1::CorrelateEventsResponse in_order;
    for (v1::CorrelatedEvent* event : sorted) in_order.add_events()->Swap(event);
    all.mutable_events()->Swap(in_order.mutable_events());
    return all;
  }

  static absl::Status AskPart(const Client& client, const v1::CorrelateEventsRequest& question, const std::vector<v1::TimedEvent>& events,
                              const size_t* first, size_t count, v1::CorrelateEventsResponse* all) {
    if (count <= kEventsPerCallMax) {
      v1::CorrelateEventsRequest request = question;
      for (size_t i = 0; i < count; ++i) *request.add_events() = events[first[i]];
      const auto response = client.CorrelateEvents(request);
      if (response.ok()) AppendCorrelation(*response, all);
      // Its stalls are more than one answer holds: in two they may have room.
      if (response.ok() || count == 1 || DetailsOf(response.status()).reason != "ANSWER_LIMIT") return response.status();
    }
    const size_t half = count <= kEventsPerCallMax ? count / 2 : kEventsPerCallMax;
    if (const absl::Status asked = AskPart(client, question, events, first, half, all); !asked.ok()) return asked;
    return AskPart(client, question, events, first + half, count - half, all);
  }

  std::string file_;
  std::vector<std::string> pids_;
  std::string clock_ = "monotonic";
  std::string before_ = "100us";
  std::string after_ = "0";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewCorrelateVerb() {
  return std::make_unique<CorrelateVerb>();
}

}  // namespace hftmon
