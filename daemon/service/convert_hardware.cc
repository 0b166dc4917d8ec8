#include "daemon/service/convert_hardware.h"

#include <algorithm>

#include "common/utf8.h"

namespace hftmon {
namespace {

// Absent stays absent.
template <typename Value, typename Message, typename Field>
void Set(const std::optional<Value>& value, Message* message, void (Message::*set)(Field)) {
  if (value) (message->*set)(static_cast<Field>(*value));
}

void IdleStateToProto(const IdleStateSum& state, v1::IdleStateSum* out) {
  out->set_index(state.index);
  out->set_name(ValidUtf8(state.name));
  Set(state.target_latency_ns, out, &v1::IdleStateSum::set_target_latency_ns);
  out->set_count(state.count);
  out->set_duration_ns(state.duration_ns);
  Set(state.longest_ns, out, &v1::IdleStateSum::set_longest_ns);
}

void SiblingToProto(const SiblingBusy& sibling, ThreadNames* names, v1::SiblingBusy* out) {
  out->set_cpu(sibling.cpu);
  Set(sibling.busy_ns, out, &v1::SiblingBusy::set_busy_ns);
  out->set_truncated(sibling.truncated);
  out->set_error_ns(sibling.error_ns);
  if (sibling.tid == 0) return;
  out->set_tid(static_cast<int32_t>(sibling.tid));
  out->set_pid(static_cast<int32_t>(sibling.tgid));
  out->set_comm(ValidUtf8(names->NameOf(sibling.tid)));
  out->set_actor_ns(sibling.actor_ns);
}

}  // namespace

void HardwareSourceToProto(const HardwareSource& source, v1::HardwareSource* out) {
  out->set_name(source.name);
  out->set_available(source.available);
  out->set_reason(ValidUtf8(source.reason));
  out->set_mend(source.mend);
}

void CpuHardwareToProto(const CpuHardwareTotal& total, int64_t now_mono_ns, v1::CpuHardware* out) {
  using Out = v1::CpuHardware;
  out->set_cpu(total.cpu);
  out->set_reading_count(total.reading_count);
  if (total.reading_mono_ns) out->set_reading_age_ns(std::max<int64_t>(now_mono_ns - *total.reading_mono_ns, 0));
  out->set_readings_span_ns(total.readings_span_ns);
  Set(total.smi_count, out, &Out::set_smi_count);
  Set(total.tsc_hz, out, &Out::set_tsc_hz);
  Set(total.frequency_ratio, out, &Out::set_frequency_ratio);
  Set(total.frequency_ratio_lowest, out, &Out::set_frequency_ratio_lowest);
  Set(total.frequency_drop_count, out, &Out::set_frequency_drop_count);
  for (const IdleStateSum& state : total.idle_states) IdleStateToProto(state, out->add_idle_states());
  out->set_idle_states_since_boot(total.idle_states_since_boot);
  out->set_idle_unpaired_count(total.idle_unpaired_count);
  Set(total.frequency_change_count, out, &Out::set_frequency_change_count);
  Set(total.frequency_khz, out, &Out::set_frequency_khz);
  Set(total.frequency_lowest_khz, out, &Out::set_frequency_lowest_khz);
  Set(total.machine_check_count, out, &Out::set_machine_check_count);
  if (total.last_machine_check) {
    v1::MachineCheck* check = out->mutable_last_machine_check();
    check->set_bank(static_cast<int32_t>(total.last_machine_check->bank));
    check->set_status(total.last_machine_check->status);
    check->set_monotonic_ns(total.last_machine_check->mono_ns);
  }
  Set(total.thermal_interrupt_count, out, &Out::set_thermal_interrupt_count);
  Set(total.threshold_interrupt_count, out, &Out::set_threshold_interrupt_count);
  Set(total.deferred_error_interrupt_count, out, &Out::set_deferred_error_interrupt_count);
  Set(total.throttle.core_count, out, &Out::set_core_throttle_count);
  Set(total.throttle.core_ns, out, &Out::set_core_throttle_ns);
  Set(total.throttle.package_count, out, &Out::set_package_throttle_count);
  Set(total.throttle.package_ns, out, &Out::set_package_throttle_ns);
  Set(total.steal_ns, out, &Out::set_steal_ns);
  if (total.steal_ns) out->set_steal_age_ns(std::max<int64_t>(now_mono_ns - total.steal_mono_ns, 0));
  out->mutable_smt_siblings()->Add(total.smt_siblings.begin(), total.smt_siblings.end());
}

void RegistersToProto(const ModelRegisterReadings& readings, v1::CpuHardware* out) {
  for (const RegisterValue& reading : readings.values) {
    v1::ModelRegister* entry = out->add_registers();
    entry->set_name(std::string(reading.name));
    entry->set_address(static_cast<int32_t>(reading.address));
    entry->set_value(reading.value);
  }
  if (readings.reason.empty()) return;
  out->set_registers_reason(ValidUtf8(readings.reason + ": " + readings.mend));
}

void AddHardware(const HardwareTotals* totals, const Spike& spike, ThreadNames* names, v1::Spike* out) {
  if (totals == nullptr) return;
  const std::optional<HardwareEvidence> evidence = totals->EvidenceOf(spike);
  if (!evidence) return;
  v1::HardwareEvidence* hardware = out->mutable_hardware();
  Set(evidence->reading_span_ns, hardware, &v1::HardwareEvidence::set_reading_span_ns);
  Set(evidence->smi_count_max, hardware, &v1::HardwareEvidence::set_smi_count_max);
  Set(evidence->steal_ns_max, hardware, &v1::HardwareEvidence::set_steal_ns_max);
  Set(evidence->frequency_ratio_lowest, hardware, &v1::HardwareEvidence::set_frequency_ratio_lowest);
  for (const SiblingBusy& sibling : evidence->siblings) SiblingToProto(sibling, names, hardware->add_siblings());
}

}  // namespace hftmon
