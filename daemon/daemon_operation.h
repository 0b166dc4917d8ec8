// DaemonOperation: the daemon's Operation: mode, quiet hours, off and on, each kept by its own class.
// Owner: the daemon; what is pointed to outlives it. Threads: any.
#ifndef HFTMON_DAEMON_DAEMON_OPERATION_H_
#define HFTMON_DAEMON_DAEMON_OPERATION_H_

#include <functional>
#include <string>

#include "common/monotonic_clock.h"
#include "daemon/collectors/quiet_gate.h"
#include "daemon/control/collection_switch.h"
#include "daemon/control/operation.h"
#include "daemon/demand_cost.h"
#include "daemon/mode_controller.h"

namespace hftmon {

class DaemonOperation : public Operation {
 public:
  DaemonOperation(ModeController* modes, QuietGate* gate, DemandCost* demand_cost, CollectionSwitch* collection,
                  const MonotonicClock* clock)
      : modes_(modes), gate_(gate), demand_cost_(demand_cost), collection_(collection), clock_(clock) {}

  absl::Status SetMode(const std::string& mode, const std::string& scheduling) override { return modes_->SetMode(mode, scheduling); }
  void SetQuiet(bool quiet) override;
  absl::Status SetCollecting(bool on) override { return on ? collection_->TurnOn() : collection_->TurnOff(); }
  OperationStatus Describe() const override;

 private:
  ModeController* const modes_;
  QuietGate* const gate_;
  DemandCost* const demand_cost_;
  CollectionSwitch* const collection_;
  const MonotonicClock* const clock_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_DAEMON_OPERATION_H_
