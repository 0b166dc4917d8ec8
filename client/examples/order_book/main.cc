// order_book: a limit order book under load. See README.md beside this file, or --help.
#include <unistd.h>

#include <cstdio>

#include "client/examples/order_book/options.h"
#include "client/examples/order_book/report.h"
#include "client/examples/order_book/run.h"

namespace hftmon::order_book {
namespace {

constexpr int kExitFine = 0;
constexpr int kExitUnsound = 2;
constexpr int kExitError = 3;
// What a run may take besides its duration before it is ended: no loop of it outlives that, whatever happens to the machine.
constexpr unsigned kGraceSeconds = 60;

int Refuse(const absl::Status& status) {
  std::fprintf(stderr, "order_book: %s\n", std::string(status.message()).c_str());
  return kExitError;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<ParsedOptions> parsed = ParseOptions(std::vector<std::string>(argv + 1, argv + argc));
  if (!parsed.ok()) return Refuse(parsed.status());
  if (!parsed->help.empty()) {
    std::fputs(parsed->help.c_str(), stdout);
    return kExitFine;
  }
  const Options& options = parsed->options;
  alarm(static_cast<unsigned>(options.duration_ns / 1'000'000'000) + kGraceSeconds);
  const absl::StatusOr<RunResult> result = RunOrderBook(options);
  if (!result.ok()) return Refuse(result.status());
  if (options.json) {
    std::printf("%s\n", ReportJson(*result, !options.quiet).dump(2).c_str());
  } else if (!options.quiet) {
    std::fputs(ReportText(*result).c_str(), stdout);
  }
  if (std::fflush(stdout) != 0) return Refuse(absl::DataLossError("standard output: the report is not complete; mend where it goes"));
  return result->sound() ? kExitFine : kExitUnsound;
}

}  // namespace
}  // namespace hftmon::order_book

int main(int argc, char** argv) {
  return hftmon::order_book::Main(argc, argv);
}
