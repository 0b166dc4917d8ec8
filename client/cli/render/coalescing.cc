#include "client/cli/render/coalescing.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "client/cli/table.h"

namespace hftmon {
namespace {

// What there was for each interrupt of the device's. Nothing where that cannot be said: no line, no interrupt, or lines of other devices
// too.
template <typename Device>
std::optional<double> PerInterrupt(const Device& device, bool known, uint64_t count) {
  if (!known || device.shared() || device.lines_size() == 0 || device.interrupt_count() == 0) return std::nullopt;
  return static_cast<double>(count) / static_cast<double>(device.interrupt_count());
}

std::optional<double> PacketsPerInterrupt(const v1::InterfaceInterrupts& device) {
  return PerInterrupt(device, device.has_rx_packets() && device.has_tx_packets(), device.rx_packets() + device.tx_packets());
}

std::optional<double> CompletionsPerInterrupt(const v1::BlockDeviceInterrupts& device) {
  return PerInterrupt(device, device.has_completed_count(), device.completed_count());
}

double PerSecond(uint64_t count, int64_t over_ns) {
  return static_cast<double>(count) * 1e9 / static_cast<double>(over_ns);
}

std::string RatioText(const std::optional<double>& ratio) {
  return ratio ? fmt::format("{:.2f}", *ratio) : "";
}

// "36 virtio1-req.0; 37 …", or why there is none.
template <typename Device>
std::string LinesText(const Device& device) {
  if (!device.lines_unavailable().empty()) return "unavailable: " + Printable(device.lines_unavailable());
  std::string text;
  for (const v1::DeviceLine& line : device.lines()) {
    if (line.count() == 0) continue;
    text += (text.empty() ? "" : "; ") + fmt::format("{} {} {}", line.irq(), Printable(line.handler()), line.count());
  }
  return text + (device.shared() ? " (of other devices too)" : "");
}

std::string SettingsText(const v1::InterfaceInterrupts& device) {
  if (!device.has_settings()) return "unavailable: " + Printable(device.settings_unavailable());
  const v1::CoalescingSettings& settings = device.settings();
  const auto adaptive = [](bool is) { return is ? ", adaptive" : ""; };
  return fmt::format("rx {} us, {} frames{}; tx {} us, {} frames{}", settings.rx_usecs(), settings.rx_max_frames(),
                     adaptive(settings.adaptive_rx()), settings.tx_usecs(), settings.tx_max_frames(), adaptive(settings.adaptive_tx()));
}

template <typename Device>
std::vector<std::string> InterruptCells(const Device& device, int64_t over_ns) {
  std::vector<std::string> cells = {device.lines_size() > 0 ? std::to_string(device.interrupt_count()) : ""};
  if (over_ns > 0) cells.push_back(device.lines_size() > 0 ? fmt::format("{:.1f}", PerSecond(device.interrupt_count(), over_ns)) : "");
  return cells;
}

std::vector<Table::Column> Columns(std::vector<Table::Column> before, int64_t over_ns, std::vector<Table::Column> after) {
  before.push_back({"interrupts"});
  if (over_ns > 0) before.push_back({"per second"});
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

std::string InterfaceTable(const v1::InterruptCoalescing& coalescing, int64_t over_ns) {
  Table table(Columns({{"interface", Table::Align::kLeft}, {"rx packets"}, {"tx packets"}}, over_ns,
                      {{"packets each"}, {"may be put off", Table::Align::kLeft}, {"irqs", Table::Align::kLeft}}));
  for (const v1::InterfaceInterrupts& device : coalescing.interfaces()) {
    std::vector<std::string> cells = {Printable(device.name()), device.has_rx_packets() ? std::to_string(device.rx_packets()) : "",
                                      device.has_tx_packets() ? std::to_string(device.tx_packets()) : ""};
    for (std::string& cell : InterruptCells(device, over_ns)) cells.push_back(std::move(cell));
    cells.push_back(RatioText(PacketsPerInterrupt(device)));
    cells.push_back(SettingsText(device));
    cells.push_back(LinesText(device));
    table.AddRow(cells);
  }
  if (!table.empty()) return "\n" + table.Print();
  return coalescing.interfaces_unavailable().empty()
             ? ""
             : "\ninterfaces: unavailable: " + Printable(coalescing.interfaces_unavailable()) + "\n";
}

std::string BlockTable(const v1::InterruptCoalescing& coalescing, int64_t over_ns) {
  Table table(
      Columns({{"block device", Table::Align::kLeft}, {"completed"}}, over_ns, {{"completions each"}, {"irqs", Table::Align::kLeft}}));
  for (const v1::BlockDeviceInterrupts& device : coalescing.block_devices()) {
    std::vector<std::string> cells = {Printable(device.name()),
                                      device.has_completed_count() ? std::to_string(device.completed_count()) : ""};
    for (std::string& cell : InterruptCells(device, over_ns)) cells.push_back(std::move(cell));
    cells.push_back(RatioText(CompletionsPerInterrupt(device)));
    cells.push_back(LinesText(device));
    table.AddRow(cells);
  }
  if (!table.empty()) return "\n" + table.Print();
  return coalescing.block_devices_unavailable().empty()
             ? ""
             : "\nblock devices: unavailable: " + Printable(coalescing.block_devices_unavailable()) + "\n";
}

template <typename Device>
Json DeviceJson(const Device& device, int64_t over_ns) {
  Json json{{"name", device.name()}, {"shared", device.shared()}};
  if (!device.lines_unavailable().empty()) json["lines_unavailable"] = device.lines_unavailable();
  if (device.lines_size() == 0) return json;
  json["lines"] = Json::array();
  for (const v1::DeviceLine& line : device.lines()) {
    json["lines"].push_back({{"irq", line.irq()}, {"handler", line.handler()}, {"count", line.count()}});
  }
  json["interrupt_count"] = device.interrupt_count();
  if (over_ns > 0) json["interrupts_per_second"] = PerSecond(device.interrupt_count(), over_ns);
  return json;
}

Json InterfaceJson(const v1::InterfaceInterrupts& device, int64_t over_ns) {
  Json json = DeviceJson(device, over_ns);
  if (device.has_rx_packets()) json["rx_packets"] = device.rx_packets();
  if (device.has_tx_packets()) json["tx_packets"] = device.tx_packets();
  if (const auto ratio = PacketsPerInterrupt(device)) json["packets_per_interrupt"] = *ratio;
  if (!device.settings_unavailable().empty()) json["settings_unavailable"] = device.settings_unavailable();
  if (!device.has_settings()) return json;
  const v1::CoalescingSettings& settings = device.settings();
  json["settings"] = {{"rx_usecs", settings.rx_usecs()},       {"rx_max_frames", settings.rx_max_frames()},
                      {"tx_usecs", settings.tx_usecs()},       {"tx_max_frames", settings.tx_max_frames()},
                      {"adaptive_rx", settings.adaptive_rx()}, {"adaptive_tx", settings.adaptive_tx()}};
  return json;
}

}  // namespace

std::string CoalescingText(const v1::InterruptCoalescing& coalescing, int64_t over_ns) {
  const std::string text = InterfaceTable(coalescing, over_ns) + BlockTable(coalescing, over_ns);
  return text.empty() ? "\nno interface and no block device of this host has a device\n" : text;
}

Json CoalescingJson(const v1::InterruptCoalescing& coalescing, int64_t over_ns) {
  Json json{{"interfaces", Json::array()}, {"block_devices", Json::array()}};
  for (const v1::InterfaceInterrupts& device : coalescing.interfaces()) json["interfaces"].push_back(InterfaceJson(device, over_ns));
  for (const v1::BlockDeviceInterrupts& device : coalescing.block_devices()) {
    Json entry = DeviceJson(device, over_ns);
    if (device.has_completed_count()) entry["completed_count"] = device.completed_count();
    if (const auto ratio = CompletionsPerInterrupt(device)) entry["completions_per_interrupt"] = *ratio;
    json["block_devices"].push_back(std::move(entry));
  }
  if (!coalescing.interfaces_unavailable().empty()) json["interfaces_unavailable"] = coalescing.interfaces_unavailable();
  if (!coalescing.block_devices_unavailable().empty()) json["block_devices_unavailable"] = coalescing.block_devices_unavailable();
  json["unread_interface_count"] = coalescing.unread_interface_count();
  json["unread_block_device_count"] = coalescing.unread_block_device_count();
  return json;
}

}  // namespace hftmon
