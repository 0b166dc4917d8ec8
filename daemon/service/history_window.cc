#include "daemon/service/history_window.h"

#include "daemon/service/convert.h"

namespace hftmon {

HistoryWindow::HistoryWindow(const TargetSelection& selection, int64_t requested_ns, const Arrival& arrival)
    : selection_(&selection),
      requested_ns_(requested_ns),
      end_ns_(arrival.time.monotonic_ns),
      begin_ns_(selection.WindowBegin(requested_ns, end_ns_)),
      late_(arrival.late),
      covered_begin_ns_(begin_ns_) {}

void HistoryWindow::ToProto(const ServiceCore& core, v1::Window* window, v1::TimePair* time) const {
  const bool before_attach = requested_ns_ > 0 && begin_ns_ < selection_->last_attached_mono_ns();
  window->set_begin_monotonic_ns(covered_begin_ns_);
  window->set_end_monotonic_ns(end_ns_);
  window->set_requested_ns(requested_ns_);
  window->set_truncated(overwritten_ || before_attach);
  window->set_late(late_);
  window->set_off_ns(core.status->OffWithin(covered_begin_ns_, end_ns_));
  TimePairToProto(core.status->Now(), time);
}

}  // namespace hftmon
