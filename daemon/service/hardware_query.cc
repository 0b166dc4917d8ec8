#include "daemon/service/hardware_query.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/service/convert_hardware.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

grpc::Status AnswerHardware(const ServiceCore& core, const v1::QueryHardwareRequest& request, v1::QueryHardwareResponse* response) {
  const HardwareTotals& hardware = *core.hardware;
  const std::vector<int> online = hardware.OnlineCpus();
  std::set<int> cpus(request.cpus().begin(), request.cpus().end());
  for (const int cpu : cpus) {
    if (cpu < hardware.possible_cpu_count()) continue;
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_CPU",
                     absl::StrCat("CPU ", cpu, " is none of this host's: give CPUs of 0-", hardware.possible_cpu_count() - 1));
  }
  if (cpus.empty()) cpus.insert(online.begin(), online.end());
  for (const HardwareSource& source : hardware.Sources()) HardwareSourceToProto(source, response->add_sources());
  response->set_collecting(hardware.collecting());
  std::vector<CpuHardwareTotal> totals;
  for (const int cpu : cpus) totals.push_back(hardware.Read(cpu));
  const TimePair now = core.status->Now();
  TimePairToProto(now, response->mutable_time());
  uint64_t register_cross_calls = 0;
  for (const CpuHardwareTotal& total : totals) {
    v1::CpuHardware* out = response->add_cpus();
    CpuHardwareToProto(total, now.monotonic_ns, out);
    if (!request.read_registers()) continue;
    const ModelRegisterReadings readings = hardware.ReadRegisters(total.cpu);
    register_cross_calls += readings.cross_call_count;
    RegistersToProto(readings, out);
  }
  response->set_register_cross_calls(register_cross_calls);
  response->set_attach_cross_calls(hardware.attach_cross_calls());
  return grpc::Status::OK;
}

}  // namespace hftmon
