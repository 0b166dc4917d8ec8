#include "client/cli/render/status.h"

#include <fmt/format.h>

#include <cmath>

#include "client/cli/render/clocks.h"
#include "client/cli/render/operation.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string FormatBytes(int64_t bytes) {
  if (bytes < 1 << 20) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / (1 << 10));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// What was lost, by the names of the drops below; "" when nothing was.
std::string LossesText(const v1::GetStatusResponse& response) {
  std::string text;
  for (const v1::DropCounter& drop : response.drops()) {
    if (!drop.data_loss() || drop.count() == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "; data loss: " : ", ", drop.count(), Printable(drop.name()));
  }
  return text;
}

std::string DaemonText(const v1::GetStatusResponse& response) {
  const v1::DaemonStatus& daemon = response.daemon();
  return fmt::format("hftmond {}  pid {}  up {}  {}  {} lost{}\n", Printable(daemon.version()), daemon.pid(),
                     FormatDuration(daemon.uptime_ns()), Counted(static_cast<uint64_t>(response.target_count()), "target"),
                     Counted(response.lost_records(), "record"), LossesText(response)) +
         fmt::format("cost    {:.2f} % of a core ({} in all), {} resident, {} of BPF maps, {}\n", daemon.cpu_share() * 100,
                     FormatDuration(daemon.cpu_time_ns()), FormatBytes(daemon.rss_bytes()), FormatBytes(daemon.bpf_map_bytes()),
                     Counted(static_cast<uint64_t>(daemon.thread_count()), "thread"));
}

// " p50 1us, p99 2us, max 9us".
std::string DurationsText(const v1::DurationStatistics& durations) {
  std::string text;
  for (const v1::Percentile& percentile : durations.percentiles()) {
    text += fmt::format("{} p{:g} {}", text.empty() ? "" : ",", percentile.percent(), FormatDuration(percentile.value_ns()));
  }
  if (durations.has_max_ns()) text += fmt::format("{} max {}", text.empty() ? "" : ",", FormatDuration(durations.max_ns()));
  return text;
}

std::string DetectionText(const char* what, const v1::DurationStatistics& latency, const char* between) {
  if (latency.count() == 0) return "";
  return fmt::format("detect  {} {},{} {}\n", latency.count(), what, DurationsText(latency), between);
}

std::string LoopText(const v1::LoopStatus& loop) {
  std::string text = fmt::format("loop    {} on CPU {}, {}; {}; {} above {}, the longest {}\n", loop.mode(), loop.cpu(), loop.scheduling(),
                                 Counted(loop.record_count(), "record"), Counted(loop.gap_count(), "gap"),
                                 FormatDuration(loop.gap_threshold_ns()), FormatDuration(loop.gap_max_ns()));
  if (loop.move_count() > 0)
    text += fmt::format("        moved {}: {}\n", Counted(loop.move_count(), "time"), Printable(loop.cpu_reason()));
  if (loop.lateness().count() > 0)
    text += "late   " + DurationsText(loop.lateness()) + " between two looks, less the sleep that was meant\n";
  text += DetectionText("spikes", loop.detection(), "from the kernel's record to the time budget");
  return text + DetectionText("spikes in progress", loop.crossing_detection(), "from the crossing of the threshold");
}

std::string ClockText(const v1::ClockStatus& clock) {
  std::string text = fmt::format("clock   {}", clock.source());
  if (clock.tsc_hz() > 0) text += fmt::format(" at {:.3f} MHz", clock.tsc_hz() / 1e6);
  text += fmt::format(", error {}", FormatDuration(clock.error_ns()));
  if (!clock.reason().empty()) text += fmt::format(" ({})", clock.reason());
  return text + "\n" + ClocksText(clock);
}

// When it was read, and what the file says that is not in force.
std::string ConfigText(const v1::GetStatusResponse& response) {
  const v1::ConfigStatus& config = response.config();
  std::string text = fmt::format("config  {}, read {} ago", config.path().empty() ? "no file" : Printable(config.path()),
                                 FormatDuration(response.time().monotonic_ns() - config.loaded_monotonic_ns()));
  if (config.reload_count() > 0) text += ", " + Counted(config.reload_count(), "reload");
  text += "\n";
  if (config.pending_size() > 0) {
    text += "        changed in the file, in force after a restart:";
    for (const v1::PendingSetting& setting : config.pending()) {
      text += fmt::format("{} {} ({}, in force {})", &setting == &config.pending(0) ? "" : ",", Printable(setting.name()),
                          Printable(setting.in_file()), Printable(setting.in_force()));
    }
    text += "\n";
  }
  if (config.faults_size() > 0) text += "        the last reload was refused, what was in force stayed:\n";
  for (const std::string& fault : config.faults()) text += fmt::format("          {}\n", Printable(fault));
  return text;
}

Json ConfigJson(const v1::ConfigStatus& config) {
  Json json = Json::object();
  if (!config.path().empty()) json["path"] = config.path();
  json["loaded_ns"] = config.loaded_monotonic_ns();
  json["loaded_realtime_ns"] = config.loaded_realtime_ns();
  json["reload_count"] = config.reload_count();
  json["refused_count"] = config.refused_count();
  json["pending"] = Json::array();
  for (const v1::PendingSetting& setting : config.pending()) {
    json["pending"].push_back({{"name", setting.name()}, {"in_force", setting.in_force()}, {"in_file", setting.in_file()}});
  }
  json["faults"] = Json::array();
  for (const std::string& fault : config.faults()) json["faults"].push_back(fault);
  return json;
}

