// import: what a perf.data file that was recorded elsewhere says. Asks no daemon.
#include "client/cli/render/import.h"

#include <fmt/format.h>

#include <new>

#include "client/cli/exit_code.h"
#include "client/cli/import/import_symbols.h"
#include "client/cli/import/import_warnings.h"
#include "client/cli/import/recording_source.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr size_t kLinesMax = 10'000;

absl::StatusOr<LineOrder> ParseOrder(const std::string& text) {
  if (text == "cycles") return LineOrder::kCycles;
  if (text == "remote") return LineOrder::kRemoteHitm;
  if (text == "total") return LineOrder::kTotalHitm;
  return absl::InvalidArgumentError(fmt::format("--order {}: give cycles, remote or total", text));
}

class ImportVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("import", "analyse a perf.data file that was recorded elsewhere (perf mem, c2c, record, stat record)");
    verb->add_option("FILE", file_, "the file, or - for standard input (`perf record -o -`)")->required();
    verb->add_option("--lines", options_.lines_max, "contended cache lines to show at most")
        ->capture_default_str()
        ->check(CLI::Range(size_t{1}, kLinesMax));
    verb->add_option("--order", order_, "of the lines: cycles (what they cost, estimated), remote (HITM from another node) or total")
        ->capture_default_str();
    verb->add_option("--line-bytes", options_.line_bytes, "of a cache line there")
        ->capture_default_str()
        ->check(CLI::IsMember({16, 32, 64, 128, 256, 512, 1024}));
    verb->add_flag("--no-symbols", no_symbols_, "name no functions and variables: open no other file than FILE");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Needs neither a daemon nor perf, and may be run on another machine than the one that recorded. Compressed files need a build\n"
        "with zstd. Functions and variables are named from the programs and libraries of this machine that have the recorded build id.\n"
        "Cycles are estimated: the latency of each contended sample times the events that it stands for.\n"
        "Exit code 1: something keeps the answer from being the whole truth, and is said: losses, scaled counts, samples without address "
        "or\n"
        "thread, a part that is not decoded, a recording from a pipe, which has no mark of its end. What the file does not have\n"
        "(`unavailable`) is none of these: that alone is exit code 0.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const absl::StatusOr<LineOrder> order = ParseOrder(order_);
    if (!order.ok()) return order.status();
    options_.order = *order;
    // What it takes depends on the file; everything else that is taken from it is bounded.
    try {
      return Report(context);
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError(
          fmt::format("{}: the memory that this process may have is not enough: raise its limit (ulimit -v)", file_));
    }
  }

 private:
  absl::StatusOr<int> Report(const Context& context) const {
    const absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenRecording(file_);
    if (!source.ok()) return source.status();
    absl::StatusOr<ImportReport> report = ReadImportReport(**source, options_);
    if (!report.ok()) {
      return absl::Status(report.status().code(), fmt::format("{}: {}", file_, std::string(report.status().message())));
    }
    if (!no_symbols_) NameSymbols(&*report);
    context.console.Out(json_ ? JsonLine(ImportJson(file_, *report)) : ImportText(file_, *report));
    const std::vector<std::string> warnings = WarningsOf(*report);
    PrintWarnings(context.console, "import", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

  std::string file_;
  std::string order_ = "cycles";
  ImportOptions options_;
  bool no_symbols_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewImportVerb() {
  return std::make_unique<ImportVerb>();
}

}  // namespace hftmon
