#include "client/cli/import/import_report.h"

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
  void OnComm(const PerfComm& comm) override {
    accesses_.records().AddComm(comm);
    trace_.threads().OnComm(comm);
  }
  void OnMapping(const PerfMapping& mapping) override {
    accesses_.records().AddMapping(mapping);
    trace_.threads().OnMapping(mapping);
  }
  void OnFork(const PerfTask& task) override {
    accesses_.records().AddFork(task);
    trace_.threads().OnFork(task);
  }
  void OnSwitch(const PerfSwitch& change) override { trace_.threads().OnSwitch(change); }
  void OnItraceStart(const PerfItraceStart& start) override { trace_.threads().OnItraceStart(start); }
  void OnAuxtraceInfo(const PerfAuxtraceInfo& info) override { trace_.OnInfo(info); }
  void OnAuxtrace(const PerfAuxtrace& trace, uint64_t bytes_at) override { trace_.OnTrace(trace, bytes_at); }
  void OnAux(const PerfAux& aux) override { trace_.OnAux(aux); }
  void OnTimeConversion(const PerfTimeConversion& conversion) override { trace_.OnTimeConversion(conversion); }

  absl::Status ReadTrace(ByteSource& source, const PerfDataSummary& summary) { return trace_.Read(source, summary, &accesses_); }
  ImportReport Finish(PerfDataSummary summary, const ImportOptions& options) {
    ImportReport report;
    report.summary = std::move(summary);
    report.lost_of_no_event = lost_of_no_event_;
    report.lost_samples_of_no_event = lost_samples_of_no_event_;
    report.stats = stats_.Rows(report.summary);
    report.dropped_stats = stats_.dropped_count();
    report.unavailable = stats_.EventsWithoutValue(report.summary);
    report.accesses = accesses_.Finish(report.summary, options.order, options.lines_max, &report.unavailable);
    report.trace = trace_.Finish(report.summary, &report.unavailable);
    return report;
  }

 private:
  ImportAccesses accesses_;
  ImportTrace trace_;
  ImportStats stats_;
  uint64_t lost_of_no_event_ = 0;
  uint64_t lost_samples_of_no_event_ = 0;
};

}  // namespace

absl::StatusOr<ImportReport> ReadImportReport(ByteSource& source, const ImportOptions& options) {
  Gatherer gatherer({.line_bytes = options.line_bytes});
  absl::StatusOr<PerfDataSummary> summary = ReadPerfData(source, gatherer);
  if (!summary.ok()) return summary.status();
  if (absl::Status read = gatherer.ReadTrace(source, *summary); !read.ok()) return read;
  return gatherer.Finish(*std::move(summary), options);
}

}  // namespace hftmon
