#include "client/cli/import/import_report.h"

#include <fmt/format.h>

#include <utility>

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
    if (event != nullptr) return;  // it is in the event's count
    uint64_t& sum = lost.samples ? lost_samples_of_no_event_ : lost_of_no_event_;
    sum = SaturatingSum(sum, lost.count);
  }
  void OnComm(const PerfComm& comm) override { accesses_.records().AddComm(comm); }
  void OnMapping(const PerfMapping& mapping) override { accesses_.records().AddMapping(mapping); }
  void OnFork(const PerfTask& task) override { accesses_.records().AddFork(task); }

  ImportReport Finish(PerfDataSummary summary, const ImportOptions& options) {
    ImportReport report;
    report.summary = std::move(summary);
    report.lost_of_no_event = lost_of_no_event_;
    report.lost_samples_of_no_event = lost_samples_of_no_event_;
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
  uint64_t lost_samples_of_no_event_ = 0;
};

}  // namespace

absl::StatusOr<ImportReport> ReadImportReport(ByteSource& source, const ImportOptions& options) {
  Gatherer gatherer({.line_bytes = options.line_bytes});
  absl::StatusOr<PerfDataSummary> summary = ReadPerfData(source, gatherer);
  if (!summary.ok()) return summary.status();
  return gatherer.Finish(*std::move(summary), options);
}

}  // namespace hftmon