Json DaemonJson(const v1::DaemonStatus& daemon) {
  return Json{{"pid", daemon.pid()},
              {"version", daemon.version()},
              {"uptime_ns", daemon.uptime_ns()},
              {"rss_bytes", daemon.rss_bytes()},
              {"bpf_map_bytes", daemon.bpf_map_bytes()},
              {"cpu_share", daemon.cpu_share()},
              {"cpu_time_ns", daemon.cpu_time_ns()},
              {"thread_count", daemon.thread_count()}};
}

Json ProbeJson(const v1::ProbeStatus& probe) {
  Json json{{"name", probe.name()}, {"attach_point", probe.attach_point()}, {"run_count", probe.run_count()}};
  if (probe.has_mean_ns() && std::isfinite(probe.mean_ns())) json["mean_ns"] = probe.mean_ns();
  json["recursion_misses"] = probe.recursion_misses();
  json["instruction_count"] = probe.instruction_count();
  if (probe.detached()) json["detached"] = true;
  if (!probe.left_out_reason().empty()) json["left_out_reason"] = probe.left_out_reason();
  return json;
}

Json LoopJson(const v1::LoopStatus& loop) {
  return Json{{"mode", loop.mode()},
              {"cpu", loop.cpu()},
              {"cpu_reason", loop.cpu_reason()},
              {"move_count", loop.move_count()},
              {"scheduling", loop.scheduling()},
              {"iteration_count", loop.iteration_count()},
              {"record_count", loop.record_count()},
              {"gap_count", loop.gap_count()},
              {"gap_max_ns", loop.gap_max_ns()},
              {"gap_threshold_ns", loop.gap_threshold_ns()},
              {"detection", DurationStatisticsJson(loop.detection())},
              {"crossing_detection", DurationStatisticsJson(loop.crossing_detection())},
              {"lateness", DurationStatisticsJson(loop.lateness())}};
}

Json ClockJson(const v1::ClockStatus& clock) {
  Json json{{"source", clock.source()}};
  if (!clock.reason().empty()) json["reason"] = clock.reason();
  if (clock.tsc_hz() > 0) json["tsc_hz"] = clock.tsc_hz();
  json["error_ns"] = clock.error_ns();
  AddClocksJson(clock, &json);
  return json;
}

}  // namespace

std::string StatusText(const v1::GetStatusResponse& response) {
  std::string text = DaemonText(response) + OperationText(response.operation()) + LoopText(response.loop()) + ClockText(response.clock());
  if (response.has_config()) text += ConfigText(response);
  Table probes({{"probe", Table::Align::kLeft}, {"attached to", Table::Align::kLeft}, {"runs"}, {"mean"}, {"skipped"}, {"instructions"}});
  std::string left_out;
  for (const v1::ProbeStatus& probe : response.probes()) {
    if (!probe.left_out_reason().empty()) {
      left_out += fmt::format("left out: {}: {}\n", Printable(probe.name()), Printable(probe.left_out_reason()));
      continue;
    }
    probes.AddRow({probe.name(), probe.attach_point() + (probe.detached() ? " (when asked for)" : ""), std::to_string(probe.run_count()),
                   probe.has_mean_ns() ? fmt::format("{:.0f}ns", probe.mean_ns()) : "", std::to_string(probe.recursion_misses()),
                   std::to_string(probe.instruction_count())});
  }
  if (!probes.empty()) text += "\n" + probes.Print() + left_out;
  Table bounds({{"bound", Table::Align::kLeft}, {"used"}, {"limit"}});
  for (const v1::Bound& bound : response.bounds()) {
    bounds.AddRow({bound.name(), std::to_string(bound.used()), std::to_string(bound.limit())});
  }
  if (!bounds.empty()) text += "\n" + bounds.Print();
  Table drops({{"dropped", Table::Align::kLeft}, {"count"}, {"data loss", Table::Align::kLeft}, {"meaning", Table::Align::kLeft}});
  for (const v1::DropCounter& drop : response.drops()) {
    if (drop.count() > 0) drops.AddRow({drop.name(), std::to_string(drop.count()), drop.data_loss() ? "yes" : "no", drop.help()});
  }
  if (!drops.empty()) text += "\n" + drops.Print();
  return text;
}

Json StatusJson(const v1::GetStatusResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["daemon"] = DaemonJson(response.daemon());
  json["lost_records"] = response.lost_records();
  json["targets"] = response.target_count();
  json["probes"] = Json::array();
  for (const v1::ProbeStatus& probe : response.probes()) json["probes"].push_back(ProbeJson(probe));
  json["drops"] = Json::array();
  for (const v1::DropCounter& drop : response.drops()) {
    json["drops"].push_back({{"name", drop.name()}, {"count", drop.count()}, {"data_loss", drop.data_loss()}, {"help", drop.help()}});
  }
  json["loop"] = LoopJson(response.loop());
  json["operation"] = OperationJson(response.operation());
  json["clock"] = ClockJson(response.clock());
  if (response.has_config()) json["config"] = ConfigJson(response.config());
  json["bounds"] = Json::array();
  for (const v1::Bound& bound : response.bounds()) {
    json["bounds"].push_back({{"name", bound.name()}, {"used", bound.used()}, {"limit", bound.limit()}});
  }
  return json;
}

}  // namespace hftmon
