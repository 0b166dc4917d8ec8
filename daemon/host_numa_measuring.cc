#include "daemon/host_numa_measuring.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "daemon/sampling_thread.h"
#include "daemon/with_reason.h"

namespace hftmon {
namespace {

void Put(const ProbeReport& report, MeasuredPair* pair) {
  pair->huge_pages = report.huge_pages;
  pair->page_bytes = report.huge_pages ? kHugePageBytes : pair->plan.buffer_bytes / static_cast<int64_t>(report.page_count);
  pair->small_pages_reason = SmallPagesReason(report.small_pages, pair->plan.memory_node);
  if (report.page_on_node_count == report.page_count) {
    pair->load_ns = report.load_ns;
    pair->read_mb_s = report.read_mb_s;
    return;
  }
  pair->plan.reason = fmt::format("{} of {} pages lay elsewhere than on node {}, though that was preferred: it has no room left",
                                  report.page_count - report.page_on_node_count, report.page_count, pair->plan.memory_node);
}

}  // namespace

class HostNumaMeasuring::Run final : public NumaMeasureRun {
 public:
  explicit Run(HostNumaMeasuring* owner)
      : owner_(owner), thread_("hftmon_measure", [this](SamplingThread<NumaMatrix>& thread) { return Measure(thread); }) {}

  void Cancel() override { thread_.Cancel(); }
  const absl::StatusOr<NumaMatrix>* Result() const override { return thread_.result(); }

 private:
  // Lets the next one begin when this one's thread has ended: members are destroyed in reverse order.
  struct Leaver {
    std::atomic<bool>* busy;
    ~Leaver() { busy->store(false, std::memory_order_release); }  // pairs with Begin's exchange
  };

  absl::StatusOr<NumaMatrix> Measure(SamplingThread<NumaMatrix>& thread) const;
  // Not OK: it was cancelled.
  absl::Status MeasurePair(SamplingThread<NumaMatrix>& thread, int64_t deadline_ns, MeasuredPair* pair, NumaMatrix* matrix) const;

  HostNumaMeasuring* const owner_;
  const Leaver leaver_{&owner_->busy_};
  SamplingThread<NumaMatrix> thread_;
};

absl::Status HostNumaMeasuring::Run::MeasurePair(SamplingThread<NumaMatrix>& thread, int64_t deadline_ns, MeasuredPair* pair,
                                                 NumaMatrix* matrix) const {
  const Parts& parts = owner_->parts_;
  if (!pair->plan.reason.empty()) return absl::OkStatus();
  if (const absl::Status admitted = parts.admit(); !admitted.ok()) {
    pair->plan.reason = std::string(admitted.message());
    return absl::OkStatus();
  }
  const int64_t left_ns = deadline_ns - parts.clock->NowNs();
  if (left_ns <= 0) {
    pair->plan.reason = fmt::format("the pairs before it took the {} s that there are for all", kPatienceNs / 1'000'000'000);
    return absl::OkStatus();
  }
  const absl::StatusOr<ProbeReport> report =
      parts.probe(pair->plan, std::min(left_ns, kPairPatienceNs), [&thread] { return thread.Wait(0); });
  if (absl::IsCancelled(report.status())) return report.status();
  if (absl::IsDeadlineExceeded(report.status())) {
    pair->plan.reason =
        fmt::format("CPU {} has no time for it: others want it all the while, and measuring is least urgent (nice 19)", *pair->plan.cpu);
    return absl::OkStatus();
  }
  if (!report.ok()) {
    pair->plan.reason = std::string(report.status().message());
    return absl::OkStatus();
  }
  matrix->bytes_moved += report->bytes_moved;
  Put(*report, pair);
  return absl::OkStatus();
}

absl::StatusOr<NumaMatrix> HostNumaMeasuring::Run::Measure(SamplingThread<NumaMatrix>& thread) const {
  const Parts& parts = owner_->parts_;
  const int64_t begin_ns = parts.clock->NowNs();
  NumaMatrix matrix;
  std::vector<PlannedPair> plan;
  for (size_t i = 0; i == 0 || i < plan.size(); ++i) {
    if (thread.Wait(0)) return absl::CancelledError("cancelled");
    if (i == 0 || plan[i].cpu_node != plan[i - 1].cpu_node) {
      const absl::StatusOr<MeasureHost> host = parts.host();
      if (!host.ok()) return WithReason(absl::UnavailableError(std::string(host.status().message())), "NO_NODES");
      plan = PlanMeasurement(*host);  // in the same order; nodes rarely come and go
      if (i >= plan.size()) break;
    }
    MeasuredPair pair{.plan = plan[i]};
    if (absl::Status went = MeasurePair(thread, begin_ns + kPatienceNs, &pair, &matrix); !went.ok()) return went;
    matrix.pairs.push_back(std::move(pair));
  }
  matrix.elapsed_ns = parts.clock->NowNs() - begin_ns;
  return matrix;
}

absl::StatusOr<std::unique_ptr<NumaMeasureRun>> HostNumaMeasuring::Begin(const NumaMeasureWish&) {
  if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
  // Acquire: pairs with the release of the one before.
  if (busy_.exchange(true, std::memory_order_acquire)) {
    return WithReason(
        absl::ResourceExhaustedError("somebody measures the nodes already, and there is one at a time: ask again in some seconds"),
        "SAMPLING");
  }
  try {
    return std::make_unique<Run>(this);
  } catch (const std::system_error& error) {
    return WithReason(absl::ResourceExhaustedError(fmt::format("no thread for the measurement can be had ({}): ask again", error.what())),
                      "SAMPLING");
  }
}

}  // namespace hftmon
