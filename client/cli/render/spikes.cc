#include "client/cli/render/spikes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/call.h"
#include "client/cli/render/fault.h"
#include "client/cli/render/hardware.h"
#include "client/cli/render/kernel_lock.h"
#include "client/cli/render/marked_span.h"
#include "client/cli/render/stack.h"
#include "client/cli/render/waker.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kBarWidth = 20;
constexpr char kBold[] = "\033[1m";
constexpr char kYellow[] = "\033[33m";
constexpr char kRed[] = "\033[31m";
constexpr char kReset[] = "\033[0m";

std::string Coloured(const std::string& text, const char* colour, const TextStyle& style) {
  return style.colour ? colour + text + kReset : text;
}

std::string Bar(double share) {
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kBarWidth));
  return std::string(static_cast<size_t>(filled), '#') + std::string(static_cast<size_t>(kBarWidth - filled), '.');
}

std::string BudgetLine(double share, int64_t duration_ns, const std::string& what) {
  return fmt::format("    {}  {:>5.1f} %  {:>8}  {}\n", Bar(share), share * 100, FormatDuration(duration_ns), what);
}

std::string ActorText(const v1::Actor& actor) {
  std::string text = Printable(actor.name().empty() ? actor.comm() : actor.name());
  if (actor.tid() > 0) {
    text += "[" + ThreadNumbersText(actor) + "]";
  } else if (actor.irq() > 0) {
    text += fmt::format("[irq {}]", actor.irq());
  }
  return text;
}

std::string CauseText(const v1::Cause& cause) {
  std::string text = cause.has_actor() ? ActorText(cause.actor()) : cause.kind();
  if (!cause.evidence().empty()) text += ": " + Printable(cause.evidence());
  if (cause.estimated()) text += " (estimated)";
  return text;
}

std::string Warnings(const v1::Spike& spike) {
  std::string text;
  if (spike.in_progress()) text += "  in progress";
  if (spike.began_before_watching()) text += "  it slept already when watching it began";
  if (spike.inconclusive()) {
    text += "  INCONCLUSIVE: ";
    const std::string why = spike.inconclusive_reason().empty() ? "records lost in its time" : Printable(spike.inconclusive_reason());
    constexpr std::string_view kRecords = "records";  // as the reason begins where some were lost
    text +=
        spike.lost_records() > 0 && why.starts_with(kRecords) ? Counted(spike.lost_records(), "record") + why.substr(kRecords.size()) : why;
  }
  if (spike.runners_truncated()) text += "  the log of who ran wrapped";
  return text;
}

Json ActorJson(const v1::Actor& actor) {
  Json json = Json::object();
  if (actor.pid() > 0) json["pid"] = actor.pid();
  if (actor.tid() > 0) json["tid"] = actor.tid();
  AddInnerNumbers(actor, &json);
  if (!actor.comm().empty()) json["comm"] = actor.comm();
  if (actor.irq() > 0) json["irq"] = actor.irq();
  if (!actor.name().empty()) json["name"] = actor.name();
  return json;
}

Json PreemptionJson(const v1::Preemption& preemption) {
  Json json{{"reason", preemption.reason()},
            {"victim_class", preemption.victim_class()},
            {"victim_priority", preemption.victim_priority()},
            {"preemptor", ActorJson(preemption.preemptor())},
            {"preemptor_class", preemption.preemptor_class()},
            {"preemptor_priority", preemption.preemptor_priority()}};
  if (preemption.has_preemptor_queued_ns()) json["preemptor_queued_ns"] = preemption.preemptor_queued_ns();
  return json;
}

std::string PreemptionText(const v1::Preemption& preemption) {
  return fmt::format("    lost its CPU to {} ({}, priority {}; its own: {}, {}): {}\n", ActorText(preemption.preemptor()),
                     preemption.preemptor_class(), preemption.preemptor_priority(), preemption.victim_class(), preemption.victim_priority(),
                     preemption.reason());
}

Json CauseJson(const v1::Cause& cause) {
  Json json{{"kind", cause.kind()}, {"duration_ns", cause.duration_ns()}, {"share", cause.share()}, {"estimated", cause.estimated()}};
  if (cause.cpu() >= 0) json["cpu"] = cause.cpu();
  if (cause.has_actor()) json["actor"] = ActorJson(cause.actor());
  json["evidence"] = cause.evidence();
  return json;
}

}  // namespace

