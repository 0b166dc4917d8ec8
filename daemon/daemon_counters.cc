// The part of the composition root that tells what threads count.
#include "daemon/daemon.h"

namespace hftmon {

void Daemon::BuildCounters() {
  CounterPrograms& programs = collector_->counter_programs();
  SharedCounterTotals::Parts totals;
  totals.view = collector_->view();
  totals.high_water = [this] { return loop_->sampler().high_water(); };
  totals.set = [&programs] { return programs.set(); };
  totals.attached = [&programs] { return programs.attached(); };
  totals.cross_calls = [&programs] { return programs.cross_call_count(); };
  totals.read_now = [&programs](int cpu) { return programs.ReadNow(cpu); };
  counter_totals_ = std::make_unique<SharedCounterTotals>(std::move(totals));
  CounterRingReader::Parts reader;
  reader.view = collector_->view();
  reader.sink = &counter_history_;
  reader.set = [&programs] { return CounterSetOf(programs.set()); };
  counter_thread_ = std::make_unique<CounterThread>(std::move(reader), clock_.get());
}

}  // namespace hftmon
