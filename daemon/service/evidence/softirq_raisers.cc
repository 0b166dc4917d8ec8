#include "daemon/service/evidence/softirq_raisers.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/os/device_lines.h"
#include "daemon/os/host_settings.h"

namespace hftmon {
namespace {

constexpr SettingRow kRpsRow{
    .name = "rps_cpus", .path = "/sys/class/net/*/queues/rx-#/rps_cpus", .form = SettingForm::kCpuMask, .scope = SettingScope::kInterface};

bool Meet(const CpuList& some, const CpuList& others) {
  return std::any_of(some.begin(), some.end(), [&others](int cpu) { return std::find(others.begin(), others.end(), cpu) != others.end(); });
}

// Of one line in the window, on these CPUs; a CPU whose counts went back was offline.
uint64_t LineCount(const SnapshotPair& sums, const CpuList& cpus, uint32_t irq) {
  const auto count_of = [irq](const CpuInterruptTotal& cpu) {
    for (const DeviceTotal& device : cpu.devices) {
      if (device.irq == irq && !device.name.empty()) return device.count;
    }
    return uint64_t{0};
  };
  uint64_t count = 0;
  for (const CpuInterruptTotal& after : sums.after->cpus) {
    if (!Meet({static_cast<int>(after.cpu)}, cpus)) continue;
    for (const CpuInterruptTotal& before : sums.before->cpus) {
      if (before.cpu == after.cpu && count_of(after) > count_of(before)) count += count_of(after) - count_of(before);
    }
  }
  return count;
}

// What the CPUs polled in the window: a device's own, and what was steered to them by another CPU.
struct Polled {
  bool known = false;
  uint64_t device_count = 0;
  uint64_t backlog_count = 0;
};

Polled PolledOn(const SnapshotPair& sums, const CpuList& cpus) {
  Polled polled;
  for (const PollSum& after : sums.after->polls) {
    if (!Meet({after.cpu}, cpus) || after.interface == "others") continue;
    uint64_t before = 0;
    for (const PollSum& earlier : sums.before->polls) {
      const bool same =
          earlier.cpu == after.cpu && earlier.interface == after.interface && earlier.other_namespace == after.other_namespace;
      if (same) before += earlier.poll_count;
    }
    if (after.poll_count <= before) continue;
    polled.known = true;
    (after.interface == "backlog" ? polled.backlog_count : polled.device_count) += after.poll_count - before;
  }
  return polled;
}

// "virtio1-input.0", "eth0-rx-3": the number behind the last separator. Which queue a name without one is of is not known.
std::optional<int64_t> QueueOfName(const std::string& handler) {
  size_t begin = handler.size();
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(handler[begin - 1])) != 0) --begin;
  int64_t queue = 0;
  if (begin == 0 || begin == handler.size() || (handler[begin - 1] != '-' && handler[begin - 1] != '.')) return std::nullopt;
  return absl::SimpleAtoi(handler.substr(begin), &queue) ? std::optional(queue) : std::nullopt;
}

void SetQueue(const NetworkQueues& known, std::optional<int64_t> named, SoftirqRaiser* raiser) {
  std::vector<const ReceiveQueue*> of_interface;
  for (const ReceiveQueue& queue : known.queues) {
    if (queue.interface == raiser->interface) of_interface.push_back(&queue);
  }
  for (const ReceiveQueue* queue : of_interface) {
    if (of_interface.size() > 1 && queue->queue != named) continue;
    raiser->queue = queue->queue;
    raiser->rps_cpus = queue->rps_cpus;
  }
}

}  // namespace

NetworkQueues ReadNetworkQueues(const FileRoot& files) {
  NetworkQueues known;
  std::set<std::string> interfaces;
  for (const HostSetting& setting : ReadHostSettings(files, {&kRpsRow, 1}, kReceiveQueuesMax).settings) {
    ReceiveQueue queue;
    if (setting.matched.size() != 2 || !absl::SimpleAtoi(setting.matched[1], &queue.queue)) continue;
    queue.interface = setting.matched[0];
    if (const auto* cpus = std::get_if<std::vector<int>>(&setting.value)) queue.rps_cpus = *cpus;
    interfaces.insert(queue.interface);
    known.queues.push_back(std::move(queue));
  }
  for (const std::string& interface : interfaces) {
    const auto lines = ReadDeviceLines(files, absl::StrCat("/sys/class/net/", interface));
    if (!lines.ok()) continue;  // a virtual one has none
    for (const DeviceLine& line : *lines) {
      if (!line.handler.empty()) {
        known.lines.push_back({.interface = interface, .irq = static_cast<uint32_t>(line.irq), .handler = line.handler});
      }
    }
  }
  return known;
}

std::optional<SoftirqRaiser> RaiserOn(const CpuList& cpus, const SnapshotPair& sums, const NetworkQueues& queues) {
  if (sums.before == nullptr || sums.after == nullptr || cpus.empty()) return std::nullopt;
  const Polled polled = PolledOn(sums, cpus);
  const bool by_backlog = polled.known && polled.backlog_count > polled.device_count;
  const bool by_line = polled.known && !by_backlog;
  std::set<std::string> interfaces;
  const InterfaceLine* line = nullptr;
  uint64_t line_count = 0;
  for (const InterfaceLine& one : queues.lines) {
    const uint64_t count = by_backlog ? 0 : LineCount(sums, cpus, one.irq);
    if (count == 0) continue;
    interfaces.insert(one.interface);
    if (count > line_count) line = &one;
    line_count = std::max(line_count, count);
  }
  std::vector<const ReceiveQueue*> steered;
  for (const ReceiveQueue& queue : queues.queues) {
    if (by_line || !Meet(queue.rps_cpus, cpus)) continue;
    interfaces.insert(queue.interface);
    steered.push_back(&queue);
  }
  if (interfaces.size() != 1) return std::nullopt;
  SoftirqRaiser raiser{.interface = *interfaces.begin(), .queue = std::nullopt, .irq = std::nullopt, .rps_cpus = {}};
  if (line != nullptr) {
    raiser.irq = line->irq;
    SetQueue(queues, QueueOfName(line->handler), &raiser);
  } else if (steered.size() == 1) {
    SetQueue(queues, steered.front()->queue, &raiser);
  }
  return raiser;
}

}  // namespace hftmon
