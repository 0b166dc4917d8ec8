// export: a recording, or what the daemon keeps now, in the formats of other tools.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_join.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/record/file_bytes.h"
#include "client/cli/record/recorder.h"
#include "client/cli/render/warnings.h"
#include "client/cli/table.h"
#include "client/cli/verbs/verbs.h"
#include "client/export/alpha_frames.h"
#include "client/export/alpha_trace.h"
#include "client/export/counted_stalls.h"
#include "client/export/csv_tables.h"
#include "client/export/folded_stacks.h"
#include "client/export/html_report.h"
#include "client/export/perfetto_trace.h"
#include "client/recording/recording_reader.h"

namespace hftmon {
namespace {

constexpr int kWorstMax = 1'000;
constexpr int kTimelinesMax = 50;
constexpr mode_t kFolderMode = 0777;

class ExportVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("export", "a recording, or what is kept now, for Perfetto, flame graphs, a browser or a spreadsheet");
    verb->add_option("--format", format_, "perfetto, alpha, folded, html or csv")
        ->required()
        ->check(CLI::IsMember({"perfetto", "alpha", "folded", "html", "csv"}));
    auto* from =
        verb->add_option("--from", from_, "a file that `record` made, or - for standard input (default: what is kept is recorded first)");
    verb->add_option("-o,--output", output_, "the file, of csv a folder for one file a table (default: standard output)");
    verb->add_option("-p,--pid", pids_, "without --from: process ids of targets, a list (default: all)")->excludes(from);
    verb->add_option("--window", window_, "without --from: the last so long, or `all` (a minute at most; default: 10s)")->excludes(from);
    verb->add_option("--blocked", blocked_, "without --from: also sleeping and blocking longer than this as spikes")->excludes(from);
    verb->add_option("--notional", notional_, "alpha, folded: what is at risk, in your currency");
    verb->add_option("--bps-per-us", bps_per_us_, "alpha, folded: how much of it a microsecond of a stall loses, in 1/10,000");
    verb->add_option(
        "--kinds", kinds_,
        fmt::format("alpha, folded: kinds of spikes that count, a list (default: {})", absl::StrJoin(CountedByDefault(), ", ")));
    verb->add_option("--table", table_, fmt::format("csv: one table, to standard output or a file: {}", TableNames()));
    verb->add_option("--worst", worst_, "html: spikes in its table, the longest (default: 20)");
    verb->add_option("--timelines", timelines_, "html: how many of them with a timeline (default: 5)");
    verb->footer(
        "perfetto: open it at ui.perfetto.dev: CPU rows and thread states, stalls with causes and arrows from who caused them, "
        "interrupts,\n"
        "slow operations, counters. alpha: a flame graph for the same UI whose widths are money, 1 ns for 0.0001 of the currency; folded: "
        "the\n"
        "same as text, `a;b;c VALUE`, VALUE in 0.0001 of the currency. No moment of a thread counts twice; sleeps (blocked) and slow\n"
        "operations, whose time is the stalls' again, count where --kinds names them. html: one file that needs no network.\n"
        "Exit code 1: something is missing in the recording, and is said, here and in the export.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    if (const absl::Status read = ReadOptions(context); !read.ok()) return read;
    const absl::StatusOr<Recording> recording = from_.empty() ? RecordKept(context) : ReadFrom();
    if (!recording.ok()) return recording.status();
    const absl::Status written =
        format_ == "csv" && table_.empty() ? WriteTables(*recording) : WriteOne(context, MadeOf(context, *recording));
    if (!written.ok()) return written;
    if (!recording->incomplete) return kExitFine;
    std::vector<std::string> notes;
    for (const std::string& note : recording->notes) notes.push_back(Printable(note));
    PrintWarnings(context.console, "export", notes);
    return kExitWarnings;
  }

 private:
  static std::string TableNames() {
    std::vector<std::string> names;
    for (const CsvTable& table : CsvTables()) names.emplace_back(table.name);
    return absl::StrJoin(names, ", ");
  }
  bool is_alpha() const { return format_ == "alpha" || format_ == "folded"; }

