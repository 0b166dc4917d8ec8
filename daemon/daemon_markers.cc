// The part of the daemon that reads what programs mark.
#include "daemon/daemon.h"

namespace hftmon {

void Daemon::BuildMarkers() {
  MarkerThread::Parts parts;
  parts.raw_clocks = &raw_clocks_;
  parts.clock = clock_.get();
  parts.files = files_;
  parts.watched_bits = collector_->view().watched_bits;
  markers_ = std::make_unique<MarkerThread>(std::move(parts));
}

}  // namespace hftmon
