#include "client/cli/render/states.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr double kBarBytes = 40;
// A share of doubles that sum to one.
constexpr double kRoundingMax = 1e-9;

std::string Percent(double share) {
  return fmt::format("{:.2f} %", share * 100);
}

std::string Bar(double share) {
  return std::string(static_cast<size_t>(std::lround(std::clamp(share, 0.0, 1.0) * kBarBytes)), '#');
}

double UnlistedShare(const v1::SampledCpu& cpu) {
  if (cpu.sample_count() == 0) return 0;
  return static_cast<double>(cpu.unlisted_thread_sample_count()) / static_cast<double>(cpu.sample_count());
}

std::string WhoText(const v1::SampledThread& thread) {
  return fmt::format("{}[{}/{}]{}", Printable(thread.comm()), thread.pid(), thread.tid(), thread.watched() ? " watched" : "");
}

std::string LongestText(const v1::SampledCpu& cpu) {
  std::string text;
  if (cpu.longest_run_tid() > 0) {
    text += fmt::format("  longest without a switch: {} (thread {})\n", FormatDuration(cpu.longest_run_ns()), cpu.longest_run_tid());
  }
  if (cpu.longest_interrupt_ns() > 0) text += fmt::format("  longest interrupt: {}\n", FormatDuration(cpu.longest_interrupt_ns()));
  if (cpu.has_waiting_watched_mean()) {
    text += fmt::format("  watched threads that waited for it: {:.3g} on average\n", cpu.waiting_watched_mean());
  }
  return text;
}

std::string CpuText(const v1::SampledCpu& cpu) {
  std::string text = fmt::format("CPU {}: {}", cpu.cpu(), Counted(cpu.sample_count(), "sample"));
  if (cpu.torn_count() > 0) text += fmt::format(", {} more torn by switches", cpu.torn_count());
  text += "\n";
  Table table({{"what", Table::Align::kLeft}, {"share"}, {"", Table::Align::kLeft}});
  const auto add = [&table](const std::string& what, double share) { table.AddRow({what, Percent(share), Bar(share) + "|"}); };
  for (const v1::SampledThread& thread : cpu.threads()) add(WhoText(thread), thread.share());
  if (cpu.unlisted_thread_sample_count() > 0) add("(other threads)", UnlistedShare(cpu));
  if (UnknownShare(cpu) > 0) add("(not known)", UnknownShare(cpu));
  add("(idle)", cpu.idle_share());
  for (const v1::SampledInterrupt& interrupt : cpu.interrupts()) add("(" + Printable(interrupt.kind()) + ")", interrupt.share());
  return text + (cpu.sample_count() > 0 ? table.Print(2) : "") + LongestText(cpu) + "\n";
}

std::string TicksText(const v1::SampleStateResponse& response) {
  const auto due = static_cast<double>(std::max<uint64_t>(response.due_count(), 1));
  std::string text =
      fmt::format("{} due, one each {}: {} on time ({}), {} late, {} missed", Counted(response.due_count(), "tick"),
                  FormatDuration(response.interval_ns()), response.on_time_count(),
                  Percent(static_cast<double>(response.on_time_count()) / due), response.late_count(), response.missed_count());
  if (response.lateness().has_max_ns()) text += fmt::format("; latest {}", FormatDuration(response.lateness().max_ns()));
  return text + fmt::format("\nsampling took {} of the daemon's CPU, which does not rest while it lasts\n", Percent(response.cpu_share()));
}

Json CpuJson(const v1::SampledCpu& cpu) {
  Json json{{"cpu", cpu.cpu()},
            {"sample_count", cpu.sample_count()},
            {"torn_count", cpu.torn_count()},
            {"idle_share", cpu.idle_share()},
            {"interrupt_share", cpu.interrupt_share()},
            {"unknown_share", UnknownShare(cpu)},
            {"threads", Json::array()}};
  for (const v1::SampledThread& thread : cpu.threads()) {
    json["threads"].push_back(
        {{"tid", thread.tid()}, {"pid", thread.pid()}, {"comm", thread.comm()}, {"share", thread.share()}, {"watched", thread.watched()}});
  }
  json["unlisted_thread_sample_count"] = cpu.unlisted_thread_sample_count();
  json["interrupts"] = Json::array();
  for (const v1::SampledInterrupt& interrupt : cpu.interrupts()) {
    json["interrupts"].push_back({{"kind", interrupt.kind()}, {"share", interrupt.share()}});
  }
  json["longest_run_ns"] = cpu.longest_run_ns();
  if (cpu.longest_run_tid() > 0) json["longest_run_tid"] = cpu.longest_run_tid();
  json["longest_interrupt_ns"] = cpu.longest_interrupt_ns();
  if (cpu.has_waiting_watched_mean()) json["waiting_watched_mean"] = cpu.waiting_watched_mean();
  return json;
}

}  // namespace

double UnknownShare(const v1::SampledCpu& cpu) {
  if (cpu.sample_count() == 0) return 0;
  double rest = 1 - cpu.idle_share() - cpu.interrupt_share() - UnlistedShare(cpu);
  for (const v1::SampledThread& thread : cpu.threads()) rest -= thread.share();
  return rest > kRoundingMax ? rest : 0;
}

std::string StatesText(const v1::SampleStateResponse& response) {
  std::string text;
  for (const v1::SampledCpu& cpu : response.cpus()) text += CpuText(cpu);
  text += TicksText(response);
  for (const v1::UnsampledMetric& metric : response.unavailable()) {
    text += fmt::format("{} unavailable: {}\n", Printable(metric.name()), Printable(metric.reason()));
  }
  return text;
}

Json StatesJson(const v1::SampleStateResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["begin_ns"] = response.begin_monotonic_ns();
  json["end_ns"] = response.end_monotonic_ns();
  json["interval_ns"] = response.interval_ns();
  json["due_count"] = response.due_count();
  json["on_time_count"] = response.on_time_count();
  json["late_count"] = response.late_count();
  json["missed_count"] = response.missed_count();
  json["lateness"] = DurationStatisticsJson(response.lateness());
  json["cpu_share"] = response.cpu_share();
  json["cpus"] = Json::array();
  for (const v1::SampledCpu& cpu : response.cpus()) json["cpus"].push_back(CpuJson(cpu));
  json["unavailable"] = Json::array();
  for (const v1::UnsampledMetric& metric : response.unavailable()) {
    json["unavailable"].push_back({{"name", metric.name()}, {"reason", metric.reason()}});
  }
  return json;
}

}  // namespace hftmon