std::string SpikeText(const v1::Spike& spike, const v1::TimePair& time, const absl::TimeZone& zone, const TextStyle& style,
                      TimeScale scale) {
  const v1::ThreadId& thread = spike.thread();
  const std::string duration = Coloured(FormatDuration(spike.duration_ns()), kBold, style);
  const std::string numbers = BothNumbers(spike.target_pid(), thread.tid(), thread.namespace_pid(), thread.namespace_tid());
  std::string text =
      fmt::format("{}  {}[{}]  {}  {}", FormatTime(spike.start_monotonic_ns(), time, zone, scale),
                  Coloured(Printable(thread.comm()), kBold, style), numbers, Coloured(spike.kind(), kYellow, style), duration);
  if (spike.cpu() >= 0) text += fmt::format("  CPU {}", spike.cpu());
  if (spike.run_queue_depth() > 0) text += fmt::format("  queue {}", spike.run_queue_depth());
  text += fmt::format("  #{}", spike.id());
  if (const std::string warnings = Warnings(spike); !warnings.empty()) text += Coloured(warnings, kRed, style);
  text += "\n";
  if (spike.has_preemption()) text += PreemptionText(spike.preemption());
  if (spike.has_waker()) text += WakerText(spike.waker(), spike.start_monotonic_ns() + spike.duration_ns());
  if (spike.has_call()) text += CallFileText(spike.call());
  if (spike.has_operation()) text += MarkedSpanText(spike.operation());
  if (spike.has_fault()) text += FaultText(spike.fault());
  if (spike.has_kernel_lock()) text += KernelLockText(spike.kernel_lock());
  for (const v1::Cause& cause : spike.causes()) text += BudgetLine(cause.share(), cause.duration_ns(), CauseText(cause));
  if (spike.unexplained_ns() > 0) {
    const double share = static_cast<double>(spike.unexplained_ns()) / static_cast<double>(std::max<int64_t>(spike.duration_ns(), 1));
    text += BudgetLine(share, spike.unexplained_ns(), "unexplained");
  }
  if (spike.has_hardware()) text += HardwareEvidenceText(spike.hardware());
  if (spike.has_stack()) text += StackText(spike.stack());
  return text;
}

Json SpikeJson(const v1::Spike& spike, const v1::TimePair& time) {
  Json json = NewAnswer();
  json["id"] = spike.id();
  json["target_pid"] = spike.target_pid();
  json["tid"] = spike.thread().tid();
  json["comm"] = spike.thread().comm();
  AddInnerNumbers(spike.thread(), &json);
  if (spike.cpu() >= 0) json["cpu"] = spike.cpu();
  json["start_ns"] = spike.start_monotonic_ns();
  if (time.realtime_ns() != 0) {
    const int64_t realtime_ns = RealtimeNs(spike.start_monotonic_ns(), time);
    json["start_realtime_ns"] = realtime_ns;
    if (time.has_tai_offset_ns()) json["start_tai_ns"] = realtime_ns + time.tai_offset_ns();
  }
  if (spike.has_start_error_ns()) {
    json["start_error_ns"] = spike.start_error_ns();
    json["start_error_estimated"] = spike.start_error_estimated();
  }
  json["duration_ns"] = spike.duration_ns();
  json["kind"] = spike.kind();
  json["in_progress"] = spike.in_progress();
  if (spike.began_before_watching()) json["began_before_watching"] = true;
  json["inconclusive"] = spike.inconclusive();
  if (!spike.inconclusive_reason().empty()) json["inconclusive_reason"] = spike.inconclusive_reason();
  json["runners_truncated"] = spike.runners_truncated();
  json["lost_records"] = spike.lost_records();
  json["causes"] = Json::array();
  for (const v1::Cause& cause : spike.causes()) json["causes"].push_back(CauseJson(cause));
  json["unexplained_ns"] = spike.unexplained_ns();
  if (spike.run_queue_depth() > 0) json["run_queue_depth"] = spike.run_queue_depth();
  json["priority"] = spike.priority();
  if (spike.has_preemption()) json["preemption"] = PreemptionJson(spike.preemption());
  if (spike.has_call()) json["call"] = CallJson(spike.call());
  if (spike.has_operation()) json["operation"] = MarkedSpanJson(spike.operation());
  if (spike.has_fault()) json["fault"] = FaultJson(spike.fault());
  if (spike.has_kernel_lock()) json["kernel_lock"] = KernelLockJson(spike.kernel_lock());
  if (spike.has_waker()) json["waker"] = WakerJson(spike.waker());
  json["migrations"] = spike.migrations();
  if (spike.detection_ns() > 0) json["detection_ns"] = spike.detection_ns();
  if (spike.loop_gap_ns() > 0) json["loop_gap_ns"] = spike.loop_gap_ns();
  if (spike.has_hardware()) json["hardware"] = HardwareEvidenceJson(spike.hardware());
  if (spike.has_stack()) json["stack"] = StackJson(spike.stack());
  json["time"] = TimeJson(time);
  return json;
}

}  // namespace hftmon
