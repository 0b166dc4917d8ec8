#include "client/cli/import_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/saturating_sum.h"

namespace hftmon {
namespace {

// Hands each record to whom it concerns, while the file is read.
class Gatherer : public PerfDataVisitor {
 public:
  explicit Gatherer(const ContendedLineLimits& limits) : accesses_(limits) {}

  void OnSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc) override { accesses_.AddSample(event, sample, misc); }
  void OnStat(const PerfEvent* event, const PerfStat& stat) override {
    if (event != nullptr) stats_.Add(*event, stat);  // else it is in the summary's count
  }
  void OnLost(const PerfEvent* event, const PerfLost& lost) override {
    if (event == nullptr) lost_of_no_event_ = SaturatingSum(lost_of_no_event_, lost.count);  // else it is in the event's count
  }
  void OnComm(const PerfComm& comm) override { accesses_.records().AddComm(comm); }
  void OnMapping(const PerfMapping& mapping) override { accesses_.records().AddMapping(mapping); }
  void OnFork(const PerfTask& task) override { accesses_.records().AddFork(task); }

  ImportReport Finish(PerfDataSummary summary, const ImportOptions& options) {
    ImportReport report;
    report.summary = std::move(summary);
    report.lost_of_no_event = lost_of_no_event_;
    report.stats = stats_.Rows(report.summary);
    report.dropped_stats = stats_.dropped_count();
    report.unavailable = stats_.EventsWithoutValue(report.summary);
    report.accesses = accesses_.Finish(report.summary, options.order, options.lines_max, &report.unavailable);
    if (report.summary.skipped_aux_bytes > 0) {
      report.unavailable.push_back(
          {"hardware_trace", fmt::format("{} bytes of a hardware trace (Intel PT, Arm SPE …) are not decoded: `perf "
                                         "script --itrace` turns them into samples, on the machine that has perf for it",
                                         report.summary.skipped_aux_bytes)});
    }
    return report;
  }

 private:
  ImportAccesses accesses_;
  ImportStats stats_;
  uint64_t lost_of_no_event_ = 0;
};

void AddLosses(const ImportReport& report, std::vector<std::string>* warnings) {
  for (const PerfEvent& event : report.summary.events) {
    const std::string name = Printable(event.name);
    if (event.lost_count > 0) {
      warnings->push_back(
          fmt::format("{} lost of {}: the recorder read too slowly: record with a larger buffer (`perf record -m`) or less often",
                      Counted(event.lost_count, "record"), name));
    }
    if (event.lost_sample_count > 0) {
      warnings->push_back(
          fmt::format("{} dropped of {}, by the hardware or the kernel (records that found no room may be among them): sample "
                      "less often",
                      Counted(event.lost_sample_count, "sample"), name));
    }
  }
  if (report.lost_of_no_event > 0) {
    warnings->push_back(
        fmt::format("{} lost, of which event is not told: the recorder read too slowly: record with a larger buffer "
                    "(`perf record -m`) or less often",
                    Counted(report.lost_of_no_event, "record")));
  }
  for (const PerfEvent& event : report.summary.events) {
    if (event.throttle_count == 0) continue;
    warnings->push_back(
        fmt::format("sampling of {} stood still {}: record with a longer period, or raise kernel.perf_event_max_sample_rate",
                    Printable(event.name), Counted(event.throttle_count, "time")));
  }
}

// What of the accesses is in no line, or not with certainty.
void AddGapsOfLines(const ImportReport& report, std::vector<std::string>* warnings) {
  if (report.accesses.table && report.accesses.table->no_address > 0) {
    warnings->push_back(
        fmt::format("{} of memory tell no address: they are in no line", Counted(report.accesses.table->no_address, "sample")));
  }
  const auto cut = std::count_if(report.accesses.lines.begin(), report.accesses.lines.end(), [](const ImportedLine& one) {
    return one.line.dropped_site_accesses > 0 || one.line.cpus_dropped || one.line.begin_missing;
  });
  if (cut > 0) {
    warnings->push_back(fmt::format("{} with more threads, places or CPUs than are kept: verdict and advice are of those that were kept",
                                    Counted(static_cast<uint64_t>(cut), "line")));
  }
  if (report.accesses.gaps.dropped_mapping_count > 0) {
    warnings->push_back(fmt::format("{} beyond what is kept: the mapping of some addresses is missing",
                                    Counted(report.accesses.gaps.dropped_mapping_count, "mapping")));
  }
  if (report.accesses.table && report.accesses.table->dropped.contended() > 0) {
    warnings->push_back(
        fmt::format("{} of more cache lines than are kept at a time: the table may miss a contended line: record for a shorter time",
                    Counted(report.accesses.table->dropped.contended(), "contended access", "contended accesses")));
  }
  if (report.accesses.gaps.guest_count > 0) {
    warnings->push_back(fmt::format("{} of memory are of guests, whose addresses are their own: they are in no line",
                                    Counted(report.accesses.gaps.guest_count, "sample")));
  }
  if (report.accesses.gaps.early_drain_count > 0) {
    warnings->push_back(
        fmt::format("more accesses than are brought into the order of time at a time ({}): around {} a mapping may have been "
                    "told too late: record for a shorter time",
                    TimedRecords::kAccessesMax, Counted(report.accesses.gaps.early_drain_count, "place")));
  }
  if (report.accesses.gaps.threadless_count > 0) {
    warnings->push_back(fmt::format("{} of memory tell no thread: they are in no line: record with thread ids",
                                    Counted(report.accesses.gaps.threadless_count, "sample")));
  }
}

}  // namespace

absl::StatusOr<ImportReport> ReadImportReport(ByteSource& source, const ImportOptions& options) {
  Gatherer gatherer({.line_bytes = options.line_bytes});
  absl::StatusOr<PerfDataSummary> summary = ReadPerfData(source, gatherer);
  if (!summary.ok()) return summary.status();
  return gatherer.Finish(*std::move(summary), options);
}

std::vector<std::string> WarningsOf(const ImportReport& report) {
  std::vector<std::string> warnings = report.summary.notes;
  AddLosses(report, &warnings);
  AddGapsOfLines(report, &warnings);
  if (report.dropped_stats > 0) {
    warnings.push_back(
        fmt::format("{} of `perf stat` beyond the {} that are kept", Counted(report.dropped_stats, "count"), ImportStats::kStatsMax));
  }
  const auto multiplexed =
      std::count_if(report.stats.begin(), report.stats.end(), [](const ImportedStat& stat) { return stat.multiplexed; });
  if (multiplexed > 0) {
    warnings.push_back(fmt::format("{} scaled, because more events were asked for than there are counters: ask for fewer at a time",
                                   Counted(static_cast<uint64_t>(multiplexed), "count")));
  }
  return warnings;
}

}  // namespace hftmon