  absl::Status ReadOptions(const Context& context) {
    if (is_alpha()) {
      if (notional_.empty() || bps_per_us_.empty()) {
        return absl::InvalidArgumentError(
            fmt::format("--format {}: what a stall costs is not known: give --notional 5000000 (at risk) and --bps-per-us 0.02", format_));
      }
      auto price = ParseAlphaPrice(notional_, bps_per_us_, SplitLists(kinds_));
      if (!price.ok()) return price.status();
      price_ = *std::move(price);
    } else if (!notional_.empty() || !bps_per_us_.empty() || !kinds_.empty()) {
      return absl::InvalidArgumentError("--notional, --bps-per-us and --kinds are of the formats alpha and folded");
    }
    if (!table_.empty() && (format_ != "csv" || FindTable() == nullptr)) {
      return absl::InvalidArgumentError(fmt::format("--table '{}': of --format csv: give one of {}", table_, TableNames()));
    }
    if (format_ == "csv" && table_.empty() && output_.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("--format csv: several tables: give a folder with -o, or --table with one of {}", TableNames()));
    }
    const bool is_binary = format_ == "perfetto" || format_ == "alpha";
    if (is_binary && output_.empty() && context.console.out_width() > 0) {
      return absl::InvalidArgumentError(
          fmt::format("--format {}: no text, and standard output is a terminal: give a file with -o", format_));
    }
    const auto count = [](const char* option, const std::string& text, int high, size_t* value) -> absl::Status {
      if (text.empty()) return absl::OkStatus();
      const auto read = ParseCount(option, text, 0, high);
      if (read.ok()) *value = static_cast<size_t>(*read);
      return read.status();
    };
    if (const absl::Status read = count("--worst", worst_, kWorstMax, &html_.worst_max); !read.ok()) return read;
    return count("--timelines", timelines_, kTimelinesMax, &html_.timelines_max);
  }

  const CsvTable* FindTable() const {
    const auto& tables = CsvTables();
    const auto found = std::find_if(tables.begin(), tables.end(), [this](const CsvTable& table) { return table.name == table_; });
    return found == tables.end() ? nullptr : &*found;
  }

  absl::StatusOr<Recording> ReadFrom() const {
    const absl::StatusOr<std::string> bytes = ReadFileBytes(from_);
    if (!bytes.ok()) return bytes.status();
    absl::StatusOr<Recording> recording = ReadRecording(*bytes);
    if (recording.ok()) return recording;
    return absl::Status(recording.status().code(), fmt::format("{}: {}", from_, std::string(recording.status().message())));
  }
  absl::StatusOr<Recording> RecordKept(const Context& context) const {
    Recorder::Question question{.recorder_version = HFTMON_VERSION};
    auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    question.pids = *std::move(pids);
    const auto window_ns = ParseWindow(window_.empty() ? "10s" : window_);
    if (!window_ns.ok()) return window_ns.status();
    if (!blocked_.empty()) {
      const auto blocked_ns = ParseDurationOption("--blocked", blocked_, kPastBlockedRange);
      if (!blocked_ns.ok()) return blocked_ns.status();
      question.blocked_threshold_ns = *blocked_ns;
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    std::string bytes;
    PartSink sink([&bytes](std::string_view part) {
      bytes += part;
      return absl::OkStatus();
    });
    Recorder recorder(**client, question, &sink);
    const auto now_ns = recorder.DaemonNow();
    if (!now_ns.ok()) return now_ns.status();
    const int64_t begin_ns = *window_ns == 0 ? 0 : std::max<int64_t>(1, *now_ns - *window_ns);
    if (const absl::Status recorded = recorder.RecordKept(begin_ns, *now_ns); !recorded.ok()) return recorded;
    return ReadRecording(bytes);
  }

  std::string MadeOf(const Context& context, const Recording& recording) {
    if (format_ == "perfetto") return PerfettoTrace(recording);
    if (format_ == "alpha") return AlphaTrace(recording, AlphaFrames(recording, price_));
    if (format_ == "folded") return FoldedStacks(AlphaFrames(recording, price_));
    if (format_ == "csv") return FindTable()->text(recording);
    html_.zone = context.zone;
    return HtmlReport(recording, html_);
  }

  absl::Status WriteOne(const Context& context, const std::string& bytes) const {
    if (output_.empty() || output_ == "-") {
      context.console.Out(bytes);  // what becomes of it is checked when the verb has ended
      return absl::OkStatus();
    }
    return WriteFile(output_, bytes);
  }
  static absl::Status WriteFile(const std::string& name, std::string_view bytes) {
    const auto file = WrittenFile::Create(name);
    if (!file.ok()) return file.status();
    if (const absl::Status written = (*file)->Write(bytes); !written.ok()) return written;
    return (*file)->Close();
  }
  absl::Status WriteTables(const Recording& recording) const {
    if (mkdir(output_.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return absl::UnavailableError(fmt::format("{}: {}: name a folder that is there, or can be made", output_, std::strerror(errno)));
    }
    for (const CsvTable& table : CsvTables()) {
      if (const absl::Status written = WriteFile(fmt::format("{}/{}.csv", output_, table.name), table.text(recording)); !written.ok()) {
        return written;
      }
    }
    return absl::OkStatus();
  }

  std::string format_;
  std::string from_;
  std::string output_;
  std::vector<std::string> pids_;
  std::string window_;
  std::string blocked_;
  std::string notional_;
  std::string bps_per_us_;
  std::vector<std::string> kinds_;
  std::string table_;
  std::string worst_;
  std::string timelines_;
  AlphaPrice price_;
  HtmlOptions html_;
};

}  // namespace

std::unique_ptr<Verb> NewExportVerb() {
  return std::make_unique<ExportVerb>();
}

}  // namespace hftmon
