#include "client/cli/render/operation.h"

#include <fmt/format.h>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {

Json OperationJson(const v1::OperationStatus& operation) {
  Json json{{"asked_mode", operation.asked_mode()},
            {"mode", operation.mode()},
            {"mode_reason", operation.mode_reason()},
            {"poll_gap_min_ns", operation.poll_gap_min_ns()},
            {"poll_gap_max_ns", operation.poll_gap_max_ns()},
            {"owns_cpu", operation.owns_cpu()},
            {"other_cpus", operation.other_cpus()},
            {"quiet", operation.quiet()},
            {"off", operation.off()}};
  if (operation.has_off_since_monotonic_ns()) json["off_since_ns"] = operation.off_since_monotonic_ns();
  json["off_count"] = operation.off_count();
  json["off_total_ns"] = operation.off_total_ns();
  return json;
}

std::string OperationText(const v1::OperationStatus& operation) {
  std::string text =
      fmt::format("mode    {}{} ({}); looks every {} to {}; {}, other threads on CPU {}\n", Printable(operation.mode()),
                  operation.asked_mode() == "auto" ? ", chosen" : "", Printable(operation.mode_reason()),
                  FormatDuration(operation.poll_gap_min_ns()), FormatDuration(operation.poll_gap_max_ns()),
                  operation.owns_cpu() ? "keeps its CPU busy" : "leaves its CPU to others", Printable(operation.other_cpus()));
  if (operation.quiet())
    text += "quiet   on: whatever would attach programs, create maps or reload is refused: `hftmon quiet off` ends it\n";
  if (operation.off()) text += "off     nothing is collected: `hftmon on` ends it\n";
  if (operation.off_count() > 0) {
    text += fmt::format("was off {}, {} in all\n", Counted(operation.off_count(), "time"), FormatDuration(operation.off_total_ns()));
  }
  return text;
}

Json LoopPlaceJson(const v1::LoopStatus& loop) {
  return Json{{"cpu", loop.cpu()}, {"scheduling", loop.scheduling()}};
}

std::string LoopPlaceText(const v1::LoopStatus& loop) {
  return fmt::format("loop    on CPU {}, {}\n", loop.cpu(), Printable(loop.scheduling()));
}

}  // namespace hftmon
