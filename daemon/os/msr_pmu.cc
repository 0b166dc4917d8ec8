#include "daemon/os/msr_pmu.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <cerrno>

#include "daemon/os/event_terms.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::string_view kFolder = "/sys/bus/event_source/devices/msr";

}  // namespace

std::optional<uint64_t> ParseMsrEvent(std::string_view text) {
  const auto terms = ParseEventTerms(text);
  if (!terms.ok() || terms->size() != 1 || terms->front().name != "event") return std::nullopt;
  return terms->front().value;
}

MsrPmu MsrPmu::Read(const FileRoot& root) {
  MsrPmu pmu;
  const auto type = root.ReadFile(fmt::format("{}/type", kFolder));
  if (!type.ok()) return pmu;
  pmu.type = ParseNumber<uint32_t>(Trim(*type));
  const auto names = root.List(fmt::format("{}/events", kFolder));
  if (!names.ok()) return pmu;
  for (const std::string& name : *names) {
    const auto text = root.ReadFile(fmt::format("{}/events/{}", kFolder, name));
    if (!text.ok()) continue;
    if (const auto config = ParseMsrEvent(*text)) pmu.events[name] = *config;
  }
  return pmu;
}

std::string MsrPmu::WhyNot(const std::string& event) const {
  if (!type) return fmt::format("this kernel has no msr PMU ({})", kFolder);
  if (events.contains(event)) return "";
  return fmt::format("the msr PMU has no event {}: the processor has no such register, or the hypervisor hides it", event);
}

absl::StatusOr<int> OpenMsrEvent(const MsrPmu& pmu, const std::string& event, int cpu) {
  if (std::string why = pmu.WhyNot(event); !why.empty()) return absl::FailedPreconditionError(why);
  perf_event_attr attributes = {};
  attributes.type = *pmu.type;
  attributes.size = sizeof(attributes);
  attributes.config = pmu.events.at(event);
  // One that is not on its CPU any more, which was offline, then fails to be read, where it would else give its last value for ever.
  attributes.pinned = 1;
  const int opened = SystemPerfEventCalls().Open(attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (opened >= 0) return opened;
  // The event is the kernel's own: what is invalid is a CPU beyond the possible ones.
  const PerfEventRefusal refusal =
      opened == -EINVAL ? ExplainNoSuchCpu(cpu) : ExplainPerfEventError(-opened, {.attributes = attributes, .tid = -1, .cpu = cpu});
  return PerfEventError(fmt::format("msr event {} of CPU {}", event, cpu), refusal);
}

}  // namespace hftmon
