#include "daemon/service/convert_time.h"

#include "common/utf8.h"

namespace hftmon {

void TimePairToProto(const TimePair& pair, v1::TimePair* out) {
  out->set_monotonic_ns(pair.monotonic_ns);
  out->set_realtime_ns(pair.realtime_ns);
  out->set_error_ns(pair.error_ns);
  if (pair.tai_offset_ns != 0) out->set_tai_offset_ns(pair.tai_offset_ns);
  out->set_epoch(pair.epoch);
}

void EpochPairToProto(const ClockEpoch& epoch, v1::TimePair* out) {
  out->Clear();
  TimePairToProto({.monotonic_ns = epoch.pair.monotonic_ns,
                   .realtime_ns = epoch.pair.realtime_ns,
                   .error_ns = epoch.pair.error_ns,
                   .tai_offset_ns = epoch.tai_offset_ns,
                   .epoch = epoch.number},
                  out);
}

void EpochsToProto(const std::vector<ClockEpoch>& epochs, google::protobuf::RepeatedPtrField<v1::ClockEpoch>* out) {
  for (const ClockEpoch& epoch : epochs) {
    v1::ClockEpoch* entry = out->Add();
    entry->set_number(epoch.number);
    entry->set_reason(std::string(EpochReasonName(epoch.reason)));
    entry->set_detail(DescribeEpoch(epoch));
    entry->set_begin_after_monotonic_ns(epoch.begin_after_mono_ns);
    entry->set_begin_monotonic_ns(epoch.begin_mono_ns);
    if (epoch.end_mono_ns != INT64_MAX) entry->set_end_monotonic_ns(epoch.end_mono_ns);
    entry->set_step_ns(epoch.step_ns);
    EpochPairToProto(epoch, entry->mutable_time());
  }
}

std::vector<ClockEpoch> EpochsWithin(const std::vector<ClockEpoch>& epochs, int64_t begin_mono_ns, int64_t end_mono_ns) {
  std::vector<ClockEpoch> within;
  for (const ClockEpoch& epoch : epochs) {
    if (epoch.end_mono_ns >= begin_mono_ns && (epoch.begin_after_mono_ns <= end_mono_ns || within.empty())) within.push_back(epoch);
  }
  return within;
}

void RunQueueClockToProto(const RunQueueClockStatus& clock, v1::RunQueueClock* out) {
  out->set_cpu(clock.cpu);
  out->set_offset_ns(clock.offset_ns);
  out->set_error_ns(clock.error_ns);
  if (clock.rate_ppm) out->set_rate_ppm(*clock.rate_ppm);
  out->set_pair_count(clock.pair_count);
}

void KernelClockToProto(const KernelClock& clock, v1::KernelClock* out) {
  out->set_available(clock.available);
  out->set_reason(clock.reason);
  out->set_synchronised(clock.synchronised);
  out->set_max_error_ns(clock.max_error_ns);
  out->set_estimated_error_ns(clock.estimated_error_ns);
  out->set_frequency_ppm(clock.frequency_ppm);
  if (clock.tai_offset_ns != 0) out->set_tai_offset_ns(clock.tai_offset_ns);
  out->set_read_monotonic_ns(clock.read_mono_ns);
  out->set_leap_second(clock.leap_second);
}

void PtpClockToProto(const PtpClock& clock, v1::PtpClock* out) {
  out->set_device(ValidUtf8(clock.device));
  out->set_name(ValidUtf8(clock.name));
  for (const std::string& interface : clock.interfaces) out->add_interfaces(ValidUtf8(interface));
  out->set_available(clock.offset_ns.has_value());
  out->set_reason(clock.reason);
  out->set_method(clock.method);
  if (clock.offset_ns) out->set_offset_ns(*clock.offset_ns);
  out->set_error_ns(clock.error_ns);
  out->set_read_monotonic_ns(clock.read_mono_ns);
}

}  // namespace hftmon
