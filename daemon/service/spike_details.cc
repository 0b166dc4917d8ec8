#include "daemon/service/spike_details.h"

#include "common/utf8.h"
#include "daemon/service/convert_fault.h"
#include "daemon/service/convert_hardware.h"
#include "daemon/service/convert_spike.h"
#include "daemon/service/convert_stack.h"

namespace hftmon {

void SpikeDetails::ToProto(const Spike& spike, v1::Spike* out) {
  SpikeToProto(spike, core_.names, out);
  SpikeTimeToProto(spike, epochs_, core_.time->ErrorOfBegin(spike.cpu, spike.record_clock_ns, spike.record_mono_ns, spike.duration_ns),
                   out);
  AddStack(core_.stacks, spike.thread.tid, spike.record_mono_ns, out);
  AddHardware(core_.hardware, spike, core_.names, out);
  if (spike.kind == SpikeKind::kFault) PlaceToProto(mappings_.Find(spike.thread, spike.stall.address), out->mutable_fault());
  if (out->call().has_file_descriptor()) {
    out->mutable_call()->set_file(ValidUtf8(files_.Find(spike.thread, out->call().file_descriptor())));
  }
}

}  // namespace hftmon
